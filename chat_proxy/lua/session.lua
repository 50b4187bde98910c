-- Put before a script that judges a session. `now` is Redis time in ms.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

-- Returns the session's created_at, proved_by, and upstream or ''. Returns nil when it ended, when it belongs to another
-- client or tier, and when the token, or the token that it was narrowed down from, was revoked on its own.
local function living(session, revoked, root_revoked, client, tier)
  local held = redis.call('HMGET', session, 'client', 'tier', 'expires_at', 'created_at', 'proved_by',
    'upstream')
  if held[1] ~= client or held[2] ~= tier or tonumber(held[3] or '0') <= now then
    return nil
  end
  -- For a token that was not narrowed down both names are one key, which EXISTS counts twice.
  if redis.call('EXISTS', revoked, root_revoked) > 0 then
    return nil
  end
  return held[4], held[5], held[6] or ''
end
