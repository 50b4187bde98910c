-- KEYS: session, sessions index, generation, mark of a session that must not be made
-- ARGV: sid, generation read before the proof, how many sessions may stay, life (ms), absolute life (ms),
--   channel, sub, time of creation (ms) or '' for the present, field, value, ...
-- Answers the time (ms) of creation, or false when the generation was raised meanwhile or the mark is there.
if (redis.call('GET', KEYS[3]) or '0') ~= ARGV[2] or redis.call('EXISTS', KEYS[4]) == 1 then
  return false
end
-- The session keys of one user share a hash tag with KEYS[1], so their names may be made here.
local prefix = string.sub(KEYS[1], 1, #KEYS[1] - #ARGV[1])
local living = {}
for _, sid in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
  if redis.call('EXISTS', prefix .. sid) == 1 then
    living[#living + 1] = sid
  else
    redis.call('ZREM', KEYS[2], sid)
  end
end
-- Room is made before the new one is there, so that it is never the one to go.
for at = 1, #living - tonumber(ARGV[3]) + 1 do
  redis.call('DEL', prefix .. living[at])
  redis.call('ZREM', KEYS[2], living[at])
  redis.call('PUBLISH', ARGV[6], ARGV[7] .. ' ' .. living[at])
end
local expires = now + tonumber(ARGV[4])
local created = ARGV[8] == '' and now or tonumber(ARGV[8])
redis.call('HSET', KEYS[1], 'created_at', string.format('%.0f', created), 'updated_at', now,
  'expires_at', expires, unpack(ARGV, 9))
redis.call('PEXPIREAT', KEYS[1], expires)
redis.call('ZADD', KEYS[2], now, ARGV[1])
redis.call('PEXPIRE', KEYS[2], ARGV[5])
return created
