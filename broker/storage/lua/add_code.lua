-- KEYS: code. ARGV: life (ms), field, value, ...
redis.call('HSET', KEYS[1], 'made_at', string.format('%.0f', now), unpack(ARGV, 2))
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
