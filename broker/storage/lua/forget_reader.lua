-- KEYS: conversations, then keys that are deleted as they are: rated answers, ratings of this minute, rates
-- ARGV: prefix of conversation keys
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  redis.call('DEL', ARGV[1] .. id)
end
return redis.call('DEL', unpack(KEYS))
