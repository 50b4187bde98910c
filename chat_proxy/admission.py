"""One flight decides whether a question goes through, and a lease says that it is still under way.

Every check is in that flight: the session lives and outlived every cut, the key is in the ring, the token was
not revoked, its proof is a new one, and reader, address and site have room (docs/decisions/0001). A renewal
makes the same checks, but for the proof: it is the one that the question came with.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from chat_proxy import cuts, keys, rates
from chat_proxy.challenges import proof_replayed
from chat_proxy.config import Limits
from chat_proxy.debts import Debts
from chat_proxy.gate import Caller
from chat_proxy.rates import RateFields, Standing
from edge.store import Command, Store, StoreUnavailable, command
from tokens import dpop, liveness

LEASE_MS: Final = 10_000
"""How long a place is held without a word of its holder: the room that a killed process leaves taken."""
MAX_HISTORY: Final = 10
"""Messages of a conversation that go with a question."""
MAX_CONVERSATIONS: Final = 50
MAX_GUEST_CONVERSATIONS: Final = 1
MAX_CONVERSATION: Final = 262_144
"""Bytes of its messages as they are stored."""
_REPLAYED: Final = b"replayed"


@dataclass(frozen=True, slots=True)
class Place:
    """What is taken of one owner's limits, a reader, an address or a site, while an answer runs."""

    owner: str
    limits: Limits

    def free(self, lease: str, *, refund: bool) -> Command:
        names = [keys.state(self.owner), keys.leases(self.owner)]
        return keys.FREE.call(names, lease, "1" if refund else "0", self.limits.interval_ms)

    def arguments(self) -> tuple[str | int, ...]:
        limits = self.limits
        return limits.interval_ms, limits.burst, limits.concurrent, limits.daily


@dataclass(frozen=True, slots=True)
class Grant:
    """An admitted question: its lease, what it holds beside the reader's own place, and the conversation.

    `asked_at` is monotonic seconds from before the flight; `history` are stored messages, the oldest first.
    """

    caller: Caller
    session_id: str
    lease: str
    shared: tuple[Place, ...]
    max_conversations: int
    history: Sequence[bytes]
    rate: RateFields
    asked_at: float


class Renewed(Enum):
    """What a renewal says of a lease. What expired is never revived, as its room may be taken."""

    RENEWED = "renewed"
    DEAD = "dead"
    EXPIRED = "expired"


class Admission:
    """Every verb raises StoreUnavailable when Redis gave no sure answer. `clock` is monotonic seconds."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._debts = Debts(store, clock)

    async def require_live(self, caller: Caller) -> None:
        """For a request that spends no question. Raises Problem 401 and 503."""
        if caller.has_session:
            names = [*_credentials(caller), liveness.proof(caller.sub, caller.proof)]
            check = keys.CHECK.call(names, caller.site.client_id, caller.tier, _kept(caller))
            cut, session = await self._store.run(cuts.ask(caller.site.client_id), check)
            created, proved_by, replayed = session or (None, None, 0)
            cuts.judge(caller, cut, created, proved_by)
            if replayed:
                raise proof_replayed()

    async def ready(self) -> None:
        """Raises Problem 503 until the broker has set the cuts and named its keys, and without a server that
        takes writes."""
        write = command("SET", liveness.WRITABLE, "1", "PX", liveness.WRITABLE_MS)
        cut, _ = await self._store.run(cuts.ask(), write)
        cuts.require(cut)

    async def admit(self, caller: Caller, session_id: str, *, history: bool) -> Grant:
        """Raises Problem 401, 429 and 503. What a refused request was granted is given back first."""
        asked_at = self._clock()
        lease = secrets.token_hex(8)
        shared = _shared_places(caller)
        commands = [_admit(caller, session_id, lease, MAX_HISTORY if history else 0)]
        for place in shared:
            names = [keys.state(place.owner), keys.leases(place.owner)]
            commands.append(keys.RESERVE.call(names, lease, LEASE_MS, *place.arguments()))
        if caller.has_session:
            commands.append(cuts.ask(caller.site.client_id))
        try:
            replies = await self._store.run(*commands)
        except StoreUnavailable:
            # A server that was only silent reads the flight when it wakes, and grants what nobody awaits.
            self._debts.add(asked_at, _given_back(caller, session_id, lease, shared))
            raise
        own, *others = replies[: 1 + len(shared)]
        try:
            if caller.has_session:
                cuts.judge(caller, replies[-1], *(own[6:8] or (None, None)))
            if own[0] == _REPLAYED:
                raise proof_replayed()
            rate = _require_room(caller, shared, own, others)
        except Exception:
            await self._refund(caller, session_id, lease, shared, [own, *others])
            raise
        is_guest = not caller.has_session or own[7] == cuts.GUEST
        kept = MAX_GUEST_CONVERSATIONS if is_guest else MAX_CONVERSATIONS
        return Grant(caller, session_id, lease, shared, kept, own[8:], rate, asked_at)

    async def release(self, grant: Grant, messages: Sequence[bytes]) -> None:
        """End the lease, and append `messages` to the conversation unless it was deleted meanwhile."""
        sub = grant.caller.sub
        names = [
            keys.leases(keys.user(sub)),
            keys.conversations(sub),
            keys.conversation(sub, grant.session_id),
            keys.gone(sub, grant.session_id),
        ]
        args = (grant.lease, grant.session_id, grant.max_conversations, MAX_CONVERSATION)
        freed = [place.free(grant.lease, refund=False) for place in grant.shared]
        if sum(map(len, messages)) > MAX_CONVERSATION:
            # None of it would stay, and to bring it there takes longer than a flight may.
            messages = ()
        try:
            await self._store.run(keys.KEEP.call(names, *args, *messages), *freed)
        except StoreUnavailable:
            # Without the messages, which may have been kept: said twice would be worse than not at all.
            self._debts.add(self._clock(), [keys.KEEP.call(names, *args), *freed])
            raise

    async def settle(self) -> bool:
        """Give back what trouble of the store left taken; False while the store is still in trouble."""
        return await self._debts.settle()

    async def renew(self, grants: Sequence[Grant]) -> list[Renewed]:
        """Each lease made LEASE_MS long again, after all the checks of its admission."""
        clients = list({grant.caller.site.client_id for grant in grants})
        by_owner: dict[str, list[str]] = {}
        for grant in grants:
            for place in grant.shared:
                by_owner.setdefault(place.owner, []).append(grant.lease)
        replies = iter(
            await self._store.run(
                cuts.ask(*clients),
                *(_renew(grant) for grant in grants),
                *(
                    keys.EXTEND.call([keys.leases(owner)], LEASE_MS, *leases)
                    for owner, leases in by_owner.items()
                ),
            )
        )
        cut = next(replies)
        own = [next(replies) for _ in grants]
        lost: set[str] = set()
        for leases in by_owner.values():
            lost |= {lease for lease, held in zip(leases, next(replies), strict=True) if not held}
        by_client = dict(zip(clients, cut[2:], strict=True))
        return [_verdict(grant, one, cut, by_client, lost) for grant, one in zip(grants, own, strict=True)]

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
                self._debts.add(self._clock(), granted)
                raise


def _given_back(caller: Caller, session_id: str, lease: str, shared: Sequence[Place]) -> list[Command]:
    """What takes back an admission: the reader's place, each shared one, and the conversation it entered."""
    reader = Place(keys.user(caller.sub), caller.limits)
    names = [
        keys.leases(reader.owner),
        keys.conversations(caller.sub),
        keys.conversation(caller.sub, session_id),
        keys.gone(caller.sub, session_id),
    ]
    # Without the lease: `free` has to find it there, whichever of the two comes first.
    entered = keys.KEEP.call(names, "", session_id, MAX_CONVERSATIONS, MAX_CONVERSATION)
    return [*(place.free(lease, refund=True) for place in (reader, *shared)), entered]


