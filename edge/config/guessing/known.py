"""Public secrets: those of published lists, hashes of words, and the digits of known numbers."""

import hashlib
import itertools
import re
from bisect import bisect_left
from collections.abc import Iterator
from decimal import Decimal, localcontext
from functools import cache
from importlib.resources import files
from typing import Final

from zxcvbn.frequency_lists import FREQUENCY_LISTS

from edge.config.guessing import readings

_HASHES: Final = ((16, hashlib.md5), (20, hashlib.sha1), (32, hashlib.sha256), (64, hashlib.sha512))
_COMPUTING: Final = [
    "api",
    "api-key",
    "apikey",
    "auth",
    "backend",
    "chatgate",
    "docker",
    "foo",
    "foobar",
    "frontend",
    "hello-world",
    "hmac",
    "jwt",
    "jwt-key",
    "jwt-secret",
    "jwt_secret",
    "jwtsecret",
    "localhost",
    "my-secret",
    "mysecret",
    "my-secret-key",
    "mysecretkey",
    "nextauth",
    "node",
    "oauth",
    "postgres",
    "redis",
    "secret-key",
    "secret_key",
    "secretkey",
    "session-secret",
    "super-secret",
    "supersecret",
    "todo",
    "token-secret",
    "webhook",
    "your-secret-key",
    "",
    "Hello World",
    "hello world",
    "Hello, World!",
]
_ENDINGS: Final = ("1", "12", "123", "1234", "12345", "!", "123!", "2023", "2024", "2025", "2026")
MIN_DIGITS: Final = 24
DIGITS: Final = 300
FINGERPRINT: Final = 6
"""Octets of each entry of published.bin, which are sorted; generators/published_secrets.py writes them."""
_MANY: Final = 2_000
"""The number of most used passwords that are hashed with an ending, too."""


def is_published(secret: str) -> bool:
    """Return True if one of published.txt is part of it, or if it is one of published.bin."""
    written = secret.lower()
    if any(one in written for one in _published()):
        return True
    return is_in(_fingerprints(), secret)


def is_in(table: bytes, secret: str) -> bool:
    """Return True if the table, of sorted fingerprints, has that of the secret."""
    sought = fingerprint(secret)
    places = range(0, len(table), FINGERPRINT)
    at = bisect_left(places, sought, key=lambda place: table[place : place + FINGERPRINT])
    return at < len(places) and table[places[at] : places[at] + FINGERPRINT] == sought


def fingerprint(secret: str) -> bytes:
    """The first octets of the SHA-256 of the secret in small letters, without Laravel's `base64:`.

    One unpublished secret in ten thousand million has a fingerprint of the table by chance."""
    return hashlib.sha256(secret.lower().removeprefix("base64:").rstrip("=").encode()).digest()[:FINGERPRINT]


def is_digest_of_a_word(secret: str) -> bool:
    return any(raw in _digests_of_words(len(raw)) for raw in readings.octets(secret))


def is_known_number(secret: str) -> bool:
    """Return True if its digits are those of a number such as pi, or of a well-known series."""
    if re.search("[A-Za-z]", secret):
        return False
    digits = re.sub("[^0-9]", "", secret)
    return len(digits) >= MIN_DIGITS and any(digits in number for number in _numbers())


@cache
def _numbers() -> tuple[str, ...]:
    """The digits of each number: as many as are compared with a secret."""
    with localcontext() as context:
        context.prec = DIGITS
        roots = [Decimal(square).sqrt() for square in (2, 3, 5)]
        found = [*roots, (1 + roots[2]) / 2, Decimal(1).exp(), _pi()]
    fibonacci = [1, 1]
    while len(fibonacci) < DIGITS:
        fibonacci.append(fibonacci[-2] + fibonacci[-1])
    primes = [one for one in range(2, DIGITS) if all(one % other for other in range(2, one))]
    series = [fibonacci, primes, [2**one for one in range(DIGITS)], [one * one for one in range(DIGITS)]]
    series.append(list(range(DIGITS)))
    written = ["".join(map(str, some)) for some in series]
    return (*(str(number).replace(".", "") for number in found), *written)


def _pi() -> Decimal:
    """Pi by Machin's formula, in the precision of the context."""

    def arctan_of_inverse(number: int) -> Decimal:
        terms = (
            Decimal((-1) ** step) / ((2 * step + 1) * number ** (2 * step + 1)) for step in itertools.count()
        )
        return sum(itertools.islice(terms, DIGITS), Decimal(0))

    return 16 * arctan_of_inverse(5) - 4 * arctan_of_inverse(239)


@cache
def _published() -> tuple[str, ...]:
    lines = (files("edge.config.guessing") / "published.txt").read_text(encoding="utf-8").splitlines()
    return tuple(line.rstrip("=").lower() for line in lines if line and not line.startswith("#"))


@cache
def _fingerprints() -> bytes:
    return (files("edge.config.guessing") / "published.bin").read_bytes()


@cache
def _digests_of_words(size: int) -> frozenset[bytes]:
    """The digests of `size` bytes; none where no hash has that size."""
    hashes = [make for made, make in _HASHES if made == size]
    return frozenset(make(word.encode()).digest() for make in hashes for word in _words())


def _words() -> Iterator[str]:
    for listed in FREQUENCY_LISTS.values():
        yield from listed
    for word in (*_COMPUTING, *FREQUENCY_LISTS["passwords"][:_MANY]):
        for written in (word, word.title(), word.upper()):
            yield written
            for ending in _ENDINGS:
                yield written + ending
