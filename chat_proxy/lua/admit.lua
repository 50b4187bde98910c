-- KEYS: session, revoked token, the same of its root, proof, state, leases, conversations, conversation
-- ARGV: '1' to judge the session, client, tier, for how long the proof is remembered (ms) or 0, lease,
--   lease (ms), interval (ms), burst, concurrent, daily, conversation's id, how many messages of it are wanted
-- Answers {} for a dead session, else what `reserve` does, then created_at, proved_by and the messages; of a
-- proof that was seen before no more than 'replayed' in the first place, created_at and proved_by.
local created, proved_by = 0, ''
if ARGV[1] == '1' then
  created, proved_by = living(KEYS[1], KEYS[2], KEYS[3], ARGV[2], ARGV[3])
  if not created then
    return {}
  end
end
if replayed(KEYS[4], ARGV[4]) then
  return {'replayed', 0, 0, 0, 0, 0, created, proved_by}
end
local answer = reserve(KEYS[5], KEYS[6], ARGV[5], tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8]),
  tonumber(ARGV[9]), tonumber(ARGV[10]))
answer[7], answer[8] = created, proved_by
if answer[1] ~= '' then
  return answer
end
-- Entered now and filled at the end: what is deleted in between stays deleted.
redis.call('ZREMRANGEBYSCORE', KEYS[7], '-inf', now - DAY)
redis.call('ZADD', KEYS[7], now, ARGV[11])
redis.call('PEXPIRE', KEYS[7], DAY)
if redis.call('PEXPIRE', KEYS[8], DAY) == 1 and ARGV[12] ~= '0' then
  for _, message in ipairs(redis.call('LRANGE', KEYS[8], -tonumber(ARGV[12]), -1)) do
    answer[#answer + 1] = message
  end
end
return answer
