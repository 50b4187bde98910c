-- KEYS: session, revoked token, the same of its root, proof, state, leases, held, conversations, conversation
-- ARGV: '1' to judge the session, client, tier, time to remember the proof (ms) or 0, lease, the numbers of
--   `reserve`, conversation's id, number of its messages that are wanted
-- Returns {} for a dead session, else the values of `reserve`, then created_at, proved_by, upstream and the
-- messages. For a replayed proof it returns 'replayed' in the first place, created_at, proved_by and upstream,
-- and nothing else.
local created, proved_by, upstream = 0, '', ''
if ARGV[1] == '1' then
  created, proved_by, upstream = living(KEYS[1], KEYS[2], KEYS[3], ARGV[2], ARGV[3])
  if not created then
    return {}
  end
end
if replayed(KEYS[4], ARGV[4]) then
  return {'replayed', 0, 0, 0, 0, 0, 0, 0, created, proved_by, upstream}
end
local answer = reserve(KEYS[5], KEYS[6], KEYS[7], ARGV[5], numbers(6))
answer[9], answer[10], answer[11] = created, proved_by, upstream
if answer[1] ~= '' then
  return answer
end
-- The index gets the conversation now and the messages follow at the end, so that a conversation that is
-- deleted in between stays deleted.
redis.call('ZREMRANGEBYSCORE', KEYS[8], '-inf', now - DAY)
redis.call('ZADD', KEYS[8], now, ARGV[15])
redis.call('PEXPIRE', KEYS[8], DAY)
if redis.call('PEXPIRE', KEYS[9], DAY) == 1 and ARGV[16] ~= '0' then
  for _, message in ipairs(redis.call('LRANGE', KEYS[9], -tonumber(ARGV[16]), -1)) do
    answer[#answer + 1] = message
  end
end
return answer
