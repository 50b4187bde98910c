-- KEYS: sessions index. ARGV: prefix of session keys
-- Returns sid, record as field, value, ..., for each living session, the oldest first.
local found = {}
for _, sid in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local record = redis.call('HGETALL', ARGV[1] .. sid)
  if #record > 0 then
    found[#found + 1] = sid
    found[#found + 1] = record
  end
end
return found
