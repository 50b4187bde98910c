-- KEYS: session, revoked token, the same of its root, proof
-- ARGV: client, tier, time to remember the proof (ms) or 0
-- Returns {} for a dead session, else {values of `living`, 1 when the proof was seen before}. Checked in
-- admission/replies.py has the same slots.
local session = {living(KEYS[1], KEYS[2], KEYS[3], ARGV[1], ARGV[2])}
if not session[1] then
  return {}
end
return {session, replayed(KEYS[4], ARGV[3]) and 1 or 0}
