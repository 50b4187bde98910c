-- KEYS: key ring. ARGV: kid of the next key, ms before use, ms of retiring, fresh kid, sealed
-- Returns 0 when the key was promoted, the ms until it may be, or -1 when another key is next, or none.
if not ring.next then
  return -1
end
local wait = tonumber(ARGV[2]) - age_of_next()
if wait > 0 then
  return math.min(wait, tonumber(ARGV[2]))
end
if ring.next ~= ARGV[1] then
  return -1
end
change()
promote(ARGV[4], ARGV[5], tonumber(ARGV[3]))
return 0
