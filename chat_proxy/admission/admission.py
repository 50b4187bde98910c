"""One flight decides whether a question goes through, and a lease says that it is still under way.

That flight makes every check: the session lives and outlived every cut, the key is in the ring, the token was
not revoked, its proof is new, and reader, address and site have room (docs/decisions/0001). A renewal makes
the same checks except that of the proof, which the question has already used.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from chat_proxy import redis_keys
from chat_proxy.admission import cuts, places
from chat_proxy.admission import limits as rates
from chat_proxy.admission.limits import RateFields, Standing
from chat_proxy.admission.places import LEASE_MS, Place, Spend
from chat_proxy.admission.replies import LEASE_EXPIRED, Admitted, Checked
from chat_proxy.admission.undo import Undo
from chat_proxy.admission.vouching import Check, Vouching
from chat_proxy.challenges import proof_replayed
from chat_proxy.conversations import MAX_CONVERSATION, MAX_HISTORY
from chat_proxy.gate import Caller
from edge.redis.client import Command, Store, StoreUnavailable, command
from edge.upstreams.session import Reference
from tokens import dpop, liveness, readers
from tokens.session_rules import outlived

MAX_CONVERSATIONS: Final = 50
MAX_GUEST_CONVERSATIONS: Final = 1


@dataclass(frozen=True, slots=True)
class Grant:
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


class Renewed(Enum):
    """The result of renewing a lease. An expired lease is never revived, as another may have its room. Where
    the site's Better Auth server gave no sure answer about the session it is UNSURE."""

    RENEWED = "renewed"
    DEAD = "dead"
    EXPIRED = "expired"
    UNSURE = "unsure"


