-- KEYS: key ring. ARGV: kid, sealed text as it was read, sealed text that takes its place
-- Answers 1 when it did: of many brokers that seal anew at once, one is heard.
if ring['key:' .. ARGV[1]] ~= ARGV[2] then
  return 0
end
change()
put('key:' .. ARGV[1], ARGV[3])
return 1
