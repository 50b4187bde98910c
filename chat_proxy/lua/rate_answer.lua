-- KEYS: session, revoked token, the same of its root, conversation, rated answers, ratings of this window
-- ARGV: message id, rating or '' to withdraw it, ratings of a window, window (ms), number of rated answers to
--   remember, time to remember them (ms), '1' for the texts, '1' to judge the session, client, tier
-- Returns {'dead'} for a session that has ended, {'limited', ms to wait}, {'unknown'}, or {'rated', the
-- rating before or '', version, mode, question, answer}, the last two as they are stored, or ''.
if ARGV[8] == '1' and not living(KEYS[1], KEYS[2], KEYS[3], ARGV[9], ARGV[10]) then
  -- The session was alive a moment ago. Its account may have been deleted since, and a rating must not write
  -- keys of that account again.
  return {'dead'}
end
if redis.call('PTTL', KEYS[6]) > tonumber(ARGV[4]) then
  -- The clock was set back since: no reader waits for longer than a window.
  redis.call('PEXPIRE', KEYS[6], ARGV[4])
end
if tonumber(redis.call('GET', KEYS[6]) or '0') >= tonumber(ARGV[3]) then
  return {'limited', math.max(redis.call('PTTL', KEYS[6]), 1)}
end
if redis.call('INCR', KEYS[6]) == 1 then
  redis.call('PEXPIRE', KEYS[6], ARGV[4])
end
-- No message's text can contain this: a quotation mark within a JSON string has a backslash before it.
local wanted = '"message_id":"' .. ARGV[1] .. '"'
local messages = redis.call('LRANGE', KEYS[4], 0, -1)
local at = #messages
while at > 0 and not string.find(messages[at], wanted, 1, true) do
  at = at - 1
end
if at == 0 then
  return {'unknown'}
end
local answer = messages[at]
local before = string.match(string.sub(answer, -40), ',"feedback":"([a-z_]+)"}$') or ''
if before ~= ARGV[2] then
  -- The record up to its rating, or up to its closing brace.
  local rated = string.sub(answer, 1, before == '' and -2 or -1 - #(',"feedback":""}' .. before))
  if ARGV[2] ~= '' then
    rated = rated .. ',"feedback":"' .. ARGV[2] .. '"'
  end
  redis.call('LSET', KEYS[4], at - 1, rated .. '}')
end
local version = tonumber(redis.call('ZSCORE', KEYS[5], ARGV[1]) or '0') + 1
version = string.format('%.0f', math.max(clock[1] * 1000000 + clock[2], version))
if ARGV[2] == '' then
  redis.call('ZREM', KEYS[5], ARGV[1])
else
  redis.call('ZADD', KEYS[5], version, ARGV[1])
  redis.call('ZREMRANGEBYRANK', KEYS[5], 0, -1 - ARGV[5])
  redis.call('PEXPIRE', KEYS[5], ARGV[6])
end
local question = at > 1 and messages[at - 1] or ''
if string.sub(question, 1, 14) ~= '{"role":"user"' then
  question = ''
end
local mode = string.match(question, '"mode":"([a-z_]+)"') or ''
if ARGV[7] ~= '1' then
  question, answer = '', ''
end
return {'rated', before, version, mode, question, answer}
