-- KEYS: conversations, conversation, leases, gone. ARGV: conversation's id, answers whose feedback is erased
-- Returns 1 when it deleted a conversation and 0 when there was none. When rated answers still have feedback
-- to be erased, it returns their ids and deletes nothing. It also removes the conversation from the index and
-- notes the leases of running answers: a later question may use the same id, but their answers are not
-- appended to it.
local erased, left = {}, {}
for at = 2, #ARGV do
  erased[ARGV[at]] = true
end
for _, message in ipairs(redis.call('LRANGE', KEYS[2], 0, -1)) do
  if string.find(string.sub(message, -40), ',"feedback":"[a-z_]+"}$') then
    local id = string.match(message, '"message_id":"([%w_-]+)"')
    if not erased[id] then
      left[#left + 1] = id
    end
  end
end
if #left > 0 then
  return left
end
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) and redis.call('EXISTS', KEYS[2]) == 0 then
  -- Nothing is written for a name that is not in use: a reader may send any number of them.
  return 0
end
local leases = redis.call('ZRANGE', KEYS[3], 0, -1)
if #leases > 0 then
  redis.call('SADD', KEYS[4], unpack(leases))
  -- As long as an answer may take, which the configuration bounds at an hour.
  redis.call('PEXPIRE', KEYS[4], 3700000)
end
local listed = redis.call('ZREM', KEYS[1], ARGV[1])
return math.max(listed, redis.call('DEL', KEYS[2]))
