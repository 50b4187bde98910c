-- KEYS: sessions index, generation. ARGV: prefix of session keys, sid to keep or '', channel, sub
-- Answers how many were alive. The generation goes first: a sign-in under way creates nothing.
local generation = math.max(now, tonumber(redis.call('GET', KEYS[2]) or '0') + 1)
redis.call('SET', KEYS[2], string.format('%.0f', generation), 'EX', 86400)
local ended = 0
for _, sid in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  if sid ~= ARGV[2] then
    ended = ended + redis.call('DEL', ARGV[1] .. sid)
    redis.call('ZREM', KEYS[1], sid)
    redis.call('PUBLISH', ARGV[3], ARGV[4] .. ' ' .. sid)
  end
end
return ended
