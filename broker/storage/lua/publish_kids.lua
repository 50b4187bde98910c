-- KEYS: cut. ARGV: version of the key ring, kids, channel
-- Returns the version that `kids` have from now on.
-- A missing cut means that Redis lost the revocations, so every session made until now is revoked.
if redis.call('HEXISTS', KEYS[1], 'all') == 0 then
  local clock = redis.call('TIME')
  redis.call('HSET', KEYS[1], 'all', string.format('%.0f', clock[1] * 1000 + math.floor(clock[2] / 1000)))
end
local held = redis.call('HMGET', KEYS[1], 'ring', 'kids')
if tonumber(held[1] or '0') > tonumber(ARGV[1]) then
  return tonumber(held[1])
end
if held[1] ~= ARGV[1] or held[2] ~= ARGV[2] then
  redis.call('HSET', KEYS[1], 'ring', ARGV[1], 'kids', ARGV[2])
end
if held[2] ~= ARGV[2] then
  -- The message ends running answers whose key was removed, and makes each proxy read the key set again.
  redis.call('PUBLISH', ARGV[3], '*')
end
return tonumber(ARGV[1])
