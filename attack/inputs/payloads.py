"""Bodies: a valid one of an endpoint's own members with changes, or unrelated bytes."""

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Final
from urllib.parse import quote_plus

from attack.inputs import hostile
from attack.judging.manners import CANARY
from bench.scenarios.parsers import TARGETS
from bench.scenarios.slowest import MAX_FRAGMENTS
from bench.stack import PASSWORD, REDIRECT_URI
from broker.oauth.grants import ACCESS_TOKEN, guest, token_exchange

LARGEST: Final = 262_144
"""Bytes: the larger of the two services' limits; one byte more is tried too."""
_GRANTS: Final = ("authorization_code", "refresh_token", guest.GRANT_TYPE, token_exchange.GRANT_TYPE)
_BY_NAME: Final = {target.name: target for target in TARGETS}
_JSON: Final = _BY_NAME["JSON at the chat proxy"]
_FORM: Final = _BY_NAME["form of OAuth"]
_FORM_MARKS: Final = (
    b"%",
    b"%zz",
    b"%00",
    b"%ff",
    b"%C0%AF",
    b"%ED%A0%80",
    b"&",
    b"&&",
    b"=",
    b"+",
    b";",
    b"#",
)


def size(chance: Random) -> int:
    """A number of bytes: mostly small, sometimes at or beyond a limit."""
    edges = (4_096, 16_384, 16_385, 65_536, 65_537, LARGEST, LARGEST + 1)
    return chance.choice(edges) if chance.random() < 0.15 else chance.choice((10, 100, 500, 2_000))


def json_body(chance: Random, members: Sequence[str], tokens: Sequence[str]) -> bytes:
    if chance.random() < 0.1:
        return _repeated(chance)
    most = size(chance)
    pairs = [
        (json.dumps(name).encode(), json.dumps(good(chance, name, tokens)).encode())
        for name in members
        if chance.random() < 0.9
    ]
    for _ in range(chance.choice((0, 1, 1, 1, 2, 3))):
        chance.choice((_replace, _replace, _replace, _repeat, _add, _drop))(chance, pairs, most)
    space = chance.choice((b"", b"", b" ", b"\n", b"\t" * 9, b"\xa0", b"\x00"))
    text = b"{" + (b"," + space).join(name + b":" + space + given for name, given in pairs) + b"}"
    return _spoilt(chance, text) if chance.random() < 0.2 else text


def form_body(chance: Random, members: Sequence[str], tokens: Sequence[str]) -> bytes:
    if chance.random() < 0.1:
        return _of_fragments(chance, _FORM.fragments, (b"", b""))
    most = size(chance)
    pairs = [(name, _encoded(str(good(chance, name, tokens)))) for name in members if chance.random() < 0.9]
    for _ in range(chance.choice((0, 0, 1, 1, 2))):
        name = chance.choice(members) if members and chance.random() < 0.8 else hostile.short(chance, 20)
        given = _encoded(hostile.word(chance, most))
        pairs.insert(chance.randint(0, len(pairs)), (name, given))
        if chance.random() < 0.5:
            # In the other half of the cases the name stays twice.
            pairs = [pair for at, pair in enumerate(pairs) if pair[0] != name or pair[1] is given or at > 40]
    raw = b"&".join(_encoded(name) + b"=" + given for name, given in pairs)
    if chance.random() < 0.15:
        at = chance.randint(0, len(raw))
        raw = raw[:at] + chance.choice(_FORM_MARKS) * chance.choice((1, 40, 2_000)) + raw[at:]
    return raw