class Admission:
    """Every method raises StoreUnavailable when Redis gave no sure answer. `clock` is monotonic seconds."""

    def __init__(self, store: Store, clock: Callable[[], float], vouching: Vouching) -> None:
        self._store = store
        self._vouching = vouching
        self._clock = clock
        self._undo = Undo(store, clock)

    async def require_live(self, caller: Caller) -> None:
        """Check session, token and proof for a request that spends no question. Raises Problem 401 and
        503."""
        if caller.has_session:
            names = [*caller.credentials, liveness.proof(caller.sub, caller.proof)]
            check = redis_keys.CHECK.call(names, caller.site.client_id, caller.tier, _kept(caller))
            with self._vouching.beside(caller) as vouched:
                cut, reply, *there = await self._store.run(
                    cuts.ask(caller.site.client_id), check, *vouched.commands
                )
                checked = Checked.of(reply)
                session = cuts.judge(caller, cut, checked.session)
                if checked.is_replayed:
                    raise proof_replayed()
                await self._vouching.settle(caller, session.upstream, vouched, there)

    async def ready(self) -> None:
        """Raises Problem 503 until the broker has set the cuts and named its keys, and StoreUnavailable while
        no Redis server takes writes."""
        write = command("SET", liveness.WRITABLE, "1", "PX", liveness.WRITABLE_MS)
        cut, _ = await self._store.run(cuts.ask(), write)
        cuts.require(cut)

    async def admit(self, caller: Caller, session_id: str, estimate: Spend, *, history: bool) -> Grant:
        """Admit a question that may take as much as `estimate`. A refused request first gives back what the
        flight granted it.

        Raises Problem 401, 429 and 503, and UpstreamUnavailable.
        """
        with self._vouching.beside(caller) as check:
            return await self._admit(caller, session_id, estimate, check, history=history)

    async def _admit(
        self, caller: Caller, session_id: str, estimate: Spend, check: Check, *, history: bool
    ) -> Grant:
        asked_at = self._clock()
        lease = secrets.token_hex(8)
        shared = places.shared(caller)
        commands = [_admit(caller, session_id, lease, estimate, MAX_HISTORY if history else 0)]
        commands += [place.reserve(lease, estimate) for place in shared]
        if caller.has_session:
            commands.append(cuts.ask(caller.site.client_id))
        told = len(commands)
        try:
            replies = await self._store.run(*commands, *check.commands)
        except StoreUnavailable:
            # A server that was only stalled reads the flight when it wakes, and grants places to a request
            # that was already refused.
            self._undo.add(asked_at, _given_back(caller, session_id, lease, shared))
            raise
        own, others = Admitted.of(replies[0]), replies[1 : 1 + len(shared)]
        reference, is_guest = None, True
        try:
            if caller.has_session:
                session = cuts.judge(caller, replies[told - 1], own.session)
                is_guest = cuts.began_as_guest(session)
                reference = await self._vouching.settle(caller, session.upstream, check, replies[told:])
            if not own.reserved:
                raise proof_replayed()
            rate = _require_room(caller, shared, own.reserved, others)
        except Exception:
            await self._refund(caller, session_id, lease, shared, [own.reserved, *others])
            raise
        kept = MAX_GUEST_CONVERSATIONS if is_guest else MAX_CONVERSATIONS
        return Grant(caller, session_id, lease, shared, kept, own.messages, rate, asked_at, reference)

    async def release(self, grant: Grant, messages: Sequence[bytes], spent: Spend) -> None:
        """End the lease, count what the answer took, and append `messages` to the conversation unless it was
        deleted meanwhile."""
        names = _kept_in(grant.caller, grant.session_id)
        args = (grant.lease, grant.session_id, grant.max_conversations, MAX_CONVERSATION)
        # KEEP ends the reader's lease, and a reader without a budget has nothing else to settle.
        held = grant.shared
        if grant.caller.limits.has_budget:
            held = (places.own(grant.caller), *held)
        settled = [place.settle(grant.lease, spent, grant.caller) for place in held]
        if sum(map(len, messages)) > MAX_CONVERSATION:
            # The script would drop them all, and sending them takes longer than a flight may.
            messages = ()
        try:
            await self._store.run(redis_keys.KEEP.call(names, *args, *messages), *settled)
        except StoreUnavailable:
            # The retry has no messages: Redis may have kept them, and a second copy is worse than none.
            self._undo.add(self._clock(), [redis_keys.KEEP.call(names, *args), *settled])
            raise

    async def settle(self) -> bool:
        """Give back the places that an outage of Redis left taken; False while the outage lasts."""
        return await self._undo.settle()

    async def renew(self, grants: Sequence[Grant]) -> list[Renewed]:
        """Extend each lease to LEASE_MS from now, after the checks of its admission except that of the
        proof."""
        with self._vouching.again([(grant.caller, grant.reference) for grant in grants]) as checks:
            return await self._renew(grants, checks)

    async def _renew(self, grants: Sequence[Grant], checks: Sequence[Check]) -> list[Renewed]:
        clients = list({grant.caller.site.client_id for grant in grants})
        by_place: dict[tuple[str, ...], list[str]] = {}
        for grant in grants:
            for place in grant.shared:
                by_place.setdefault(tuple(place.names[1:]), []).append(grant.lease)
        replies = iter(
            await self._store.run(
                cuts.ask(*clients),
                *(_renew(grant) for grant in grants),
                *(redis_keys.EXTEND.call(names, LEASE_MS, *leases) for names, leases in by_place.items()),
                *(one for check in checks for one in check.commands),
            )
        )
        cut = next(replies)
        own = [next(replies) for _ in grants]
        lost: set[str] = set()
        for leases in by_place.values():
            lost |= {lease for lease, held in zip(leases, next(replies), strict=True) if not held}
        by_client = dict(zip(clients, cut[2:], strict=True))
        there = [await check.lives_surely([next(replies) for _ in check.commands]) for check in checks]
        return [
            _vouched(_verdict(grant, one, cut, by_client, lost), lives)
            for grant, one, lives in zip(grants, own, there, strict=True)
        ]

    async def _refund(
        self, caller: Caller, session_id: str, lease: str, shared: Sequence[Place], replies: Sequence[Any]
    ) -> None:
        granted = [
            command
            for command, reply in zip(
                _given_back(caller, session_id, lease, shared), [*replies, replies[0]], strict=True
            )
            if reply and not reply[0]
        ]
        if granted:
            try:
                await self._store.run(*granted)
            except StoreUnavailable:
                self._undo.add(self._clock(), granted)
                raise


