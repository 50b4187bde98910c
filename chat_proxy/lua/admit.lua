-- KEYS: session, revoked token, the same of its root, proof, state, leases, held, conversations, conversation
-- ARGV: '1' to judge the session, client, tier, time to remember the proof (ms) or 0, lease, the numbers of
--   `reserve`, conversation's id, number of its messages that are wanted
-- Returns {} for a dead session, {session} for a replayed proof, else {session, values of `reserve`, messages};
-- `session` has the values of `living`. Admitted in admission/replies.py has the same slots.
local session = {'0', '', ''}
if ARGV[1] == '1' then
  session = {living(KEYS[1], KEYS[2], KEYS[3], ARGV[2], ARGV[3])}
  if not session[1] then
    return {}
  end
end
if replayed(KEYS[4], ARGV[4]) then
  return {session}
end
local reserved = reserve(KEYS[5], KEYS[6], KEYS[7], ARGV[5], numbers(6))
if reserved[1] ~= '' then
  return {session, reserved, {}}
end
-- The index gets the conversation now and the messages follow at the end, so that a conversation that is
-- deleted in between stays deleted.
redis.call('ZREMRANGEBYSCORE', KEYS[8], '-inf', now - DAY)
redis.call('ZADD', KEYS[8], now, ARGV[15])
redis.call('PEXPIRE', KEYS[8], DAY)
local messages = {}
if redis.call('PEXPIRE', KEYS[9], DAY) == 1 and ARGV[16] ~= '0' then
  messages = redis.call('LRANGE', KEYS[9], -tonumber(ARGV[16]), -1)
end
return {session, reserved, messages}
