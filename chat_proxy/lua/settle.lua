-- Put after budget.lua and before a script that settles. Needs `now` (Redis ms).
local DAY = 86400000

-- Ends a lease and its reservation, and counts what its answer took. KEYS from `at` on are the owner's state,
-- leases, held and settled. Returns true when the answer counts: once, also where the call is repeated after an
-- outage, or the lease has lapsed. `is_again`: the call may be a repetition.
local function settle(at, lease, has_budget, tokens, cost, is_again)
  local was_held = redis.call('ZREM', KEYS[at + 1], lease) == 1
  if not has_budget then
    -- Only an outage that outlasts the lease leaves such an answer out of the site's sums.
    return was_held or not is_again
  end
  local state, settled = KEYS[at], KEYS[at + 3]
  unhold(KEYS[at + 2], lease)
  local day, today = tonumber(redis.call('HGET', state, 'day')), math.floor(now / DAY)
  if not day then
    -- The account was deleted meanwhile: nothing of it comes back.
    return false
  end
  redis.call('ZREMRANGEBYSCORE', settled, '-inf', now - 120000)
  if redis.call('ZADD', settled, 'NX', now, lease) == 0 then
    return false
  end
  redis.call('PEXPIRE', settled, 120000)
  if day < today then
    redis.call('HSET', state, 'day', string.format('%.0f', today), 'count', 0, 'tokens', 0, 'cost', 0)
    redis.call('PEXPIRE', state, 3 * DAY)
  end
  redis.call('HINCRBY', state, 'tokens', string.format('%.0f', tokens))
  redis.call('HINCRBY', state, 'cost', cost)
  return true
end

-- Adds an answer to the sums of a site. KEYS from `at` on are usage and spenders. ARGV from `first` on are
-- tokens in, tokens out, cost, backend, tier, user, days to keep and users to keep.
local function use(at, first)
  local usage, spenders, today = KEYS[at], KEYS[at + 1], math.floor(now / DAY)
  local days, tokens = ARGV[first + 6], ARGV[first] + ARGV[first + 1]
  -- One field with four numbers, as a command for each would be most of the script's time.
  local field = string.format('%.0f|', today) .. ARGV[first + 3] .. '|' .. ARGV[first + 4]
  local kept = redis.call('HMGET', usage, 'day', field)
  local is_new_day = tonumber(kept[1] or '-1') < today
  if is_new_day then
    for _, name in ipairs(redis.call('HKEYS', usage)) do
      local its_day = tonumber(string.match(name, '^(%d+)|'))
      if its_day and its_day <= today - days then
        redis.call('HDEL', usage, name)
      end
    end
    redis.call('HSET', usage, 'day', string.format('%.0f', today))
    redis.call('PEXPIRE', usage, days * DAY)
    redis.call('DEL', spenders)
  end
  local questions, tokens_in, tokens_out, cost =
    string.match(kept[2] or '0 0 0 0', '^(%d+) (%d+) (%d+) (%d+)$')
  redis.call('HSET', usage, field, string.format('%.0f %.0f %.0f %.0f', questions + 1,
    tokens_in + ARGV[first], tokens_out + ARGV[first + 1], cost + ARGV[first + 2]))
  local spent = tonumber(redis.call('ZINCRBY', spenders, tokens, ARGV[first + 5]))
  if spent == tokens then
    -- The user is a new one. Where there are too many, those with the fewest tokens go.
    local users = redis.call('ZCARD', spenders)
    if users > tonumber(ARGV[first + 7]) then
      redis.call('ZREMRANGEBYRANK', spenders, 0, -1 - ARGV[first + 7])
    elseif users == 1 then
      redis.call('PEXPIRE', spenders, 2 * DAY)
    end
  end
end
