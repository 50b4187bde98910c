-- KEYS: leases, held. ARGV: lease (ms), lease, ...
-- Returns 1 or 0 for each lease: an expired one is not revived.
local answer = {}
for at = 2, #ARGV do
  local expires = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[at]) or '0')
  answer[at - 1] = expires > now and 1 or 0
  if expires > now then
    redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[at])
    redis.call('PEXPIRE', KEYS[1], ARGV[1])
    redis.call('PEXPIRE', KEYS[2], ARGV[1])
  end
end
return answer
