-- KEYS: session, revoked token, the same of its root, proof, conversations, conversation, and of each place
--   state, leases and held
-- ARGV: '1' to judge the session, client, tier, time to remember the proof (ms) or 0, conversation's id, number
--   of its messages that are wanted, the values of `question_from`, and of each place the limits of `look`
-- Takes all places or none. Returns {} for a dead session, {session} for a replayed proof, else {session, 1 when
-- the places were taken, the values of `standing` for each place, messages}; `session` has the values of
-- `living`. Admitted in admission/replies.py has the same slots.
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
local question, places, has_room = question_from(7), {}, true
for at = 7, #KEYS, 3 do
  local place = look(at, 11 + (at - 7) * 2, question)
  places[#places + 1] = place
  has_room = has_room and place.violated == ''
end
local told = {}
for at, place in ipairs(places) do
  if has_room then
    take(place, question)
  end
  told[at] = standing(place)
end
if not has_room then
  return {session, 0, told, {}}
end
-- The index gets the conversation now and the messages follow at the end, so that a conversation that is
-- deleted in between stays deleted.
redis.call('ZADD', KEYS[5], now, ARGV[5])
redis.call('PEXPIRE', KEYS[5], DAY)
local messages = {}
if redis.call('PEXPIRE', KEYS[6], DAY) == 1 and ARGV[6] ~= '0' then
  messages = redis.call('LRANGE', KEYS[6], -tonumber(ARGV[6]), -1)
end
return {session, 1, told, messages}
