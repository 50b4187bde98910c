-- KEYS: cut. ARGV: version of the key ring, kids
-- Without a cut nobody knows what was revoked, so everything made until now is.
if redis.call('HEXISTS', KEYS[1], 'all') == 0 then
  local clock = redis.call('TIME')
  redis.call('HSET', KEYS[1], 'all', string.format('%.0f', clock[1] * 1000 + math.floor(clock[2] / 1000)))
end
if tonumber(redis.call('HGET', KEYS[1], 'ring') or '0') <= tonumber(ARGV[1]) then
  redis.call('HSET', KEYS[1], 'ring', ARGV[1], 'kids', ARGV[2])
end
return 1
