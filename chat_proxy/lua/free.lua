-- KEYS: state, leases. ARGV: lease, '1' to give back what it took, interval (ms)
-- Answers 1 when the lease was held. Only a held lease gives back, so that no repeat gives back twice.
local held = redis.call('ZREM', KEYS[2], ARGV[1])
if held == 1 and ARGV[2] == '1' then
  local state = redis.call('HMGET', KEYS[1], 'tat', 'count')
  if state[1] and tonumber(state[2]) > 0 then
    redis.call('HINCRBY', KEYS[1], 'count', -1)
    redis.call('HSET', KEYS[1], 'tat', string.format('%.3f', state[1] - ARGV[3]))
  end
end
return held
