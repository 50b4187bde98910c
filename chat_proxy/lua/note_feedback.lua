-- KEYS: feedback of the site, entry
-- ARGV: message id, version, time to remember a withdrawn entry (ms), number of entries that may stay, life
--   (ms), rating or '' to withdraw it, tier, mode, question, answer ('' for no texts)
-- Returns 0 when a later rating was noted already.
local held = redis.call('HMGET', KEYS[2], 'version', 'erased')
if tonumber(held[1] or '0') >= tonumber(ARGV[2]) then
  return 0
end
-- The first write must be of a kind that a full server refuses: after a write of another kind the server
-- would run it.
redis.call('HSET', KEYS[2], 'version', ARGV[2])
if ARGV[6] == '' then
  redis.call('HDEL', KEYS[2], 'at', 'rating', 'tier', 'mode', 'question', 'answer')
  redis.call('PEXPIRE', KEYS[2], ARGV[3])
  redis.call('ZREM', KEYS[1], ARGV[1])
  return 1
end
redis.call('HSET', KEYS[2], 'at', now, 'rating', ARGV[6], 'tier', ARGV[7], 'mode', ARGV[8])
if ARGV[9] .. ARGV[10] ~= '' and not held[2] then
  redis.call('HSET', KEYS[2], 'question', ARGV[9], 'answer', ARGV[10])
end
redis.call('PEXPIRE', KEYS[2], ARGV[5])
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[5])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[5])
-- The entries of one site share a hash tag with KEYS[2], so their names may be made here.
local prefix = string.sub(KEYS[2], 1, #KEYS[2] - #ARGV[1])
for _, oldest in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1 - ARGV[4])) do
  redis.call('DEL', prefix .. oldest)
  redis.call('ZREM', KEYS[1], oldest)
end
return 1
