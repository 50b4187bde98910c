-- Put after budget.lua and before a script that takes a place. Needs `now` (Redis ms).
local DAY = 86400000

-- Takes one place under `lease`, one question of the rate (GCRA), one of the day, and the tokens and the cost
-- that the question may take, or none of them. `asked` has, in this order: lease (ms), interval (ms
-- between two questions in the long run, 0 for no rate), burst, concurrent, daily, tokens a day and cost a day
-- (0 for no limit), tokens and cost of this question. Returns {violated policy or '', ms to wait, left of the
-- burst, ms until it is whole, left of the day, ms left of the day, tokens and cost left of the day}, the slots
-- of Standing in admission/limits.py.
local function reserve(state, leases, held, lease, asked)
  local lease_ms, interval, burst, concurrent, daily = unpack(asked, 1, 5)
  local daily_tokens, daily_cost, tokens, cost = unpack(asked, 6, 9)
  local kept = redis.call('HMGET', state, 'tat', 'day', 'count', 'interval', 'tokens', 'cost')
  local today = math.floor(now / DAY)
  local tomorrow = DAY - now % DAY
  -- A `day` later than today means that the clock was set back; the questions of that day still count.
  local day = tonumber(kept[2])
  local is_today = day and day >= today
  local count = is_today and tonumber(kept[3]) or 0
  local spent_tokens = is_today and tonumber(kept[5] or '0') or 0
  local spent_cost = is_today and tonumber(kept[6] or '0') or 0
  local tat, spent = math.max(tonumber(kept[1] or '0'), now), now + burst * interval
  local before = tonumber(kept[4])
  if before and before ~= interval and before > 0 then
    -- The rate was configured anew: the number of missing questions is kept, not the time that they take.
    tat = now + (tat - now) / before * interval
    redis.call('HSET', state, 'tat', string.format('%.3f', tat), 'interval', interval)
  end
  if tat > spent then
    -- The clock was set back: the burst counts as spent from now on. That is stored, because otherwise every
    -- question would be refused until the old time came again.
    tat = spent
    redis.call('HSET', state, 'tat', string.format('%.3f', tat))
  end
  local has_budget = daily_tokens > 0 or daily_cost > 0
  local held_tokens, held_cost, lapsed = 0, 0, {}
  if has_budget then
    held_tokens, held_cost, lapsed = reserved(leases, held)
  end
  -- The tolerance is a hundredth of a question, because times are stored to a thousandth of a millisecond.
  local left = interval > 0 and math.floor((burst * interval - (tat - now)) / interval + 0.01) or burst
  local known = redis.call('ZCARD', leases)
  local violated, wait = '', 0
  if count >= daily then
    violated, wait = 'daily', tomorrow
  elseif left < 1 then
    violated, wait = 'burst', tat - now - (burst - 1) * interval
  elseif known >= concurrent and redis.call('ZCOUNT', leases, '(' .. string.format('%.0f', now),
    string.format('%.0f', now + lease_ms)) >= concurrent then
    -- A lease that ends later than a new one would is from before the clock was set back, and does not count:
    -- an answer that is still running renews it.
    violated, wait = 'concurrent', 1000
  elseif daily_tokens > 0 and spent_tokens + held_tokens + tokens > daily_tokens then
    -- Running answers may turn out to take less than they hold.
    violated, wait = 'daily-tokens', spent_tokens + tokens > daily_tokens and tomorrow or 1000
  elseif daily_cost > 0 and spent_cost + held_cost + cost > daily_cost then
    violated, wait = 'daily-cost', spent_cost + cost > daily_cost and tomorrow or 1000
  else
    left, count, tat = left - 1, count + 1, tat + interval
    -- The first write must be of a kind that a full server refuses: after a write of another kind the server
    -- would run it.
    redis.call('HSET', state, 'tat', string.format('%.3f', tat), 'count', count)
    if day ~= today or before ~= interval then
      redis.call('HSET', state, 'day', string.format('%.0f', today), 'interval', interval,
        'tokens', string.format('%.0f', spent_tokens), 'cost', string.format('%.0f', spent_cost))
      -- Longer than this day and the longest burst, which is less than one.
      redis.call('PEXPIRE', state, 3 * DAY)
    end
    if has_budget then
      if redis.call('EXISTS', leases) == 0 then
        redis.call('DEL', held)
      end
      held_tokens, held_cost = held_tokens + tokens, held_cost + cost
      for _, one in ipairs(lapsed) do
        redis.call('HDEL', held, one)
      end
      redis.call('HSET', held, lease, worded(tokens, cost), '+', worded(held_tokens, held_cost))
      redis.call('PEXPIRE', held, lease_ms)
    end
    if known > 0 and redis.call('ZREMRANGEBYSCORE', leases, '-inf', now) > 0 and not has_budget then
      -- Another process may still know a budget: what the lapsed leases held must not stay in its sum.
      redis.call('DEL', held)
    end
    redis.call('ZADD', leases, now + lease_ms, lease)
    redis.call('PEXPIRE', leases, lease_ms)
  end
  local whole = math.ceil(tat - now)
  return {violated, math.ceil(wait), left, whole, math.max(daily - count, 0), tomorrow,
    math.max(daily_tokens - spent_tokens - held_tokens, 0), math.max(daily_cost - spent_cost - held_cost, 0)}
end

-- The numbers of `reserve` among the arguments of a script, from `first` on.
local function numbers(first)
  local found = {}
  for at = first, first + 8 do
    found[#found + 1] = tonumber(ARGV[at])
  end
  return found
end
