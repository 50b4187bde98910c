-- Put after `time` and before a script that changes the key ring, KEYS[1] (see broker/signing/record.py).
local ring = {}
local held = redis.call('HGETALL', KEYS[1])
for at = 1, #held, 2 do
  ring[held[at]] = held[at + 1]
end

local function put(field, value)
  ring[field] = value
  redis.call('HSET', KEYS[1], field, value)
end

local is_changed = false
-- Every change calls this first: a full server refuses this write, but would run it after a write of another
-- kind.
local function change(floor)
  if not is_changed then
    is_changed = true
    local version = math.max(now, tonumber(ring.version or '0') + 1, (floor or 0) + 1)
    put('version', string.format('%.0f', version))
  end
end

local function follow(kid, sealed)
  put('key:' .. kid, sealed)
  put('since:' .. kid, string.format('%.0f', now))
  put('next', kid)
end

local function remove(kid)
  for _, field in ipairs({'key:' .. kid, 'since:' .. kid, 'until:' .. kid}) do
    ring[field] = nil
    redis.call('HDEL', KEYS[1], field)
  end
end

-- Makes `next` the signing key, and the fresh key its successor.
local function promote(kid, sealed, retiring)
  put('until:' .. ring.current, string.format('%.0f', now + retiring))
  put('current', ring.next)
  follow(kid, sealed)
end

local function algorithm_of(kid)
  local is_whole, record = pcall(cjson.decode, ring['key:' .. kid])
  return is_whole and type(record) == 'table' and record.alg
end

-- The ms for which `next` has been published. A start in the future means that the clock was set back;
-- tend_ring.lua then sets it to the present, and the age counts anew.
local function age_of_next()
  return now - tonumber(ring['since:' .. ring.next])
end

local function whole()
  local flat = {}
  for field, value in pairs(ring) do
    flat[#flat + 1] = field
    flat[#flat + 1] = value
  end
  return flat
end
