-- KEYS: state, leases. ARGV: lease, lease (ms), interval (ms), burst, concurrent, daily
-- Answers what `reserve` does.
return reserve(KEYS[1], KEYS[2], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]),
  tonumber(ARGV[5]), tonumber(ARGV[6]))
