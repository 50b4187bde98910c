-- KEYS: session, revoked token, the same of its root, proof
-- ARGV: client, tier, time to remember the proof (ms) or 0
-- Returns {created_at, proved_by, 1 when the proof was seen before, upstream}, or {} for a dead session.
local created, proved_by, upstream = living(KEYS[1], KEYS[2], KEYS[3], ARGV[1], ARGV[2])
if not created then
  return {}
end
return {created, proved_by, replayed(KEYS[4], ARGV[3]) and 1 or 0, upstream}
