-- Put before a script that reserves or settles tokens and cost. Needs `now` (Redis ms).
-- Tokens and cost of running answers are in the hash `held`: 'tokens cost' by lease, and the sum under '+'.

local function amounts(text)
  local tokens, cost = string.match(text or '', '^(%d+) (%d+)$')
  return tonumber(tokens or '0'), tonumber(cost or '0')
end

local function worded(tokens, cost)
  return string.format('%.0f %.0f', math.max(tokens, 0), math.max(cost, 0))
end

-- Ends the reservation of `lease`, if it has one.
local function unhold(held, lease)
  local own = redis.call('HGET', held, lease)
  if own then
    local tokens, cost = amounts(redis.call('HGET', held, '+'))
    local its_tokens, its_cost = amounts(own)
    redis.call('HDEL', held, lease)
    redis.call('HSET', held, '+', worded(tokens - its_tokens, cost - its_cost))
  end
end
