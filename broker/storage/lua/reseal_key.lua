-- KEYS: key ring. ARGV: kid, sealed text as it was read, sealed text that replaces it
-- Returns 1 when it replaced the text: of several brokers that seal a key anew at once, one succeeds.
if ring['key:' .. ARGV[1]] ~= ARGV[2] then
  return 0
end
change()
put('key:' .. ARGV[1], ARGV[3])
return 1
