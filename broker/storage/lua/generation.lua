-- Put before a script that reads or raises a generation. Needs `now` (Redis ms) to raise one.

-- The generation for all of a user's sessions and that for one site's, as one text: raising either changes
-- it.
local function generation(key, client)
  local held = redis.call('HMGET', key, 'all', 'client:' .. client)
  return (held[1] or '0') .. ' ' .. (held[2] or '0')
end

local function raise(key, field)
  local raised = math.max(now, tonumber(redis.call('HGET', key, field) or '0') + 1)
  redis.call('HSET', key, field, string.format('%.0f', raised))
  -- A day is longer than any sign-in or authorization code is under way.
  redis.call('EXPIRE', key, 86400)
end
