"""Accounts: the record, the rules about its text, and the interface of its store.

The record is Better Auth's `user` row and what is kept here beside it, so that one database can serve
both. Readers without an account (guests) never reach this module.
"""

import re
import secrets
import string
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final, Protocol

ID_LENGTH: Final = 32
"""32 of 62 symbols are 190 bits, the shape of Better Auth's own row ids."""

MAX_EMAIL: Final = 254
"""RFC 5321 4.5.3.1.3 allows a path of 256 octets, two of which are the angle brackets."""

MAX_NAME: Final = 256
MAX_IMAGE: Final = 2048

_ID_ALPHABET: Final = string.ascii_letters + string.digits

# The address shapes that Better Auth takes (zod 4, `regexes.email`), so that neither side makes an
# account that the other one cannot sign in to. ASCII on both sides of the `@`: NFC then changes nothing,
# and no two spellings of an address look alike.
_EMAIL_PATTERN: Final = re.compile(
    r"[\w'+-]+(?:\.[\w'+-]+)*(?<!')@(?:[a-z0-9][a-z0-9-]*\.)+[a-z]{2,}", re.ASCII | re.IGNORECASE
)


class AccountsError(Exception):
    """Base of the errors about accounts; `code` is stable, the message may be shown."""

    code = "ACCOUNTS_ERROR"


class AccountsUnavailable(AccountsError):
    """The store did not answer, or not in time. A write may or may not have happened."""

    code = "ACCOUNTS_UNAVAILABLE"


class NoTables(AccountsUnavailable):
    """The database lacks a table, as before the first start of a broker."""


class InvalidEmail(AccountsError):
    code = "INVALID_EMAIL"


class InvalidProfile(AccountsError):
    code = "INVALID_PROFILE"


class Unset(Enum):
    """Distinguishes "leave it as it is" from `None`, which removes the value."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET


@dataclass(frozen=True, slots=True)
class Account:
    """`id` is the `sub` of tokens; `email` is in normalised form; times are UTC with milliseconds.

    `ban_expires` is of bans by a Better Auth server; one of ours lasts until it is lifted. `two_factor`:
    that server asks this reader for more than a password.
    """

    id: str
    name: str
    email: str
    email_verified: bool
    image: str | None
    created_at: datetime
    updated_at: datetime
    is_anonymous: bool = False
    tier: str | None = None
    banned: bool = False
    ban_expires: datetime | None = None
    two_factor: bool = False

    def is_banned(self, now: datetime) -> bool:
        return self.banned and (self.ban_expires is None or self.ban_expires > now)


@dataclass(frozen=True, slots=True)
class Credential:
    """An account and its stored password hash; `None` when it has no password."""

    account: Account
    password_hash: str | None


class Readers(Protocol):
    """The data that the chat proxy keeps about a reader, at all sites."""

    async def forget(self, sub: str) -> None:
        """Delete the conversations, and erase the texts in the ratings that the sites' operators have.

        Raises StoreUnavailable when Redis gave no sure answer; then some of it may be left.
        """


class Accounts(Protocol):
    """Every call ends within the store's deadline, with `AccountsUnavailable` if it cannot do better."""

    async def by_email(self, email: str) -> Credential | None:
        """`email` is the normalised form."""

    async def by_id(self, account_id: str) -> Credential | None: ...

    async def create(self, account: Account, password_hash: str | None) -> Account | None:
        """The account with the id that its row has, which the database may choose. None: the address is
        taken. Exactly one of several calls for one address gets an account."""

    async def update_profile(
        self, account_id: str, *, name: str | None, image: str | Unset | None, now: datetime
    ) -> Account | None:
        """`name=None` and `image=UNSET` leave the value. Raises `InvalidProfile`; `None`: no such account."""

    async def replace_password(self, account_id: str, *, old_hash: str, new_hash: str, now: datetime) -> bool:
        """Compare and set: False when `old_hash` is no longer stored, so of two changes one loses."""

    async def delete(self, account_id: str) -> bool:
        """True when there was such an account."""

    async def set_banned(self, account_id: str, banned: bool) -> bool:
        """False: no such account. A ban by a Better Auth server stays."""

    async def set_tier(self, account_id: str, tier: str | None) -> bool:
        """False: no such account."""

    async def page(self, after_email: str, limit: int) -> list[Account]:
        """At most `limit` accounts whose address sorts after `after_email` ("" for the first page)."""

    async def has_scrypt(self) -> bool:
        """Return True if any stored hash is in Better Auth's own format."""

    async def ready(self) -> None:
        """Raises `AccountsUnavailable` when accounts cannot be read as this module lays them out."""


def new_id(random_bytes: Callable[[int], bytes] = secrets.token_bytes) -> str:
    """32 letters and digits, each equally likely."""
    size = len(_ID_ALPHABET)
    # A byte above the largest multiple of 62 would favour the first letters, so it is discarded.
    fair = 256 - 256 % size
    letters: list[str] = []
    while len(letters) < ID_LENGTH:
        letters += [_ID_ALPHABET[byte % size] for byte in random_bytes(ID_LENGTH) if byte < fair]
    return "".join(letters[:ID_LENGTH])


def normalise_email(raw: str) -> str:
    """The one form in which an address is stored and looked up: lower-cased ASCII, at most 254 characters.

    Nothing is stripped: an address with a space at either end is refused, as Better Auth does. Raises
    `InvalidEmail`.
    """
    if not is_email(raw):
        raise InvalidEmail("Invalid email")
    return raw.lower()


def is_email(raw: str) -> bool:
    return len(raw) <= MAX_EMAIL and _EMAIL_PATTERN.fullmatch(raw) is not None


def check_name(raw: str) -> str:
    """A display name of at most 256 code points; raises `InvalidProfile`."""
    return _profile_text(raw, "name", MAX_NAME)


def check_image(raw: str) -> str:
    """A picture's address of at most 2,048 code points; raises `InvalidProfile`."""
    return _profile_text(raw, "image", MAX_IMAGE)


def can_be_stored(text: str) -> bool:
    """Return False for a NUL, which Postgres refuses, and for half of a surrogate pair, which every database
    refuses."""
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def to_millisecond(moment: datetime) -> datetime:
    """Round down to Better Auth's milliseconds: a finer time would not come back as it was stored."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _profile_text(raw: str, field: str, limit: int) -> str:
    if len(raw) > limit:
        raise InvalidProfile(f"{field} is longer than {limit} characters")
    if not can_be_stored(raw):
        raise InvalidProfile(f"{field} has a character that cannot be stored")
    return raw
