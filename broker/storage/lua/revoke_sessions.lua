-- KEYS: sessions index, generation
-- ARGV: prefix of session keys, sid to keep or '', channel, sub, client or '' for every one
-- Returns the number of sessions that were alive and their tokens' hashes, '' for a session without one. The
-- generation is raised first, so that a sign-in under way creates no session.
raise(KEYS[2], ARGV[5] == '' and 'all' or 'client:' .. ARGV[5])
local ended, answer = 0, {0}
for _, sid in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local is_meant = ARGV[5] == '' or redis.call('HGET', ARGV[1] .. sid, 'client') == ARGV[5]
  if is_meant and sid ~= ARGV[2] then
    answer[#answer + 1] = redis.call('HGET', ARGV[1] .. sid, 'token_hash') or ''
    ended = ended + redis.call('DEL', ARGV[1] .. sid)
    redis.call('ZREM', KEYS[1], sid)
    redis.call('PUBLISH', ARGV[3], ARGV[4] .. ' ' .. sid)
  end
end
answer[1] = ended
return answer
