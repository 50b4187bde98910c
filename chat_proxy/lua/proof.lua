-- Put before a script that takes a DPoP proof.

-- Returns true if the proof was seen before, else remembers it for `kept` ms ('0': no proof is needed).
local function replayed(proof, kept)
  -- A full server refuses this write, and with it the script's later writes.
  return kept ~= '0' and not redis.call('SET', proof, '1', 'NX', 'PX', kept)
end
