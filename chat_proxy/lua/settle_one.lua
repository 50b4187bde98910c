-- Settles one place, where a script may not settle several: in a Cluster their keys are at several servers.
-- KEYS: state, leases, held, settled; of a site also usage and spenders
-- ARGV: lease, '1' where the call may be a repetition, '1' where the owner has a budget, tokens in, tokens out,
--   cost; of a site also the further values of `use`
-- Returns 1 when the answer counts.
if not settle(1, ARGV[1], ARGV[3] == '1', ARGV[4] + ARGV[5], ARGV[6], ARGV[2] == '1') then
  return 0
end
if #KEYS == 6 then
  use(5, 4)
end
return 1
