"""Passwords: which ones are good, how they are hashed, and how many are hashed at once.

New hashes are argon2id. Hashes that a Better Auth server stored (scrypt) are read, never made. Text is
NFKC before anything is hashed, as in Better Auth, so one password typed on two keyboards is one password.
"""

import asyncio
import hashlib
import math
import os
import re
import sys
import threading
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar

import passlib.utils.handlers as uh
from passlib.context import CryptContext

MIN_LENGTH: Final = 8
MAX_LENGTH: Final = 128
"""Both in UTF-16 code units of the text as it was sent, before NFKC: `String.length` in Better Auth."""

MAX_STORED_HASH: Final = 512
"""A hash of ours has 97 characters and one of Better Auth 161; a longer string is not one of them."""

MAX_MEMORY_KIB: Final = 256 * 1024
MAX_PASSES: Final = 10
MAX_LANES: Final = 8
"""A stored hash names its own cost; above these it is a weapon, or a row that was tampered with."""

QUEUE_LIMIT: Final = 128
MAX_WAIT_S: Final = 8.0
NICENESS: Final = 10

_ARGON2: Final = re.compile(
    r"\$argon2(id|i|d)\$v=(16|19)\$m=(\d{1,10}),t=(\d{1,10}),p=(\d{1,8})"
    r"\$[A-Za-z0-9+/]{11,86}\$[A-Za-z0-9+/]{16,128}"
)
_SCRYPT: Final = re.compile(r"([0-9a-f]{32}):([0-9a-f]{128})")

T = TypeVar("T")


class PasswordRefused(Exception):
    """Base of why a new password is not taken; `code` is stable, the message may be shown."""

    code = "INVALID_PASSWORD"


class PasswordTooShort(PasswordRefused):
    code = "PASSWORD_TOO_SHORT"


class PasswordTooLong(PasswordRefused):
    code = "PASSWORD_TOO_LONG"


class PasswordCommon(PasswordRefused):
    code = "PASSWORD_COMMON"


class PasswordUnusable(PasswordRefused):
    code = "INVALID_PASSWORD_CHARACTERS"


class HashingBusy(Exception):
    """More passwords are being hashed than this process takes on; `retry_after` is in seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("too many sign-ins at once, try again shortly")
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Cost:
    """argon2id: memory in KiB, passes over it, lanes. The default is OWASP's 19 MiB shape."""

    memory_kib: int = 19_456
    passes: int = 2
    lanes: int = 1


@dataclass(frozen=True, slots=True)
class Verdict:
    ok: bool
    needs_rehash: bool


FAILED: Final = Verdict(ok=False, needs_rehash=False)


