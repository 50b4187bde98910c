-- KEYS: session, sessions index, generation
-- ARGV: sid, generation read before the proof, how many sessions may stay, life (ms), field, value, ...
-- Answers the Redis time (ms) of creation, or false when the generation was raised meanwhile.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
if (redis.call('GET', KEYS[3]) or '0') ~= ARGV[2] then
  return false
end
local life = tonumber(ARGV[4])
redis.call('HSET', KEYS[1], 'created_at', now, 'updated_at', now, 'expires_at', now + life, unpack(ARGV, 5))
redis.call('PEXPIREAT', KEYS[1], now + life)
redis.call('ZADD', KEYS[2], now, ARGV[1])
-- The session keys of one user share a hash tag with KEYS[1], so their names may be made here.
local prefix = string.sub(KEYS[1], 1, #KEYS[1] - #ARGV[1])
local listed = redis.call('ZRANGE', KEYS[2], 0, -1)
local living = {}
for _, sid in ipairs(listed) do
  if redis.call('EXISTS', prefix .. sid) == 1 then
    living[#living + 1] = sid
  else
    redis.call('ZREM', KEYS[2], sid)
  end
end
for at = 1, #living - tonumber(ARGV[3]) do
  -- Two made in one millisecond are ordered by id; the one just made is never the one to go.
  local sid = living[at] ~= ARGV[1] and living[at] or living[#living]
  redis.call('DEL', prefix .. sid)
  redis.call('ZREM', KEYS[2], sid)
end
redis.call('PEXPIRE', KEYS[2], 2592000000)
return now
