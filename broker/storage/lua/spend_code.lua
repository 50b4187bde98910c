-- KEYS: code. ARGV: sid that it gives, time to keep the mark (ms)
-- Returns the record as field, value, ... at the first use, {'spent', sid} afterwards, false for an unknown
-- code.
local spent = redis.call('HGET', KEYS[1], 'spent')
if spent then
  return {'spent', spent}
end
local record = redis.call('HGETALL', KEYS[1])
if #record == 0 then
  return false
end
-- Only the sid of the session that the code gave is kept.
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'spent', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return record
