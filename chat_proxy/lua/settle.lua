-- KEYS: state, leases, held, settled; of a site also usage, spenders
-- ARGV: lease, tokens in, tokens out, cost; of a site also backend, tier, user, days to keep, users to keep
-- Ends a lease and its reservation, and counts what its answer took. An answer is counted once, also where the
-- call is repeated after an outage, and where its lease has lapsed. Returns 1 when it was counted.
local DAY = 86400000
redis.call('ZREM', KEYS[2], ARGV[1])
unhold(KEYS[3], ARGV[1])
local day = redis.call('HGET', KEYS[1], 'day')
if not day then
  -- The account was deleted meanwhile: nothing of it comes back.
  return 0
end
redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', now - 120000)
if redis.call('ZADD', KEYS[4], 'NX', now, ARGV[1]) == 0 then
  return 0
end
redis.call('PEXPIRE', KEYS[4], 120000)
local today = math.floor(now / DAY)
if tonumber(day) < today then
  redis.call('HSET', KEYS[1], 'day', string.format('%.0f', today), 'count', 0, 'tokens', 0, 'cost', 0)
end
redis.call('HINCRBY', KEYS[1], 'tokens', string.format('%.0f', ARGV[2] + ARGV[3]))
redis.call('HINCRBY', KEYS[1], 'cost', ARGV[4])
if #KEYS == 4 then
  return 1
end
local usage, spenders = KEYS[5], KEYS[6]
local is_new_day = tonumber(redis.call('HGET', usage, 'day') or '-1') < today
if is_new_day then
  for _, field in ipairs(redis.call('HKEYS', usage)) do
    local day = tonumber(string.match(field, '^(%d+)|'))
    if day and day <= today - ARGV[8] then
      redis.call('HDEL', usage, field)
    end
  end
  redis.call('HSET', usage, 'day', string.format('%.0f', today))
  redis.call('PEXPIRE', usage, ARGV[8] * DAY)
  redis.call('DEL', spenders)
end
-- One field with four numbers, as a command for each would be most of the script's time.
local field = string.format('%.0f|', today) .. ARGV[5] .. '|' .. ARGV[6]
local questions, tokens_in, tokens_out, cost =
  string.match(redis.call('HGET', usage, field) or '0 0 0 0', '^(%d+) (%d+) (%d+) (%d+)$')
redis.call('HSET', usage, field, string.format('%.0f %.0f %.0f %.0f', questions + 1, tokens_in + ARGV[2],
  tokens_out + ARGV[3], cost + ARGV[4]))
redis.call('ZINCRBY', spenders, ARGV[2] + ARGV[3], ARGV[7])
if redis.call('ZCARD', spenders) > tonumber(ARGV[9]) then
  redis.call('ZREMRANGEBYRANK', spenders, 0, -1 - ARGV[9])
end
if is_new_day then
  redis.call('PEXPIRE', spenders, 2 * DAY)
end
return 1