def _credentials(caller: Caller) -> list[str]:
    return [
        liveness.session(caller.sub, caller.sid),
        liveness.revoked_token(caller.sub, caller.jti),
        liveness.revoked_token(caller.sub, liveness.root_of(caller.jti)),
    ]


def _kept(caller: Caller) -> int:
    """For how long the caller's proof is remembered (ms); 0 for a caller who needs none."""
    return dpop.KEPT_MS if caller.proof else 0


def _shared_places(caller: Caller) -> tuple[Place, ...]:
    site = Place(keys.site(caller.site.client_id), caller.site.limits)
    if caller.address is None:
        return (site,)
    return site, Place(keys.address(caller.address), caller.limits)


def _admit(caller: Caller, session_id: str, lease: str, history: int) -> Command:
    owner = keys.user(caller.sub)
    names = [
        *_credentials(caller),
        liveness.proof(caller.sub, caller.proof),
        keys.state(owner),
        keys.leases(owner),
        keys.conversations(caller.sub),
        keys.conversation(caller.sub, session_id),
    ]
    judged = "1" if caller.has_session else "0"
    args = (judged, caller.site.client_id, caller.tier, _kept(caller), lease, LEASE_MS)
    return keys.ADMIT.call(names, *args, *Place(owner, caller.limits).arguments(), session_id, history)


def _renew(grant: Grant) -> Command:
    caller = grant.caller
    names = [*_credentials(caller), keys.leases(keys.user(caller.sub))]
    judged = "1" if caller.has_session else "0"
    return keys.RENEW.call(names, judged, caller.site.client_id, caller.tier, grant.lease, LEASE_MS)


def _require_room(
    caller: Caller, shared: Sequence[Place], own: list[Any], others: Sequence[list[Any]]
) -> RateFields:
    site, *address = (Standing.of(reply) for reply in others)
    for standing in (Standing.of(own), *address):
        if standing.violated:
            raise rates.reader_limited(caller.limits, standing)
    if site.violated:
        raise rates.site_limited(shared[0].limits, site)
    # Of a guest the address has spent at least as much as the session.
    return rates.fields(caller.limits, *(address or [Standing.of(own)]))


def _verdict(
    grant: Grant,
    own: int | None,
    cut: Sequence[bytes | None],
    by_client: dict[str, bytes | None],
    lost: set[str],
) -> Renewed:
    if grant.caller.has_session:
        if cut[0] is None or cut[1] is None:
            # As at admission: a store without cuts is in trouble, and says nothing of the session.
            raise StoreUnavailable("the cuts are missing")
        if own is None or grant.caller.kid.encode() not in cut[1].split(b","):
            return Renewed.DEAD
        if own >= 0 and not cuts.outlived(own, cut[0], by_client[grant.caller.site.client_id]):
            return Renewed.DEAD
    if own is None or own < 0 or grant.lease in lost:
        return Renewed.EXPIRED
    return Renewed.RENEWED
