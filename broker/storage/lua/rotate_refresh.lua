-- KEYS: session, sessions index
-- ARGV: client, counter that was shown, thumbprint of the proved key or '', grace (ms), life (ms),
--   absolute life (ms), sid, channel, message, scope that is asked for or ''
-- Answers {'good', latest counter, field, value, ...}, or {'unknown'}, {'other_key'}, {'scope'} or {'reused'}.
-- An absent record is never written to.
local held = redis.call('HMGET', KEYS[1], 'client', 'counter', 'jkt', 'rotated_at', 'created_at', 'expires_at',
  'scope')
if held[1] ~= ARGV[1] or not held[2] or math.min(held[6], held[5] + ARGV[6]) <= now then
  return {'unknown'}
end
-- Before the counter: a thief without the key must not be able to end the session either.
if held[3] ~= '' and held[3] ~= ARGV[3] then
  return {'other_key'}
end
for one in string.gmatch(ARGV[10], '%S+') do
  if not string.find(' ' .. held[7] .. ' ', ' ' .. one .. ' ', 1, true) then
    return {'scope'}
  end
end
local latest, shown = tonumber(held[2]), tonumber(ARGV[2])
if shown > latest then
  -- Made before Redis lost what it had acknowledged.
  return {'unknown'}
end
if shown == latest then
  latest = latest + 1
  local expires = string.format('%.0f', math.min(now + ARGV[5], held[5] + ARGV[6]))
  redis.call('HSET', KEYS[1], 'counter', string.format('%.0f', latest), 'rotated_at', string.format('%.0f', now),
    'updated_at', string.format('%.0f', now), 'expires_at', expires)
  redis.call('PEXPIREAT', KEYS[1], expires)
else
  -- Either way, as a clock may be set back.
  local since = math.abs(now - tonumber(held[4]))
  if held[3] == '' or shown < latest - 1 or since > tonumber(ARGV[4]) then
    redis.call('DEL', KEYS[1])
    redis.call('ZREM', KEYS[2], ARGV[7])
    redis.call('PUBLISH', ARGV[8], ARGV[9])
    return {'reused'}
  end
end
return {'good', latest, unpack(redis.call('HGETALL', KEYS[1]))}
