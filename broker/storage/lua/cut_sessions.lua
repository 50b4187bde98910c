-- KEYS: cuts. ARGV: field, channel
-- Returns the cut (Redis ms), or false where no cuts are kept: a hash with this field alone would pass for a
-- complete one. A cut never moves back, even when the clock does. A session that was made while the clock was
-- ahead outlives a cut that is made after the clock was set back.
if redis.call('EXISTS', KEYS[1]) == 0 then
  return false
end
local cut = math.max(now, tonumber(redis.call('HGET', KEYS[1], ARGV[1]) or '0'))
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f', cut))
redis.call('PUBLISH', ARGV[2], '*')
return cut
