-- Put before a script that takes a DPoP proof.

-- Whether the proof was seen before; from now on it is, for `kept` ms. 0: the caller needs none.
local function replayed(proof, kept)
  -- A full server refuses it, and with it what the script would write after it.
  return kept ~= '0' and not redis.call('SET', proof, '1', 'NX', 'PX', kept)
end
