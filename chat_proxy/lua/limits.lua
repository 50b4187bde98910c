-- Put before a script that takes a place. Needs `now` (Redis ms).
local DAY = 86400000

-- Takes one place under `lease`, one question of the rate (GCRA) and one of the day, or none of them.
-- interval: ms between two questions in the long run, 0 for no rate. Answers
-- {violated policy or '', ms to wait, left of the burst, ms until it is whole, left of the day, ms of the day}.
local function reserve(state, leases, lease, lease_ms, interval, burst, concurrent, daily)
  local held = redis.call('HMGET', state, 'tat', 'day', 'count')
  local today = string.format('%.0f', math.floor(now / DAY))
  local tomorrow = DAY - now % DAY
  local count = held[2] == today and tonumber(held[3]) or 0
  local tat, spent = math.max(tonumber(held[1] or '0'), now), now + burst * interval
  if tat > spent then
    -- The clock was set back: a spent burst from now on, and kept as that, or nobody were let through before
    -- the old time comes again.
    tat = spent
    redis.call('HSET', state, 'tat', string.format('%.3f', tat))
  end
  -- A hundredth of a question, as times are kept to a thousandth of a millisecond.
  local left = interval > 0 and math.floor((burst * interval - (tat - now)) / interval + 0.01) or burst
  local violated, wait = '', 0
  if count >= daily then
    violated, wait = 'daily', tomorrow
  elseif left < 1 then
    violated, wait = 'burst', tat - now - (burst - 1) * interval
  elseif redis.call('ZCOUNT', leases, '(' .. string.format('%.0f', now),
    string.format('%.0f', now + lease_ms)) >= concurrent then
    -- What lasts for longer than a lease is from before the clock was set back; whoever lives renews it.
    violated, wait = 'concurrent', 1000
  else
    left, count, tat = left - 1, count + 1, tat + interval
    -- First of all writes, and of a kind that a full server refuses: after one of another kind it would not.
    redis.call('HSET', state, 'tat', string.format('%.3f', tat), 'day', today, 'count', count)
    redis.call('PEXPIRE', state, 2 * DAY)
    redis.call('ZREMRANGEBYSCORE', leases, '-inf', now)
    redis.call('ZADD', leases, now + lease_ms, lease)
    redis.call('PEXPIRE', leases, lease_ms)
  end
  local whole = math.ceil(tat - now)
  return {violated, math.ceil(wait), left, whole, math.max(daily - count, 0), tomorrow}
end
