-- Runs after read_family.lua. Returns {'good', latest counter, field, value, ...} or {'reused'}, and writes
-- nothing.
if is_used then
  return {'reused'}
end
return {'good', latest, unpack(redis.call('HGETALL', KEYS[1]))}
