-- Put after budget.lua and before a script that takes places. Needs `now` (Redis ms).
local DAY = 86400000

-- Sets the tokens and the cost that running answers hold, and the leases that hold more but have lapsed: a
-- reservation ends with its lease.
local function count_held(place)
  place.held_tokens, place.held_cost, place.lapsed = 0, 0, {}
  if redis.call('EXISTS', place.leases) == 1 then
    local tokens, cost = amounts(redis.call('HGET', place.held, '+'))
    place.lapsed = redis.call('ZRANGEBYSCORE', place.leases, '-inf', now)
    for _, lease in ipairs(place.lapsed) do
      local its_tokens, its_cost = amounts(redis.call('HGET', place.held, lease))
      tokens, cost = tokens - its_tokens, cost - its_cost
    end
    place.held_tokens, place.held_cost = math.max(tokens, 0), math.max(cost, 0)
  end
end

-- Judges the tokens and the cost that the question may take. Returns the violated policy or '', and ms to wait.
local function judge_budget(place, question)
  local tokens, cost = place.tokens + question.tokens, place.cost + question.cost
  -- Running answers may turn out to take less than they hold.
  if place.daily_tokens > 0 and tokens + place.held_tokens > place.daily_tokens then
    return 'daily-tokens', tokens > place.daily_tokens and place.tomorrow or 1000
  elseif place.daily_cost > 0 and cost + place.held_cost > place.daily_cost then
    return 'daily-cost', cost > place.daily_cost and place.tomorrow or 1000
  end
  return '', 0
end

-- Judges whether an owner has room for a question, and takes none. KEYS from `at` on are the owner's state,
-- leases and held. ARGV from `first` on are the interval (ms between two questions in the long run, 0 for no
-- rate), burst, concurrent, daily, tokens a day and cost a day (0 for no limit). `question` has lease,
-- lease_ms, tokens and cost. The result's `violated` is the violated policy or ''.
local function look(at, first, question)
  local state, leases = KEYS[at], KEYS[at + 1]
  local interval, burst = tonumber(ARGV[first]), tonumber(ARGV[first + 1])
  local kept = redis.call('HMGET', state, 'tat', 'day', 'count', 'interval', 'tokens', 'cost')
  local today = math.floor(now / DAY)
  -- A `day` later than today means that the clock was set back; the questions of that day still count.
  local day = tonumber(kept[2])
  local is_today = day and day >= today
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
  local place = {
    state = state, leases = leases, held = KEYS[at + 2], interval = interval, tat = tat,
    is_dated = day == today and before == interval, today = today, tomorrow = DAY - now % DAY,
    count = is_today and tonumber(kept[3]) or 0, daily = tonumber(ARGV[first + 3]),
    tokens = is_today and tonumber(kept[5] or '0') or 0, cost = is_today and tonumber(kept[6] or '0') or 0,
    daily_tokens = tonumber(ARGV[first + 4]), daily_cost = tonumber(ARGV[first + 5]),
    concurrent = tonumber(ARGV[first + 2]), violated = '', wait = 0,
  }
  place.has_budget = place.daily_tokens > 0 or place.daily_cost > 0
  -- The tolerance is a hundredth of a question, because times are stored to a thousandth of a millisecond.
  place.left = interval > 0 and math.floor((burst * interval - (tat - now)) / interval + 0.01) or burst
  place.known = redis.call('ZCARD', leases)
  if place.has_budget then
    count_held(place)
  end
  if place.count >= place.daily then
    place.violated, place.wait = 'daily', place.tomorrow
  elseif place.left < 1 then
    place.violated, place.wait = 'burst', tat - now - (burst - 1) * interval
  elseif place.known >= place.concurrent and redis.call('ZCOUNT', leases, '(' .. string.format('%.0f', now),
    string.format('%.0f', now + question.lease_ms)) >= place.concurrent then
    -- A lease that ends later than a new one would is from before the clock was set back, and does not count:
    -- an answer that is still running renews it.
    place.violated, place.wait = 'concurrent', 1000
  elseif place.has_budget then
    place.violated, place.wait = judge_budget(place, question)
  end
  return place
end

-- Adds what the question may take to the reservations.
local function hold(place, question)
  if redis.call('EXISTS', place.leases) == 0 then
    redis.call('DEL', place.held)
  end
  place.held_tokens, place.held_cost = place.held_tokens + question.tokens, place.held_cost + question.cost
  for _, one in ipairs(place.lapsed) do
    redis.call('HDEL', place.held, one)
  end
  redis.call('HSET', place.held, question.lease, worded(question.tokens, question.cost), '+',
    worded(place.held_tokens, place.held_cost))
  redis.call('PEXPIRE', place.held, question.lease_ms)
end

-- Takes a place that `look` found free: under the question's lease one question of the rate (GCRA), one of the
-- day, and the tokens and the cost that it may take.
local function take(place, question)
  place.left, place.count, place.tat = place.left - 1, place.count + 1, place.tat + place.interval
  -- The first write must be of a kind that a full server refuses: after a write of another kind the server
  -- would run it.
  redis.call('HSET', place.state, 'tat', string.format('%.3f', place.tat), 'count', place.count)
  if not place.is_dated then
    redis.call('HSET', place.state, 'day', string.format('%.0f', place.today), 'interval', place.interval,
      'tokens', string.format('%.0f', place.tokens), 'cost', string.format('%.0f', place.cost))
    -- Longer than this day and the longest burst, which is less than one.
    redis.call('PEXPIRE', place.state, 3 * DAY)
  end
  if place.has_budget then
    hold(place, question)
  end
  -- Where there is no budget, lapsed leases stay until they are as many as may run at once.
  if place.known > 0 and (place.has_budget or place.known >= place.concurrent)
    and redis.call('ZREMRANGEBYSCORE', place.leases, '-inf', now) > 0 and not place.has_budget then
    -- Another process may still know a budget: what the lapsed leases held must not stay in its sum.
    redis.call('DEL', place.held)
  end
  redis.call('ZADD', place.leases, now + question.lease_ms, question.lease)
  redis.call('PEXPIRE', place.leases, question.lease_ms)
end

-- Returns {violated policy or '', ms to wait, left of the burst, ms until it is whole, left of the day, ms left
-- of the day, tokens and cost left of the day}, the slots of Standing in admission/limits.py.
local function standing(place)
  local tokens_left, cost_left = 0, 0
  if place.has_budget then
    tokens_left = math.max(place.daily_tokens - place.tokens - place.held_tokens, 0)
    cost_left = math.max(place.daily_cost - place.cost - place.held_cost, 0)
  end
  return {place.violated, math.ceil(place.wait), place.left, math.ceil(place.tat - now),
    math.max(place.daily - place.count, 0), place.tomorrow, tokens_left, cost_left}
end

-- The question of a script: ARGV from `first` on are lease, lease (ms), and the tokens and the cost that it may
-- take.
local function question_from(first)
  return {lease = ARGV[first], lease_ms = tonumber(ARGV[first + 1]), tokens = tonumber(ARGV[first + 2]),
    cost = tonumber(ARGV[first + 3])}
end
