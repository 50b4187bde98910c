"""An operator's changes to the key ring: promote the next key in order, or take keys out at once."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from broker.signing import record as ring
from broker.signing.keyring import KeyCipher, UnreadableKey, sealed_new
from broker.signing.record import KeyStore, SealedKey, SealedRing, TooYoung

_TRIES: Final = 3


class NoRing(Exception):
    """Redis has no keys; the first broker that runs will make them."""


@dataclass(frozen=True, slots=True)
class Rotated:
    """`retiring` signed until now and stays published; `current` signs; `following` is published anew."""

    retiring: str
    current: str
    following: str


@dataclass(frozen=True, slots=True)
class KeyChanges:
    """Every method raises NoRing and StoreUnavailable."""

    store: KeyStore
    cipher: KeyCipher

    async def ring(self) -> SealedRing:
        found = ring.parse(await self.store.read())
        if found is None:
            raise NoRing
        return found

    async def rotate(self) -> Rotated | TooYoung:
        """Raises UnreadableKey if brokers with these secrets could not sign with the next key. One of
        several rotations at once promotes it, and the others learn how long its successor has to wait."""
        for _ in range(_TRIES):
            found = await self.ring()
            current, following = found.keys[0], found.find("next")
            if following is None:
                # Only until the first broker looks after the ring.
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
        """Take out every key that `judge` picks, and return them. Verifiers were told of these, and of the
        keys that an earlier call took out but could not announce, as too few replicas had them."""
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
                # A retirement that was not acknowledged may have been made.
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
        # Publish the present ring: a broker that read it before the change must not publish after us.
        found = await self.ring()
        await self.store.publish(found.version, found.kids())
