-- KEYS: session. ARGV: client, counter that was shown, thumbprint of the proved key or '', grace (ms),
--   absolute life (ms)
-- Sets `held`, `latest`, `shown` and `is_used`, which is true when the token was used and no grace covers it.
-- Returns {'unknown'} or {'other_key'} for a token that is not valid at all.
local held = redis.call('HMGET', KEYS[1], 'client', 'counter', 'jkt', 'rotated_at', 'created_at', 'expires_at',
  'scope')
if held[1] ~= ARGV[1] or not held[2] or math.min(held[6], held[5] + ARGV[5]) <= now then
  return {'unknown'}
end
-- The key is checked before the counter: a thief without the key must not be able to end the session either.
if held[3] ~= '' and held[3] ~= ARGV[3] then
  return {'other_key'}
end
local latest, shown = tonumber(held[2]), tonumber(ARGV[2])
if shown > latest then
  -- The token was issued before Redis lost a write that it had acknowledged.
  return {'unknown'}
end
-- The distance counts in both directions, because the clock may be set back.
local is_late = math.abs(now - tonumber(held[4])) > tonumber(ARGV[4])
local is_used = shown < latest and (held[3] == '' or shown < latest - 1 or is_late)
