"""The key ring as it is in Redis: its keys, the use of each, and the interface of its store."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from tokens.claims import MAX_LIFETIME
from tokens.verify import LEEWAY

PUBLISHED_BEFORE_USE_MS: Final = 30_000
"""The time for which `next` is published before it may sign. Enough for a broker to read the ring (1 s), a
copy of the key set in a cache (`well_known.MAX_AGE`, 10 s) and a verifier's cool-down with its fetch (13
s)."""
LATE_MS: Final = 60_000
"""Allows for a broker that stalled and signs with a key although another one has replaced it."""
RETIRING_MS: Final = (MAX_LIFETIME + 2 * LEEWAY) * 1000 + LATE_MS
"""The time for which a key that no longer signs stays published: until its last token has expired at every
verifier."""

State = Literal["signing", "next", "retiring"]
Members = Mapping[str, str]
"""The hash: `version`, `algorithm` (of the next key to be made), `current` and `next` (kids), and for each
kid `key:` (sealed), `since:` (published, Redis ms) and, if it no longer signs, `until:` (Redis ms)."""


@dataclass(frozen=True, slots=True)
class Record:
    """A sealed key's text. `secret` is the fingerprint of the secret that sealed it; all fields are empty in
    a damaged record."""

    alg: str
    secret: str
    private: str


def record(sealed: str) -> Record:
    try:
        members = json.loads(sealed)
        return Record(str(members["alg"]), str(members["secret"]), str(members["private"]))
    except (ValueError, KeyError, TypeError):
        return Record("", "", "")


@dataclass(frozen=True, slots=True)
class SealedKey:
    """One key of the ring, still sealed. Times are Redis ms; only a retiring key has `until`."""

    kid: str
    sealed: str
    state: State
    since: int
    until: int | None

    @property
    def alg(self) -> str:
        return record(self.sealed).alg

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the secret that sealed it."""
        return record(self.sealed).secret


@dataclass(frozen=True, slots=True)
class SealedRing:
    """`keys` are the signing one, then the next one, then the retiring ones, the last to expire first."""

    version: int
    algorithm: str
    keys: tuple[SealedKey, ...]

    def kids(self) -> str:
        return ",".join(key.kid for key in self.keys)

    def find(self, state: State) -> SealedKey | None:
        return next((key for key in self.keys if key.state == state), None)


def parse(members: Members) -> SealedRing | None:
    """None for a ring that was not made yet."""
    if "current" not in members:
        return None
    kids = [name.removeprefix("key:") for name in members if name.startswith("key:")]
    keys = [_key(kid, members) for kid in kids]
    order = {"signing": 0, "next": 1, "retiring": 2}
    keys.sort(key=lambda key: (order[key.state], -(key.until or 0), key.kid))
    return SealedRing(int(members["version"]), members["algorithm"], tuple(keys))


def _key(kid: str, members: Members) -> SealedKey:
    state: State = "retiring"
    if kid in (members["current"], members.get("next")):
        state = "signing" if kid == members["current"] else "next"
    until = members.get(f"until:{kid}")
    return SealedKey(
        kid, members[f"key:{kid}"], state, int(members[f"since:{kid}"]), None if until is None else int(until)
    )


def first(current: tuple[str, str], following: tuple[str, str], algorithm: str) -> dict[str, str]:
    """A new ring of two new keys, each as kid and sealed text; the store adds version and times."""
    return {
        "algorithm": algorithm,
        "current": current[0],
        f"key:{current[0]}": current[1],
        "next": following[0],
        f"key:{following[0]}": following[1],
    }


@dataclass(frozen=True, slots=True)
class Offer:
    """A broker's contribution when it looks after the ring.

    `seed` is the ring to write if there is none. `fresh` (kid and sealed text) was never offered before, and
    becomes `next` where one is needed. `declares` says that `algorithm` is the one from now on. `floor` is a
    version that a verifier may have seen; the ring must not be below it.
    """

    algorithm: str
    declares: bool
    floor: int
    seed: Members
    fresh: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Tended:
    """The ring, and the changes that were made to it: `(event, kid)`."""

    members: Members
    events: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class TooYoung:
    """`next` has not been published for long enough; it may sign in `wait_ms`."""

    wait_ms: int


class KeyStore(Protocol):
    """Keeps sealed keys, and the key ids that may still verify beside the cuts. Each method is one script, so
    that of several calls at once each sees the result of the one before. All raise StoreUnavailable."""

    async def tend(self, offer: Offer) -> Tended:
        """Make the ring if there is none, add a missing `next`, promote one of a changed algorithm when it is
        old enough, and drop the keys that have retired."""

    async def read(self) -> Members:
        """The ring as it is; empty where there is none."""

    async def publish(self, version: int, kids: str) -> int:
        """Publish the `kids` that may verify, unless a later version is published, and notify verifiers if
        they have changed. Returns the version that is published now. If there is no cut, one is set to the
        present: every earlier session is dead rather than revived."""

    async def reseal(self, kid: str, old: str, new: str) -> bool:
        """Replace the sealed text `old` by `new`, if `old` is still there."""

    async def rotate(self, following: str, fresh: tuple[str, str]) -> bool | TooYoung:
        """Promote `next`, which must be the kid `following`, and make `fresh` the next one. False: `next` is
        another key now."""

    async def retire(self, kids: tuple[str, ...], fresh: tuple[tuple[str, str], tuple[str, str]]) -> bool:
        """Take keys out of the ring at once; `next` replaces `current`, and `fresh` keys fill the places left
        empty. False: none of them is there."""
