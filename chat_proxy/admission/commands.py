"""The commands that take, renew, settle and give back the places of a question."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from chat_proxy import redis_keys
from chat_proxy.admission import places
from chat_proxy.admission.limits import RateFields
from chat_proxy.admission.places import LEASE_MS, Place, Spend
from chat_proxy.conversations.conversations import MAX_CONVERSATION
from chat_proxy.gate import Caller
from edge.redis.client import Command
from edge.upstreams.session import Reference
from tokens import dpop, liveness, readers

MAX_CONVERSATIONS: Final = 50
MAX_GUEST_CONVERSATIONS: Final = 1


class Grant(NamedTuple):
    """An admitted question: its lease, its places beside the reader's own, and the conversation.

    `asked_at` is monotonic seconds, read before the flight; `history` has stored messages, the oldest first.
    `reference` names the session at the site's Better Auth server, if one vouches for it.
    """

    caller: Caller
    session_id: str
    lease: str
    shared: tuple[Place, ...]
    max_conversations: int
    history: Sequence[bytes]
    rate: RateFields
    asked_at: float
    reference: Reference | None


def given_back(caller: Caller, session_id: str, lease: str, taken: Sequence[Place]) -> list[Command]:
    """The commands that undo an admission: those of each place, and of the conversation's entry in the
    index."""
    # KEEP is called with no lease: FREE refunds a lease only if it finds it, whichever of the two runs first.
    names = _kept_in(caller, session_id)
    entered = redis_keys.KEEP.call(names, "", session_id, MAX_CONVERSATIONS, MAX_CONVERSATION)
    return [*(place.free(lease) for place in taken), entered]


def released(grant: Grant, messages: Sequence[bytes], spent: Spend, *, is_again: bool) -> list[Command]:
    """The command that ends a question: the answer is kept, and its places are settled."""
    held = _settled(grant)
    names = [*_kept_in(grant.caller, grant.session_id), *places.used_names(grant.caller.site.client_id)]
    names += [name for place in held for name in place.settled_names]
    budgets = "".join("1" if place.limits.has_budget else "0" for place in held)
    used = places.used(spent, grant.caller)
    args = (*_keep(grant), int(is_again), *used, budgets, *messages)
    return [redis_keys.RELEASE.call(names, *args)]


def released_apart(grant: Grant, messages: Sequence[bytes], spent: Spend, *, is_again: bool) -> list[Command]:
    """The same for a Cluster, where the keys of the places are at several servers."""
    kept = redis_keys.KEEP.call(_kept_in(grant.caller, grant.session_id), *_keep(grant), *messages)
    settled = (place.settle(grant.lease, spent, grant.caller, is_again=is_again) for place in _settled(grant))
    return [kept, *settled]


def _settled(grant: Grant) -> list[Place]:
    """The places to settle, the site's first. KEEP ends the reader's lease, and a reader without a budget has
    nothing else to settle."""
    own = [places.own(grant.caller)] if grant.caller.limits.has_budget else []
    return [*grant.shared, *own]


def _keep(grant: Grant) -> tuple[str | int, ...]:
    """The arguments of `keep` in lua/keep.lua."""
    return grant.lease, grant.session_id, grant.max_conversations, MAX_CONVERSATION


def _kept_in(caller: Caller, session_id: str) -> list[str]:
    """The keys of lua/keep.lua."""
    return [
        redis_keys.leases(caller.reader),
        readers.conversations(caller.reader),
        readers.conversation(caller.reader, session_id),
        readers.gone(caller.reader, session_id),
    ]


def remembered_for(caller: Caller) -> int:
    """The time for which the caller's proof is remembered (ms); 0 for a caller who needs none."""
    return dpop.KEPT_MS if caller.proof else 0


def admit(
    caller: Caller, session_id: str, taken: Sequence[Place], lease: str, estimate: Spend, history: int
) -> Command:
    names = [
        *caller.credentials,
        liveness.proof(caller.sub, caller.proof),
        readers.conversations(caller.reader),
        readers.conversation(caller.reader, session_id),
        *(name for place in taken for name in place.names),
    ]
    judged = "1" if caller.has_session else "0"
    args = (judged, caller.site.client_id, caller.tier, remembered_for(caller), session_id, history)
    numbers = (number for place in taken for number in place.numbers)
    return redis_keys.ADMIT.call(names, *args, *places.asked(lease, estimate), *numbers)


def renew(grant: Grant) -> Command:
    caller = grant.caller
    names = [*caller.credentials, *places.own(caller).names[1:]]
    judged = "1" if caller.has_session else "0"
    return redis_keys.RENEW.call(names, judged, caller.site.client_id, caller.tier, grant.lease, LEASE_MS)
