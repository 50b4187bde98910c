-- KEYS: key ring. ARGV: algorithm, '1' to declare it, floor, ms before use, ms of retiring, fresh kid, sealed,
--   then the fields and values of a ring for where none is left
-- Answers {what was done and to which kid, ...} and the ring.
local algorithm, before, retiring = ARGV[1], tonumber(ARGV[4]), tonumber(ARGV[5])
local fresh, sealed = ARGV[6], ARGV[7]
local done = {}
local function note(event, kid)
  done[#done + 1] = event
  done[#done + 1] = kid
end

if not ring.current then
  change(tonumber(ARGV[3]))
  for at = 8, #ARGV, 2 do
    put(ARGV[at], ARGV[at + 1])
    local kid = string.match(ARGV[at], '^key:(.+)$')
    if kid then
      put('since:' .. kid, string.format('%.0f', now))
      note('made', kid)
    end
  end
elseif tonumber(ring.version) < tonumber(ARGV[3]) then
  -- What verifiers were told is later than this ring: a server that lost it, with a clock that was set back.
  change(tonumber(ARGV[3]))
end

if ARGV[2] == '1' and ring.algorithm ~= algorithm then
  change()
  put('algorithm', algorithm)
end

local expired = {}
for field, value in pairs(ring) do
  local kind, kid = string.match(field, '^(%a+):(.+)$')
  if kind == 'until' and tonumber(value) <= now then
    expired[#expired + 1] = kid
  elseif kind == 'until' and tonumber(value) > now + retiring then
    -- The clock was set back since: as if it had signed until now, and never longer.
    change()
    put(field, string.format('%.0f', now + retiring))
  elseif kind == 'since' and tonumber(value) > now then
    change()
    put(field, string.format('%.0f', now))
  end
end
for _, kid in ipairs(expired) do
  change()
  remove(kid)
  note('expired', kid)
end

-- Only who has the ring's algorithm can make a key of it; of two settings the latest declared one counts.
local is_mine = ring.algorithm == algorithm
if not ring.next then
  change()
  follow(fresh, sealed)
  note('made', fresh)
elseif is_mine and algorithm_of(ring.next) ~= algorithm then
  -- It has signed nothing, so it may go at once.
  change()
  local old = ring.next
  follow(fresh, sealed)
  remove(old)
  note('made', fresh)
elseif is_mine and algorithm_of(ring.current) ~= algorithm and age_of_next() >= before then
  change()
  promote(fresh, sealed, retiring)
  note('promoted', ring.current)
  note('made', fresh)
end
return {done, whole()}
