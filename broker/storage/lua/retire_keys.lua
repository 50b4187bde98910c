-- KEYS: key ring. ARGV: fresh kid, sealed, another fresh kid, sealed, kid to remove, ...
-- Returns the number of keys that it removed.
local gone = 0
for at = 5, #ARGV do
  local kid = ARGV[at]
  if ring['key:' .. kid] then
    change()
    remove(kid)
    gone = gone + 1
  end
end
if gone == 0 then
  return 0
end
if not ring['key:' .. ring.current] then
  if not ring.next or not ring['key:' .. ring.next] then
    follow(ARGV[3], ARGV[4])
  end
  put('current', ring.next)
end
if not ring.next or ring.next == ring.current or not ring['key:' .. ring.next] then
  follow(ARGV[1], ARGV[2])
end
return gone
