-- Takes one place, where a script may not take several: in a Cluster their keys are at several servers.
-- KEYS: state, leases, held. ARGV: the values of `question_from`, and the limits of `look`
-- Returns the values of `standing`.
local question = question_from(1)
local place = look(1, 5, question)
if place.violated == '' then
  take(place, question)
end
return standing(place)
