-- Runs after read_family.lua. KEYS: session, sessions index
-- ARGV: those of read_family.lua, life (ms), sid, channel, message, scope that is asked for or ''
-- Returns {'good', latest counter, field, value, ...}, {'scope'} or {'reused'}. It never writes to an absent
-- record.
for one in string.gmatch(ARGV[10], '%S+') do
  if not string.find(' ' .. held[7] .. ' ', ' ' .. one .. ' ', 1, true) then
    return {'scope'}
  end
end
if is_used then
  redis.call('DEL', KEYS[1])
  redis.call('ZREM', KEYS[2], ARGV[7])
  redis.call('PUBLISH', ARGV[8], ARGV[9])
  return {'reused'}
end
if shown == latest then
  latest = latest + 1
  local expires = string.format('%.0f', math.min(now + ARGV[6], held[5] + ARGV[5]))
  redis.call('HSET', KEYS[1], 'counter', string.format('%.0f', latest), 'rotated_at', string.format('%.0f', now),
    'updated_at', string.format('%.0f', now), 'expires_at', expires)
  redis.call('PEXPIREAT', KEYS[1], expires)
  outlive(KEYS[2], tonumber(expires))
end
return {'good', latest, unpack(redis.call('HGETALL', KEYS[1]))}
