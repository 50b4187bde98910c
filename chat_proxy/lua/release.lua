-- Ends a question: keeps its answer and settles its places, as `keep`, `settle` and `use` say.
-- KEYS: those of `keep`, usage, spenders, and of the site, then of each other owner, state, leases, held and
--   settled
-- ARGV: those of `keep`, '1' where the call may be a repetition, the values of `use`, '1' or '0' for each place
--   in one text: whether its owner has a budget, and the messages
local place = 0
for at = 7, #KEYS, 4 do
  place = place + 1
  local has_budget = string.sub(ARGV[14], place, place) == '1'
  local counts = settle(at, ARGV[1], has_budget, ARGV[6] + ARGV[7], ARGV[8], ARGV[5] == '1')
  if counts and place == 1 then
    use(5, 6)
  end
end
return keep(15)
