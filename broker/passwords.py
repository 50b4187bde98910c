"""Passwords: which ones are good, how they are hashed, and how many are hashed at once.

New hashes are argon2id. Hashes that a Better Auth server stored (scrypt) are read, never made. Text is
NFKC before anything is hashed, as in Better Auth, so one password typed on two keyboards is one password.
"""

import asyncio
import math
import os
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

from broker.memory import give_back
from broker.password_hashes import (
    ARGON2,
    SCRYPT,
    Cost,
    context_for,
    needs_rehash,
    readable_scheme,
)

MIN_LENGTH: Final = 8
MAX_LENGTH: Final = 128
"""Both in UTF-16 code units of the text as it was sent, before NFKC: `String.length` in Better Auth."""

QUEUE_LIMIT: Final = 128
MAX_WAIT_S: Final = 8.0
NICENESS: Final = 10
REST_S: Final = 1.0
"""Seconds without a hash after which the memory of the last ones is given back. After each one it would make
the next half as dear again, as its pages would all be new."""

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


class Hasher:
    """What one thread does with one password. Never raises for what a reader typed or a row holds.

    `on_hash` hears "argon2" or "better_auth_scrypt" after each run of that function, on the thread that
    ran it.
    """

    def __init__(self, cost: Cost, on_hash: Callable[[str], None]) -> None:
        self._cost = cost
        self._on_hash = on_hash
        self._context = context_for(cost)

    def hash(self, normalised: str) -> str:
        return self._make(ARGON2, normalised)

    def verify(self, raw: str, stored: str | None, *, equalise_scrypt: bool) -> Verdict:
        scheme = None
        if stored is not None and not is_too_long(raw) and _is_usable(raw):
            scheme = readable_scheme(stored)
            matched = self._compare(scheme, _normalise(raw), stored) if scheme else None
            if matched:
                return Verdict(ok=True, needs_rehash=needs_rehash(stored, self._cost))
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
        if spent is None or (equalise_scrypt and spent != ARGON2):
            self._make(ARGON2, "a password that nobody has")
        if equalise_scrypt and spent != SCRYPT:
            self._make(SCRYPT, "a password that nobody has")

    def _make(self, scheme: str, normalised: str) -> str:
        made = str(self._context.handler(scheme).hash(normalised))
        self._on_hash(scheme)
        return made


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
        self._refused = 0
        self._closed = False
        self._rest: asyncio.TimerHandle | None = None
        self._size = size
        self._free = asyncio.Semaphore(size)
        self._threads = ThreadPoolExecutor(size, "hashing", initializer=_yield_to_the_event_loop)

    @property
    def waiting(self) -> int:
        return self._waiting

    @property
    def running(self) -> int:
        return self._running

    @property
    def refused(self) -> int:
        """How many got `HashingBusy` so far."""
        return self._refused

    async def hash(self, normalised: str) -> str:
        """`normalised` is what `check_new_password` returned. Raises `HashingBusy`."""
        return await self._run(lambda: self._hasher.hash(normalised))

    async def rehash(self, raw: str) -> str:
        """A new hash of a password that was just verified; the rules for new ones are not asked of it."""
        return await self.hash(_normalise(raw))

    async def verify(self, raw: str, stored: str | None) -> Verdict:
        """Costs a hash whatever it is given, `stored=None` (nobody) included. Raises `HashingBusy`."""
        equalise = self.equalise_scrypt
        return await self._run(lambda: self._hasher.verify(raw, stored, equalise_scrypt=equalise))

    def close(self) -> None:
        """Refuses what still waits; a hash that is being computed runs out on its own."""
        self._closed = True
        if self._rest is not None:
            self._rest.cancel()
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
        if self._rest is not None:
            self._rest.cancel()
        if not self._closed:
            self._rest = asyncio.get_running_loop().call_later(REST_S, self._at_rest)

    def _at_rest(self) -> None:
        if self._running == 0:
            together = threading.Barrier(self._size)
            for _ in range(self._size):
                self._threads.submit(give_back, together)

    def _busy(self) -> HashingBusy:
        self._refused += 1
        # Everything that waits now is served or refused by then.
        return HashingBusy(retry_after=max(1, math.ceil(self._max_wait)))


def _yield_to_the_event_loop() -> None:
    # Linux gives every thread its own niceness; elsewhere this would slow the whole process.
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
