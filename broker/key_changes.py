"""What an operator does to the key ring: promote the next key in order, or take keys out at once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from broker import ring
from broker.keys import KeyCipher, UnreadableKey, sealed_new
from broker.ring import KeyStore, SealedKey, SealedRing, TooYoung

_TRIES: Final = 3


class NoRing(Exception):
    """Redis has no keys; the first broker that runs makes them."""


@dataclass(frozen=True, slots=True)
class Rotated:
    """`retiring` signed until now and stays published; `current` signs; `following` is published anew."""

    retiring: str
    current: str
    following: str


@dataclass(frozen=True, slots=True)
class KeyChanges:
    """Every verb raises NoRing and StoreUnavailable."""

    store: KeyStore
    cipher: KeyCipher

    async def ring(self) -> SealedRing:
        found = ring.parse(await self.store.read())
        if found is None:
            raise NoRing
        return found

    async def rotate(self) -> Rotated | TooYoung:
        """Raises UnreadableKey for a next key that no broker with these secrets could sign with. Of many
        rotations at once one promotes, and the others hear how long its successor has to wait."""
        for _ in range(_TRIES):
            found = await self.ring()
            current, following = found.keys[0], found.find("next")
            if following is None:
                # Only for as long as no broker has looked after the ring.
                raise NoRing
            self.cipher.open(following.kid, following.sealed)
            fresh = sealed_new(self.cipher, found.algorithm)
            promoted = await self.store.rotate(following.kid, fresh)
            if isinstance(promoted, TooYoung):
                return promoted
            if promoted:
                await self._publish()
                return Rotated(current.kid, following.kid, fresh[0])
        raise NoRing

    async def retire(self, judge: Callable[[SealedKey], bool]) -> tuple[SealedKey, ...]:
        """Take out every key that `judge` picks, and answer them. Verifiers have been told of it, and of what
        an earlier call took out and could not tell, as too few replicas had it."""
        found = await self.ring()
        gone = tuple(key for key in found.keys if judge(key))
        if gone:
            fresh = (
                sealed_new(self.cipher, found.algorithm),
                sealed_new(self.cipher, found.algorithm),
            )
            try:
                await self.store.retire(tuple(key.kid for key in gone), fresh)
            finally:
                # An unacknowledged retirement may stand all the same.
                await self._publish()
        else:
            await self._publish()
        return gone

    def is_readable(self, key: SealedKey) -> bool:
        try:
            self.cipher.open(key.kid, key.sealed)
        except UnreadableKey:
            return False
        return True

    async def _publish(self) -> None:
        # Of what is there now: a broker that read the ring before the change may not name it after us.
        found = await self.ring()
        await self.store.publish(found.version, found.kids())
