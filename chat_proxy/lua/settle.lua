-- KEYS: state, leases, held, settled; of a site also usage, spenders
-- ARGV: lease, '1' where the owner has a budget, tokens in, tokens out, cost; of a site also backend, tier,
--   user, days to keep, users to keep
-- Ends a lease and its reservation, and counts what its answer took. An answer is counted once, also where the
-- call is repeated after an outage, and where its lease has lapsed. Returns 1 when it was counted.
local DAY = 86400000
local has_budget = ARGV[2] == '1'
redis.call('ZREM', KEYS[2], ARGV[1])
local day
if has_budget then
  unhold(KEYS[3], ARGV[1])
  day = tonumber(redis.call('HGET', KEYS[1], 'day'))
  if not day then
    -- The account was deleted meanwhile: nothing of it comes back.
    return 0
  end
end
redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', now - 120000)
if redis.call('ZADD', KEYS[4], 'NX', now, ARGV[1]) == 0 then
  return 0
end
redis.call('PEXPIRE', KEYS[4], 120000)
local today = math.floor(now / DAY)
local tokens = ARGV[3] + ARGV[4]
if has_budget then
  if day < today then
    redis.call('HSET', KEYS[1], 'day', string.format('%.0f', today), 'count', 0, 'tokens', 0, 'cost', 0)
    redis.call('PEXPIRE', KEYS[1], 3 * DAY)
  end
  redis.call('HINCRBY', KEYS[1], 'tokens', string.format('%.0f', tokens))
  redis.call('HINCRBY', KEYS[1], 'cost', ARGV[5])
end
if #KEYS == 4 then
  return 1
end
local usage, spenders = KEYS[5], KEYS[6]
-- One field with four numbers, as a command for each would be most of the script's time.
local field = string.format('%.0f|', today) .. ARGV[6] .. '|' .. ARGV[7]
local kept = redis.call('HMGET', usage, 'day', field)
local is_new_day = tonumber(kept[1] or '-1') < today
if is_new_day then
  for _, name in ipairs(redis.call('HKEYS', usage)) do
    local its_day = tonumber(string.match(name, '^(%d+)|'))
    if its_day and its_day <= today - ARGV[9] then
      redis.call('HDEL', usage, name)
    end
  end
  redis.call('HSET', usage, 'day', string.format('%.0f', today))
  redis.call('PEXPIRE', usage, ARGV[9] * DAY)
  redis.call('DEL', spenders)
end
local questions, tokens_in, tokens_out, cost = string.match(kept[2] or '0 0 0 0', '^(%d+) (%d+) (%d+) (%d+)$')
redis.call('HSET', usage, field, string.format('%.0f %.0f %.0f %.0f', questions + 1, tokens_in + ARGV[3],
  tokens_out + ARGV[4], cost + ARGV[5]))
local spent = tonumber(redis.call('ZINCRBY', spenders, tokens, ARGV[8]))
if spent == tokens and redis.call('ZCARD', spenders) > tonumber(ARGV[10]) then
  -- The user is a new one. Of too many, those with the fewest tokens go.
  redis.call('ZREMRANGEBYRANK', spenders, 0, -1 - ARGV[10])
end
if is_new_day then
  redis.call('PEXPIRE', spenders, 2 * DAY)
end
return 1
