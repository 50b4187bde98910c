"""Passwords: the rules for new ones, how they are hashed, and how many are hashed at once.

New hashes are argon2id where the database is the broker's own. Where a Better Auth server uses it they are
the scrypt that it reads. Text is normalised to NFKC before it is hashed, as in Better Auth, so a password
typed on two keyboards is the same.
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

from broker.accounts.hashing_queue import MAX_WAITING, Asker, NoTurn, Turns
from broker.accounts.memory import give_back
from broker.accounts.password_hashes import ARGON2, SCRYPT, Cost, context_for, needs_rehash, readable_scheme

MIN_LENGTH: Final = 8
MAX_LENGTH: Final = 128
"""Both in UTF-16 code units of the text as it was sent, before NFKC: `String.length` in Better Auth."""

MAX_WAIT_S: Final = 8.0
NICENESS: Final = 10
REST_S: Final = 1.0
"""Seconds without a hash after which the memory of the last ones is given back. If that happened after each
hash, the next one would cost half as much again, as its pages would all be new."""

T = TypeVar("T")


class PasswordRefused(Exception):
    """Base of the reasons to refuse a new password; `code` is stable, the message may be shown."""

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
    """The passwords, NFKC and case-folded. The first line of the file names its source and licence."""
    lines = Path(__file__).with_name("common_passwords.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(lines[1:])


def check_new_password(raw: str) -> str:
    """The NFKC form, ready to be hashed; raises the `PasswordRefused` that names the fault."""
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
    """Used at sign-in too, where Better Auth answers PASSWORD_TOO_LONG before it hashes anything."""
    # A code point has one or two units, so a password of megabytes is refused before its units are counted.
    return len(raw) > MAX_LENGTH or _utf16_units(raw) > MAX_LENGTH


def _utf16_units(raw: str) -> int:
    return len(raw) + sum(letter > "\uffff" for letter in raw)


def _is_usable(raw: str) -> bool:
    return "\0" not in raw and not any("\ud800" <= letter <= "\udfff" for letter in raw)


def _normalise(raw: str) -> str:
    return unicodedata.normalize("NFKC", raw)


class Hasher:
    """Hashes and compares passwords on one thread. Never raises for a reader's input or a row's content.

    `scheme`, ARGON2 or SCRYPT, is that of new hashes.

    `on_hash` is called with "argon2" or "better_auth_scrypt" after each run of that function, on the thread
    that ran it.
    """

    def __init__(self, cost: Cost, scheme: str, on_hash: Callable[[str], None]) -> None:
        self._cost = cost
        self._scheme = scheme
        self._on_hash = on_hash
        self._context = context_for(cost)

    def hash(self, normalised: str) -> str:
        return self._make(self._scheme, normalised)

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
        """`None`: it looked like a hash and is none, and no time was spent on it."""
        try:
            matched = self._context.handler(scheme).verify(normalised, stored)
        except ValueError:
            return None
        self._on_hash(scheme)
        return bool(matched)

    def _spend_the_rest(self, spent: str | None, equalise_scrypt: bool) -> None:
        # A failure must take the same time whether the address is unknown, has our hash or an imported one;
        # otherwise a client could tell these apart by timing.
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
    """A bounded pool of hashing threads; argon2-cffi and `hashlib.scrypt` release the GIL.

    Callers wait in broker.accounts.hashing_queue, each at most `max_wait` seconds; beyond that, or beyond
    their share, they get `HashingBusy`. A caller that is cancelled while it waits gives its place back.
    `scheme` is that of new hashes. `equalise_scrypt` may be set at any time: True while the database holds
    scrypt hashes that are not made here.
    """

    def __init__(
        self,
        cost: Cost,
        *,
        scheme: str = ARGON2,
        workers: int | None = None,
        queue_limit: int = MAX_WAITING,
        max_wait: float = MAX_WAIT_S,
        equalise_scrypt: bool = False,
        on_hash: Callable[[str], None] = _no_observer,
    ) -> None:
        size = workers or max(1, os.cpu_count() or 1)
        self.equalise_scrypt = equalise_scrypt
        self._scheme = scheme
        self._hasher = Hasher(cost, scheme, on_hash)
        self._max_wait = max_wait
        self._refused = 0
        self._closed = False
        self._rest: asyncio.TimerHandle | None = None
        self._size = size
        self._turns = Turns(size, limit=queue_limit)
        self._threads = ThreadPoolExecutor(size, "hashing", initializer=_yield_to_the_event_loop)

    @property
    def waiting(self) -> int:
        return self._turns.waiting

    @property
    def running(self) -> int:
        return self._turns.running

    @property
    def refused(self) -> int:
        """The number of calls that got `HashingBusy` so far."""
        return self._refused

    async def hash(self, normalised: str, asker: Asker) -> str:
        """`normalised` is what `check_new_password` returned. Raises `HashingBusy`."""
        return await self._run(asker, lambda: self._hasher.hash(normalised))

    async def rehash(self, raw: str, asker: Asker) -> str:
        """A new hash of a password that was just verified; the rules for new passwords do not apply to it."""
        return await self.hash(_normalise(raw), asker)

    async def verify(self, raw: str, stored: str | None, asker: Asker) -> Verdict:
        """Takes the time of a hash for any input, also `stored=None` (unknown address). Raises
        `HashingBusy`."""
        equalise = self.equalise_scrypt or self._scheme == SCRYPT
        return await self._run(asker, lambda: self._hasher.verify(raw, stored, equalise_scrypt=equalise))

    def close(self) -> None:
        """Refuse the calls that wait; a hash that is being computed runs to its end."""
        self._closed = True
        self._turns.refuse_all()
        if self._rest is not None:
            self._rest.cancel()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, asker: Asker, work: Callable[[], T]) -> T:
        if self._closed:
            raise self._busy()
        try:
            await self._turns.take(asker, self._max_wait)
        except NoTurn:
            raise self._busy() from None
        if self._closed:
            self._turns.give_back()
            raise self._busy()
        future = asyncio.get_running_loop().run_in_executor(self._threads, work)
        future.add_done_callback(self._give_back)
        # A hash cannot be interrupted: when its caller is cancelled, the thread stays busy until it is done.
        return await asyncio.shield(future)

    def _give_back(self, _done: asyncio.Future[Any]) -> None:
        self._turns.give_back()
        if self._rest is not None:
            self._rest.cancel()
        if not self._closed:
            self._rest = asyncio.get_running_loop().call_later(REST_S, self._at_rest)

    def _at_rest(self) -> None:
        if self.running == 0:
            together = threading.Barrier(self._size)
            for _ in range(self._size):
                self._threads.submit(give_back, together)

    def _busy(self) -> HashingBusy:
        self._refused += 1
        # All calls that wait now are served or refused by then.
        return HashingBusy(retry_after=max(1, math.ceil(self._max_wait)))


def _yield_to_the_event_loop() -> None:
    # On Linux each thread has its own niceness; elsewhere this would slow the whole process.
    if sys.platform == "linux":
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
