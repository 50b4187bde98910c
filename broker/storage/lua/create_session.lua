-- KEYS: session, sessions index, generation, mark of a session that must not be made
-- ARGV: sid, generation read before the proof or '*' for any, client, number of its sessions that may stay, life (ms),
--   channel, sub, time of creation (ms) or '' for the present, field, value, ...
-- Returns the time (ms) of creation and the token hashes of the sessions that made room, or false when the
-- generation was raised meanwhile or the mark exists.
if (ARGV[2] ~= '*' and generation(KEYS[3], ARGV[3]) ~= ARGV[2]) or redis.call('EXISTS', KEYS[4]) == 1 then
  return false
end
-- The session keys of one user share a hash tag with KEYS[1], so their names may be made here.
local prefix = string.sub(KEYS[1], 1, #KEYS[1] - #ARGV[1])
local living = {}
for _, sid in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
  local client = redis.call('HGET', prefix .. sid, 'client')
  if client == ARGV[3] then
    living[#living + 1] = sid
  elseif not client then
    redis.call('ZREM', KEYS[2], sid)
  end
end
-- Old sessions are removed before the new one is added, so that the new one is never removed; and only
-- sessions of its own site are removed, so that no site ends another's.
local answer = {0}
for at = 1, #living - tonumber(ARGV[4]) + 1 do
  answer[#answer + 1] = redis.call('HGET', prefix .. living[at], 'token_hash') or ''
  redis.call('DEL', prefix .. living[at])
  redis.call('ZREM', KEYS[2], living[at])
  redis.call('PUBLISH', ARGV[6], ARGV[7] .. ' ' .. living[at])
end
local expires = now + tonumber(ARGV[5])
local created = ARGV[8] == '' and now or tonumber(ARGV[8])
redis.call('HSET', KEYS[1], 'created_at', string.format('%.0f', created), 'updated_at', now,
  'expires_at', expires, unpack(ARGV, 9))
redis.call('PEXPIREAT', KEYS[1], expires)
redis.call('ZADD', KEYS[2], now, ARGV[1])
outlive(KEYS[2], expires)
answer[1] = created
return answer
