-- Put after `time` and before a script that makes a session's life longer.

-- The index lives as long as the last of its sessions, so that it is gone when they have expired.
local function outlive(index, expires)
  if redis.call('PTTL', index) < expires - now then
    redis.call('PEXPIREAT', index, expires)
  end
end
