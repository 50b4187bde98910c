-- KEYS: session, sessions index. ARGV: sid, channel, message, client or '' for any
-- Returns {1, its token's hash or ''} when the session was alive, else {0}. It leaves another client's
-- session as it is.
local held = redis.call('HMGET', KEYS[1], 'client', 'token_hash')
if ARGV[4] ~= '' and held[1] and held[1] ~= ARGV[4] then
  return {0}
end
local ended = redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('PUBLISH', ARGV[2], ARGV[3])
return {ended, held[2] or ''}
