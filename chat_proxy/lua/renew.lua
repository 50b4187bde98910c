-- KEYS: session, revoked token, the same of its root, leases, held
-- ARGV: '1' to judge the session, client, tier, lease, lease (ms)
-- Returns created_at (0 when no session is judged), false for a dead session, -1 for a lease that expired
-- (LEASE_EXPIRED in admission/replies.py).
local created = 0
if ARGV[1] == '1' then
  created = living(KEYS[1], KEYS[2], KEYS[3], ARGV[2], ARGV[3])
  if not created then
    return false
  end
end
if tonumber(redis.call('ZSCORE', KEYS[4], ARGV[4]) or '0') <= now then
  return -1
end
redis.call('ZADD', KEYS[4], now + ARGV[5], ARGV[4])
redis.call('PEXPIRE', KEYS[4], ARGV[5])
redis.call('PEXPIRE', KEYS[5], ARGV[5])
return tonumber(created)
