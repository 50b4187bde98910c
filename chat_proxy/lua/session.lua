-- Put before a script that judges a session. `now` is Redis time in ms.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

-- The time of creation and how the session was proved, or nil when it ended, is another client's or tier's,
-- or the token, or the one that it was narrowed down from, was revoked on its own.
local function living(session, revoked, root_revoked, client, tier)
  local held = redis.call('HMGET', session, 'client', 'tier', 'expires_at', 'created_at', 'proved_by')
  if held[1] ~= client or held[2] ~= tier or tonumber(held[3] or '0') <= now then
    return nil
  end
  -- Of a token that was not narrowed down both are one key, and counted twice.
  if redis.call('EXISTS', revoked, root_revoked) > 0 then
    return nil
  end
  return held[4], held[5]
end
