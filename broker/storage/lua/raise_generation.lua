-- KEYS: generation. ARGV: client, the generation that it must still have
-- Returns the new generation, or false when it was raised meanwhile. A sign-in that read an older one creates
-- no session, at any site.
if generation(KEYS[1], ARGV[1]) ~= ARGV[2] then
  return false
end
raise(KEYS[1], 'all')
return generation(KEYS[1], ARGV[1])
