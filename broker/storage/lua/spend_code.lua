-- KEYS: code. ARGV: sid that it gives, how long the mark is kept (ms)
-- Answers the record as field, value, ... at the first use, {'spent', sid} afterwards, false for an unknown one.
local spent = redis.call('HGET', KEYS[1], 'spent')
if spent then
  return {'spent', spent}
end
local record = redis.call('HGETALL', KEYS[1])
if #record == 0 then
  return false
end
-- What it gave is all that is kept of it.
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'spent', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return record
