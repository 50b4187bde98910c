-- KEYS: conversations, conversation. ARGV: conversation's id
-- Answers 1 when there was one. Its place in the index goes too, so an answer under way is not appended.
local listed = redis.call('ZREM', KEYS[1], ARGV[1])
return math.max(listed, redis.call('DEL', KEYS[2]))
