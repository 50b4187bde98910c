-- KEYS: session, revoked token, state, leases, conversations, conversation
-- ARGV: '1' to judge the session, client, tier, lease, lease (ms), interval (ms), burst, concurrent, daily,
--   conversation's id, how many messages of it are wanted
-- Answers {} for a dead session, else what `reserve` does, then created_at, proved_by and the messages.
local created, proved_by = 0, ''
if ARGV[1] == '1' then
  created, proved_by = living(KEYS[1], KEYS[2], ARGV[2], ARGV[3])
  if not created then
    return {}
  end
end
local answer = reserve(KEYS[3], KEYS[4], ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]),
  tonumber(ARGV[8]), tonumber(ARGV[9]))
answer[7], answer[8] = created, proved_by
if answer[1] ~= '' then
  return answer
end
-- Entered now and filled at the end: what is deleted in between stays deleted.
redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', now - DAY)
redis.call('ZADD', KEYS[5], now, ARGV[10])
redis.call('PEXPIRE', KEYS[5], DAY)
if redis.call('PEXPIRE', KEYS[6], DAY) == 1 and ARGV[11] ~= '0' then
  for _, message in ipairs(redis.call('LRANGE', KEYS[6], -tonumber(ARGV[11]), -1)) do
    answer[#answer + 1] = message
  end
end
return answer