@cache
def common_passwords() -> frozenset[str]:
    """NFKC and case-folded. The first line of the file names its source and licence."""
    lines = Path(__file__).with_name("common_passwords.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(lines[1:])


def check_new_password(raw: str) -> str:
    """The NFKC form, ready to be hashed; raises the `PasswordRefused` that says why not."""
    if is_too_long(raw):
        raise PasswordTooLong("Password too long")
    if not _is_usable(raw):
        raise PasswordUnusable("Password has a character that cannot be used")
    if _utf16_units(raw) < MIN_LENGTH:
        raise PasswordTooShort("Password too short")
    normalised = _normalise(raw)
    if normalised.casefold() in common_passwords():
        raise PasswordCommon("This password is among the most used ones and is the first to be guessed")
    return normalised


def is_too_long(raw: str) -> bool:
    """For sign-in, where Better Auth answers PASSWORD_TOO_LONG before it hashes anything."""
    # A code point is one or two units, so a body of megabytes is refused without being walked through.
    return len(raw) > MAX_LENGTH or _utf16_units(raw) > MAX_LENGTH


def _utf16_units(raw: str) -> int:
    return len(raw) + sum(letter > "\uffff" for letter in raw)


def _is_usable(raw: str) -> bool:
    return "\0" not in raw and not any("\ud800" <= letter <= "\udfff" for letter in raw)


def _normalise(raw: str) -> str:
    return unicodedata.normalize("NFKC", raw)


class BetterAuthScrypt(uh.HasSalt, uh.GenericHandler):  # type: ignore[misc]
    """`<salt>:<key>` in hex. The salt is the 32 hex characters themselves, not the 16 bytes they spell."""

    name = "better_auth_scrypt"
    setting_kwds = ("salt",)
    checksum_size = 128
    checksum_chars = uh.LC_HEX_CHARS
    min_salt_size = max_salt_size = 32
    salt_chars = uh.LC_HEX_CHARS
    _hash_regex = _SCRYPT

    @classmethod
    def from_string(cls, stored: str | bytes) -> "BetterAuthScrypt":
        match = _SCRYPT.fullmatch(uh.to_unicode(stored, "ascii", "hash"))
        if match is None:
            raise uh.exc.InvalidHashError(cls)
        return cls(salt=match[1], checksum=match[2])

    def to_string(self) -> str:
        return f"{self.salt}:{self.checksum}"

    def _calc_checksum(self, secret: str | bytes) -> str:
        raw = secret.encode() if isinstance(secret, str) else secret
        # 32 MiB are needed and OpenSSL's default ceiling is exactly that, overhead not counted.
        key = hashlib.scrypt(
            raw, salt=self.salt.encode(), n=16384, r=16, p=1, dklen=64, maxmem=64 * 1024 * 1024
        )
        return key.hex()


class Hasher:
    """What one thread does with one password. Never raises for what a reader typed or a row holds.

    `on_hash` hears "argon2" or "better_auth_scrypt" after each run of that function, on the thread that
    ran it.
    """

    def __init__(self, cost: Cost, on_hash: Callable[[str], None]) -> None:
        self._cost = cost
        self._on_hash = on_hash
        self._context = CryptContext(
            schemes=["argon2", BetterAuthScrypt],
            argon2__type="ID",
            argon2__memory_cost=cost.memory_kib,
            argon2__time_cost=cost.passes,
            argon2__parallelism=cost.lanes,
        )

    def hash(self, normalised: str) -> str:
        return self._make("argon2", normalised)

    def verify(self, raw: str, stored: str | None, *, equalise_scrypt: bool) -> Verdict:
        scheme = None
        if stored is not None and not is_too_long(raw) and _is_usable(raw):
            scheme = self._readable_scheme(stored)
            matched = self._compare(scheme, _normalise(raw), stored) if scheme else None
            if matched:
                return Verdict(ok=True, needs_rehash=self._needs_rehash(stored))
            scheme = None if matched is None else scheme
        self._spend_the_rest(scheme, equalise_scrypt)
        return FAILED

    def _compare(self, scheme: str, normalised: str, stored: str) -> bool | None:
        """`None`: looked like a hash and is none, and no time was spent on it."""
        try:
            matched = self._context.handler(scheme).verify(normalised, stored)
        except ValueError:
            return None
        self._on_hash(scheme)
        return bool(matched)

    def _spend_the_rest(self, spent: str | None, equalise_scrypt: bool) -> None:
        # A failure must cost the same whether the address is unknown, ours or imported, or a stopwatch
        # tells them apart.
        if spent is None or (equalise_scrypt and spent != "argon2"):
            self._make("argon2", "a password that nobody has")
        if equalise_scrypt and spent != BetterAuthScrypt.name:
            self._make(BetterAuthScrypt.name, "a password that nobody has")

    def _make(self, scheme: str, normalised: str) -> str:
        made = str(self._context.handler(scheme).hash(normalised))
        self._on_hash(scheme)
        return made

    def _readable_scheme(self, stored: str | None) -> str | None:
        if stored is None or len(stored) > MAX_STORED_HASH:
            return None
        if _SCRYPT.fullmatch(stored):
            return BetterAuthScrypt.name
        return "argon2" if _affordable(stored) else None

    def _needs_rehash(self, stored: str) -> bool:
        match = _ARGON2.fullmatch(stored)
        if match is None:
            return True
        kind, version, memory, passes = match[1], match[2], int(match[3]), int(match[4])
        cheaper = memory < self._cost.memory_kib or passes < self._cost.passes
        return cheaper or (kind, version) != ("id", "19")


def _affordable(stored: str) -> bool:
    match = _ARGON2.fullmatch(stored)
    if match is None:
        return False
    memory, passes, lanes = int(match[3]), int(match[4]), int(match[5])
    # RFC 9106 3.1: at least one pass, one lane, and 8 KiB for each lane.
    return 1 <= passes <= MAX_PASSES and 1 <= lanes <= MAX_LANES and 8 * lanes <= memory <= MAX_MEMORY_KIB


def _no_observer(_scheme: str) -> None:
    return None


class Passwords:
    """A bounded pool of hashing threads; argon2-cffi and `hashlib.scrypt` let go of the GIL.

    At most `queue_limit` callers wait, each at most `max_wait` seconds; beyond either they get
    `HashingBusy`. A caller that is cancelled while it waits gives its place back. `equalise_scrypt` may
    be set at any time: True while the database holds hashes that a Better Auth server made.
    """

    def __init__(
        self,
        cost: Cost,
        *,
        workers: int | None = None,
        queue_limit: int = QUEUE_LIMIT,
        max_wait: float = MAX_WAIT_S,
        equalise_scrypt: bool = False,
        on_hash: Callable[[str], None] = _no_observer,
    ) -> None:
        size = workers or max(1, os.cpu_count() or 1)
        self.equalise_scrypt = equalise_scrypt
        self._hasher = Hasher(cost, on_hash)
        self._queue_limit = queue_limit
        self._max_wait = max_wait
        self._waiting = 0
        self._running = 0
        self._closed = False
        self._free = asyncio.Semaphore(size)
        self._threads = ThreadPoolExecutor(size, "hashing", initializer=_yield_to_the_event_loop)

    @property
    def waiting(self) -> int:
        return self._waiting

    @property
    def running(self) -> int:
        return self._running

    async def hash(self, normalised: str) -> str:
        """`normalised` is what `check_new_password` returned. Raises `HashingBusy`."""
        return await self._run(lambda: self._hasher.hash(normalised))

    async def verify(self, raw: str, stored: str | None) -> Verdict:
        """Costs a hash whatever it is given, `stored=None` (nobody) included. Raises `HashingBusy`."""
        equalise = self.equalise_scrypt
        return await self._run(lambda: self._hasher.verify(raw, stored, equalise_scrypt=equalise))

    def close(self) -> None:
        """Refuses what still waits; a hash that is being computed runs out on its own."""
        self._closed = True
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[[], T]) -> T:
        await self._take_a_thread()
        future = asyncio.get_running_loop().run_in_executor(self._threads, work)
        future.add_done_callback(self._give_back)
        # A hash cannot be interrupted: when the caller leaves, its thread stays taken until it is done.
        return await asyncio.shield(future)

    async def _take_a_thread(self) -> None:
        if self._free.locked() and self._waiting >= self._queue_limit:
            raise self._busy()
        self._waiting += 1
        try:
            async with asyncio.timeout(self._max_wait):
                await self._free.acquire()
        except TimeoutError:
            raise self._busy() from None
        finally:
            self._waiting -= 1
        if self._closed:
            self._free.release()
            raise self._busy()
        self._running += 1

    def _give_back(self, _done: asyncio.Future[Any]) -> None:
        self._running -= 1
        self._free.release()

    def _busy(self) -> HashingBusy:
        # Everything that waits now is served or refused by then.
        return HashingBusy(retry_after=max(1, math.ceil(self._max_wait)))


def _yield_to_the_event_loop() -> None:
    # Linux gives every thread its own niceness; elsewhere this would slow the whole process.
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
