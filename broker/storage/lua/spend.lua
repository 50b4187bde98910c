-- KEYS: counter. ARGV: cost (0 to look), limit, window (ms)
-- A window begins with its first cost. Returns -1 when there is room, else the ms until there is.
local spent = tonumber(redis.call('GET', KEYS[1]) or '0')
local cost = tonumber(ARGV[1])
if redis.call('PTTL', KEYS[1]) > tonumber(ARGV[3]) then
  -- The clock was set back since: no client waits for longer than a window.
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
if spent + math.max(cost, 1) > tonumber(ARGV[2]) then
  return math.max(redis.call('PTTL', KEYS[1]), 1)
end
if cost > 0 and redis.call('INCRBY', KEYS[1], cost) == cost then
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
return -1
