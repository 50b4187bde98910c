-- KEYS: state, leases, held. ARGV: lease, and the numbers of `reserve`
-- Returns the values of `reserve`.
return reserve(KEYS[1], KEYS[2], KEYS[3], ARGV[1], numbers(2))
