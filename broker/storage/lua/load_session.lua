-- KEYS: session, sessions index. ARGV: token hash, '1' to slide, life (ms), age (ms) after which a slide is
--   due, absolute life (ms)
-- Returns the record as field, value, ..., with `slid` when its life was extended, or false. It never writes
-- to an absent record.
local held = redis.call('HMGET', KEYS[1], 'token_hash', 'expires_at', 'updated_at', 'remember', 'created_at')
if held[1] ~= ARGV[1] or tonumber(held[2]) <= now then
  return false
end
if ARGV[2] == '1' and held[4] == '1' and now - tonumber(held[3]) >= tonumber(ARGV[4]) then
  local expires = math.min(now + tonumber(ARGV[3]), held[5] + tonumber(ARGV[5]))
  redis.call('HSET', KEYS[1], 'expires_at', expires, 'updated_at', now)
  redis.call('PEXPIREAT', KEYS[1], expires)
  outlive(KEYS[2], expires)
  local record = redis.call('HGETALL', KEYS[1])
  record[#record + 1] = 'slid'
  record[#record + 1] = '1'
  return record
end
return redis.call('HGETALL', KEYS[1])