def _given_back(caller: Caller, session_id: str, lease: str, shared: Sequence[Place]) -> list[Command]:
    """The commands that undo an admission: the reader's place, each shared one, and the conversation's entry
    in the index."""
    # KEEP is called with no lease: FREE refunds a lease only if it finds it, whichever of the two runs first.
    names = _kept_in(caller, session_id)
    entered = redis_keys.KEEP.call(names, "", session_id, MAX_CONVERSATIONS, MAX_CONVERSATION)
    return [*(place.free(lease) for place in (places.own(caller), *shared)), entered]


def _kept_in(caller: Caller, session_id: str) -> list[str]:
    """The keys of lua/keep.lua."""
    return [
        redis_keys.leases(caller.reader),
        readers.conversations(caller.reader),
        readers.conversation(caller.reader, session_id),
        readers.gone(caller.reader, session_id),
    ]


def _kept(caller: Caller) -> int:
    """The time for which the caller's proof is remembered (ms); 0 for a caller who needs none."""
    return dpop.KEPT_MS if caller.proof else 0


def _admit(caller: Caller, session_id: str, lease: str, estimate: Spend, history: int) -> Command:
    place = places.own(caller)
    names = [
        *caller.credentials,
        liveness.proof(caller.sub, caller.proof),
        *place.names,
        readers.conversations(caller.reader),
        readers.conversation(caller.reader, session_id),
    ]
    judged = "1" if caller.has_session else "0"
    args = (judged, caller.site.client_id, caller.tier, _kept(caller), lease)
    return redis_keys.ADMIT.call(names, *args, *place.numbers(estimate), session_id, history)


def _renew(grant: Grant) -> Command:
    caller = grant.caller
    names = [*caller.credentials, *places.own(caller).names[1:]]
    judged = "1" if caller.has_session else "0"
    return redis_keys.RENEW.call(names, judged, caller.site.client_id, caller.tier, grant.lease, LEASE_MS)


def _require_room(
    caller: Caller, shared: Sequence[Place], reserved: Sequence[Any], others: Sequence[Sequence[Any]]
) -> RateFields:
    own, site, *address = (Standing.of(reply) for reply in (reserved, *others))
    for standing in (own, *address):
        if standing.violated:
            raise rates.reader_limited(caller.limits, standing)
    if site.violated:
        raise rates.site_limited(shared[0].limits, site)
    # A guest's address has spent at least as much as the guest's session.
    return rates.fields(caller.limits, *(address or [own]))


def _vouched(verdict: Renewed, lives: bool | None) -> Renewed:
    """`lives`: the answer of the site's Better Auth server, None without a sure one."""
    if verdict is not Renewed.RENEWED or lives:
        return verdict
    return Renewed.UNSURE if lives is None else Renewed.DEAD


def _verdict(
    grant: Grant,
    own: int | None,
    cut: Sequence[bytes | None],
    by_client: dict[str, bytes | None],
    lost: set[str],
) -> Renewed:
    if grant.caller.has_session:
        if cut[0] is None or cut[1] is None:
            # As at admission: a store without cuts has lost data, and proves nothing about the session.
            raise StoreUnavailable("the cuts are missing")
        if own is None or grant.caller.kid.encode() not in cut[1].split(b","):
            return Renewed.DEAD
        client = by_client[grant.caller.site.client_id]
        if own != LEASE_EXPIRED and not outlived(own, cut[0], client):
            return Renewed.DEAD
    if own is None or own == LEASE_EXPIRED or grant.lease in lost:
        return Renewed.EXPIRED
    return Renewed.RENEWED
