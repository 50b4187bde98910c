-- KEYS: key ring. ARGV: kid, algorithm, sealed key
-- Takes the offered key when the ring has no current one of that algorithm; answers the ring.
local current = redis.call('HGET', KEYS[1], 'current')
local held = current and cjson.decode(redis.call('HGET', KEYS[1], current)).alg
if held ~= ARGV[2] then
  local clock = redis.call('TIME')
  local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
  local version = math.max(now, tonumber(redis.call('HGET', KEYS[1], 'version') or '0') + 1)
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[3], 'current', ARGV[1], 'version', string.format('%.0f', version))
end
return redis.call('HGETALL', KEYS[1])
