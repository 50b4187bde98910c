-- Put before a script that keeps an answer. Needs `now` (Redis ms).

-- Ends the reader's lease and appends the messages, if any, unless the conversation was deleted meanwhile.
-- KEYS begins with leases, conversations, conversation and gone. ARGV begins with lease, conversation's id,
-- number of conversations that may stay and bytes of one; the messages are from `first` on. Returns 1 when it
-- appended them.
local function keep(first)
  redis.call('ZREM', KEYS[1], ARGV[1])
  if not redis.call('ZSCORE', KEYS[2], ARGV[2]) or redis.call('SISMEMBER', KEYS[4], ARGV[1]) == 1 then
    return 0
  end
  if #ARGV < first then
    -- There is no answer to keep: an empty conversation leaves the index, unless an answer of the reader's runs,
    -- which may be its first. Refused questions cost nothing, so even then the index may hold only so many.
    local running = redis.call('ZCARD', KEYS[1])
    if redis.call('EXISTS', KEYS[3]) == 0
      and (running == 0 or redis.call('ZCARD', KEYS[2]) > ARGV[3] + running) then
      redis.call('ZREM', KEYS[2], ARGV[2])
    end
    return 0
  end
  local messages = {unpack(ARGV, first)}
  if redis.call('RPUSH', KEYS[3], unpack(messages)) > #messages then
    messages = redis.call('LRANGE', KEYS[3], 0, -1)
  end
  local size = 0
  for _, message in ipairs(messages) do
    size = size + #message
  end
  local dropped = 0
  while size > tonumber(ARGV[4]) do
    dropped = dropped + 1
    size = size - #messages[dropped]
  end
  if dropped > 0 then
    redis.call('LTRIM', KEYS[3], dropped, -1)
  end
  redis.call('PEXPIRE', KEYS[3], 86400000)
  redis.call('ZADD', KEYS[2], now, ARGV[2])
  -- The conversation keys of one user share a hash tag with KEYS[3], so their names may be made here.
  local prefix = string.sub(KEYS[3], 1, #KEYS[3] - #ARGV[2])
  for _, oldest in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1 - ARGV[3])) do
    if oldest ~= ARGV[2] then
      redis.call('DEL', prefix .. oldest)
      redis.call('ZREM', KEYS[2], oldest)
    end
  end
  return 1
end
