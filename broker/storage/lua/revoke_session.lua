-- KEYS: session, sessions index. ARGV: sid, channel, message
-- Answers 1 when the session was alive.
local ended = redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('PUBLISH', ARGV[2], ARGV[3])
return ended
