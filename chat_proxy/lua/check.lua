-- KEYS: session, revoked token. ARGV: client, tier
-- Answers {created_at, proved_by}, or {} for a dead session.
local created, proved_by = living(KEYS[1], KEYS[2], ARGV[1], ARGV[2])
return created and {created, proved_by} or {}
