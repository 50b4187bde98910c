-- KEYS: conversations. ARGV: prefix of conversation keys, number of bytes of a message that are wanted
-- Returns id, time of the last question (ms), beginning of the first message, ... with the latest first.
local answer = {}
local index = redis.call('ZRANGE', KEYS[1], 0, -1, 'REV', 'WITHSCORES')
for at = 1, #index, 2 do
  local first = redis.call('LINDEX', ARGV[1] .. index[at], 0)
  if first then
    answer[#answer + 1] = index[at]
    answer[#answer + 1] = tonumber(index[at + 1])
    answer[#answer + 1] = string.sub(first, 1, tonumber(ARGV[2]))
  end
end
return answer
