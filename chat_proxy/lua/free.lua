-- KEYS: state, leases, held. ARGV: lease, interval (ms)
-- Gives back a place whose question was refused. Returns 1 when the lease was held. Only a held lease refunds,
-- so that a repeated call cannot refund twice.
local was_held = redis.call('ZREM', KEYS[2], ARGV[1])
unhold(KEYS[3], ARGV[1])
if was_held == 1 then
  local state = redis.call('HMGET', KEYS[1], 'tat', 'count', 'interval')
  if state[1] and tonumber(state[2]) > 0 then
    redis.call('HINCRBY', KEYS[1], 'count', -1)
    redis.call('HSET', KEYS[1], 'tat', string.format('%.3f', state[1] - (state[3] or ARGV[2])))
  end
end
return was_held
