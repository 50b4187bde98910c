-- KEYS: entries of one site. ARGV: time to remember an erasure for which there was no entry (ms)
-- Removes the texts from the entries. A rating that arrives later does not bring them back.
for _, entry in ipairs(KEYS) do
  redis.call('HDEL', entry, 'question', 'answer')
  redis.call('HSET', entry, 'erased', '1')
  if redis.call('PTTL', entry) < 0 then
    redis.call('PEXPIRE', entry, ARGV[1])
  end
end
return #KEYS
