-- KEYS: mark of a sign-out at the site's Better Auth server. ARGV: time to remember it (ms)
redis.call('SET', KEYS[1], string.format('%.0f', now), 'PX', ARGV[1])
