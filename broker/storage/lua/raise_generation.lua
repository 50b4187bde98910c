-- KEYS: generation. ARGV: the generation that it must still have
-- Answers the new one, or false when it was raised meanwhile. A sign-in that read an older creates nothing.
local held = redis.call('GET', KEYS[1]) or '0'
if held ~= ARGV[1] then
  return false
end
local generation = string.format('%.0f', math.max(now, tonumber(held) + 1))
redis.call('SET', KEYS[1], generation, 'EX', 86400)
return generation