def good(chance: Random, name: str, tokens: Sequence[str]) -> Any:
    """A value that the member `name` may have; `tokens` are valid ones of any kind."""
    choices: dict[str, Sequence[Any]] = {
        "name": ("Ada", CANARY),
        "email": (f"{chance.randrange(1 << 40):x}@example.org", "ada@example.org"),
        "password": (PASSWORD, "wrong-password-of-a-reader"),
        "newPassword": (PASSWORD,),
        "currentPassword": ("wrong-password-of-a-reader",),
        "image": ("https://docs.example.org/a.png",),
        "callbackURL": ("/", "https://docs.example.org/a", "https://elsewhere.example/"),
        "rememberMe": (True, False),
        "revokeOtherSessions": (True, False),
        "token": (*tokens, f"{chance.randrange(1 << 120):022x}"[:22]),
        "client_id": ("book", "book", "docs", "gateway"),
        "client_secret": ("a" * 64,),
        "grant_type": _GRANTS,
        "redirect_uri": (REDIRECT_URI,),
        "refresh_token": tokens,
        "code_verifier": ("v" * 43,),
        "scope": ("chat", "chat history", "history"),
        "subject_token": tokens,
        "subject_token_type": (ACCESS_TOKEN, token_exchange.SESSION_TOKEN),
        "requested_token_type": (ACCESS_TOKEN,),
        "message": ("How often does the station record a value?", CANARY),
        "session_id": ("s1", "s2", f"s{chance.randrange(99)}"),
        "mode": ("normal", "selection_only"),
        "selected_text": ("The station records a value every ten minutes.",),
        "rating": ("helpful", "not_helpful", None),
    }
    return chance.choice(choices.get(name, (f"{chance.randrange(1 << 60):x}",)))


Pairs = list[tuple[bytes, bytes]]


def _replace(chance: Random, pairs: Pairs, most: int) -> None:
    if pairs:
        at = chance.randrange(len(pairs))
        pairs[at] = pairs[at][0], hostile.value(chance, most)


def _repeat(chance: Random, pairs: Pairs, most: int) -> None:
    if pairs:
        pairs.append((chance.choice(pairs)[0], hostile.value(chance, most)))


def _add(chance: Random, pairs: Pairs, most: int) -> None:
    name = json.dumps(hostile.word(chance, min(most, 400))).encode()
    pairs.insert(chance.randint(0, len(pairs)), (name, hostile.value(chance, most)))


def _drop(chance: Random, pairs: Pairs, _: int) -> None:
    if pairs:
        del pairs[chance.randrange(len(pairs))]


def _repeated(chance: Random) -> bytes:
    return _of_fragments(chance, _JSON.fragments, chance.choice(tuple(_JSON.around)))


def _of_fragments(chance: Random, fragments: Sequence[bytes], around: tuple[bytes, bytes]) -> bytes:
    unit = b"".join(chance.choices(tuple(fragments), k=chance.randint(1, MAX_FRAGMENTS)))
    return around[0] + unit * max(1, size(chance) // len(unit)) + around[1]


def _encoded(text: str) -> bytes:
    return quote_plus(text).encode()


def _truncated(chance: Random, raw: bytes) -> bytes:
    return raw[: chance.randint(0, len(raw))]


def _flipped(chance: Random, raw: bytes) -> bytes:
    changed = bytearray(raw)
    for _ in range(chance.choice((1, 1, 3, 20))):
        if changed:
            changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed)


def _followed(chance: Random, raw: bytes) -> bytes:
    return raw + chance.choice((b"x", b"{}", b"\n\n", b",", b"\x00", b"null", raw))


def _preceded(chance: Random, raw: bytes) -> bytes:
    return chance.choice((b"\xef\xbb\xbf", b"\n" * 40, b"\x00", b")]}',\n", b"[", b"/**/")) + raw


def _in_another_encoding(chance: Random, raw: bytes) -> bytes:
    encoding = chance.choice(("utf-16", "utf-16-le", "utf-32", "utf-7", "latin-1"))
    return raw.decode(errors="replace").encode(encoding, errors="replace")


def _as_a_member(_: Random, raw: bytes) -> bytes:
    return b"[" + raw + b"]"


SPOILERS: Final[tuple[Callable[[Random, bytes], bytes], ...]] = (
    *(_truncated, _flipped, _followed, _preceded, _in_another_encoding, _as_a_member),
)


def _spoilt(chance: Random, raw: bytes) -> bytes:
    return chance.choice(SPOILERS)(chance, raw)
