"""One flight decides whether a question goes through, and a lease says that it is still under way.

That flight makes every check: the session lives and outlived every cut, the key is in the ring, the token was
not revoked, its proof is new, and reader, address and site have room (docs/decisions/0001). A renewal makes
the same checks except that of the proof, which the question has already used.
"""

import secrets
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any

from chat_proxy import redis_keys
from chat_proxy.admission import commands, cuts, places
from chat_proxy.admission import limits as rates
from chat_proxy.admission.commands import MAX_CONVERSATIONS, MAX_GUEST_CONVERSATIONS, Grant
from chat_proxy.admission.limits import RateFields, Standing
from chat_proxy.admission.places import LEASE_MS, Place, Spend
from chat_proxy.admission.replies import LEASE_EXPIRED, Admitted, Checked
from chat_proxy.admission.undo import Undo
from chat_proxy.admission.vouching import Check, Vouching
from chat_proxy.challenges import proof_replayed
from chat_proxy.conversations.conversations import MAX_CONVERSATION, MAX_HISTORY
from chat_proxy.gate import Caller
from edge.redis.client import Store, StoreUnavailable, command
from tokens import liveness
from tokens.session_rules import outlived


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
            check = redis_keys.CHECK.call(
                names, caller.site.client_id, caller.tier, commands.remembered_for(caller)
            )
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
        # One script takes all places where it may.
        beside = shared if self._store.is_cluster else ()
        together = [places.own(caller), *(() if beside else shared)]
        flight = [
            commands.admit(caller, session_id, together, lease, estimate, MAX_HISTORY if history else 0)
        ]
        flight += [place.reserve(lease, estimate) for place in beside]
        if caller.has_session:
            flight.append(cuts.ask(caller.site.client_id))
        told = len(flight)
        try:
            replies = await self._store.run(*flight, *check.commands)
        except StoreUnavailable:
            # A server that was only stalled reads the flight when it wakes, and grants places to a request
            # that was already refused.
            self._undo.add(asked_at, commands.given_back(caller, session_id, lease, [*together, *beside]))
            raise
        own, others = Admitted.of(replies[0]), replies[1 : 1 + len(beside)]
        reference, is_guest = None, True
        try:
            if caller.has_session:
                session = cuts.judge(caller, replies[told - 1], own.session)
                is_guest = cuts.began_as_guest(session)
                reference = await self._vouching.settle(caller, session.upstream, check, replies[told:])
            if not own.reserved:
                raise proof_replayed()
            rate = _require_room(caller, shared, [*own.reserved, *others])
        except Exception:
            taken = [place for place, reply in zip(beside, others, strict=True) if not reply[0]]
            taken += together if own.are_taken else ()
            await self._refund(caller, session_id, lease, taken)
            raise
        kept = MAX_GUEST_CONVERSATIONS if is_guest else MAX_CONVERSATIONS
        return Grant(caller, session_id, lease, shared, kept, own.messages, rate, asked_at, reference)

    async def release(self, grant: Grant, messages: Sequence[bytes], spent: Spend) -> None:
        """End the lease, count what the answer took, and append `messages` to the conversation unless it was
        deleted meanwhile."""
        if sum(map(len, messages)) > MAX_CONVERSATION:
            # The script would drop them all, and sending them takes longer than a flight may.
            messages = ()
        released = commands.released_apart if self._store.is_cluster else commands.released
        try:
            await self._store.run(*released(grant, messages, spent, is_again=False))
        except StoreUnavailable:
            # The retry has no messages: Redis may have kept them, and a second copy is worse than none.
            self._undo.add(self._clock(), released(grant, (), spent, is_again=True))
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
                *(commands.renew(grant) for grant in grants),
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

    async def _refund(self, caller: Caller, session_id: str, lease: str, taken: Sequence[Place]) -> None:
        if taken:
            granted = commands.given_back(caller, session_id, lease, taken)
            try:
                await self._store.run(*granted)
            except StoreUnavailable:
                self._undo.add(self._clock(), granted)
                raise


def _require_room(caller: Caller, shared: Sequence[Place], reserved: Sequence[Sequence[Any]]) -> RateFields:
    own, site, *address = map(Standing.of, reserved)
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
