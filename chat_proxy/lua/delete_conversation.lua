-- KEYS: conversations, conversation, leases, gone. ARGV: conversation's id
-- Answers 1 when there was one. Its place in the index goes too, and the leases of the answers that are under
-- way are noted: a later question may enter the same id again, but theirs are not appended to it.
local leases = redis.call('ZRANGE', KEYS[3], 0, -1)
if #leases > 0 then
  redis.call('SADD', KEYS[4], unpack(leases))
  -- As long as an answer may take, which the configuration bounds at an hour.
  redis.call('PEXPIRE', KEYS[4], 3700000)
end
local listed = redis.call('ZREM', KEYS[1], ARGV[1])
return math.max(listed, redis.call('DEL', KEYS[2]))
