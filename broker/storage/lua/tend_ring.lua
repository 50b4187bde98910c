-- KEYS: key ring. ARGV: algorithm, '1' to declare it, floor, ms before use, ms of retiring, fresh kid,
--   sealed, then the fields and values of a new ring, for a Redis that has none
-- Returns {event, kid, ...} for each change that it made, and the ring.
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
  -- Verifiers were told of a later version than this ring's: the server lost that ring, and its clock was set
  -- back.
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
    -- The clock was set back since: the key counts as one that signed until now, and retires no later.
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

-- Only a broker that is configured with the ring's algorithm can make a key for it; when two brokers differ,
-- the algorithm that was declared last counts.
local is_mine = ring.algorithm == algorithm
if not ring.next then
  change()
  follow(fresh, sealed)
  note('made', fresh)
elseif is_mine and algorithm_of(ring.next) ~= algorithm then
  -- The next key has signed nothing, so it may be removed at once.
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
