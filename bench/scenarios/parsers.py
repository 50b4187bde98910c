"""Scenario `parsers`: the worst input of the largest size for each parser that works on an event loop."""

from collections import deque
from collections.abc import Iterator
from typing import Any, Final

from bench.figures import Figure
from bench.scenarios.slowest import Target, search
from bench.stack import Stack
from broker.accounts import passwords
from broker.endpoints import forms
from broker.endpoints.better_auth import bodies
from broker.sessions import cookies
from chat_proxy.backends import native
from chat_proxy.questions import messages, texts
from edge.http import body_limit
from edge.http.client_address import client_address, networks
from edge.server.http1 import framing
from edge.server.http1.framing import MAX_HEAD
from tokens import strict_json
from tokens.dpop import MAX_PROOF, Proofs
from tokens.nonces import Nonces

NAME: Final = "parsers"
BOUND_MS: Final = 2.0
"""Time for which the worst body of the largest size may block the event loop; other readers wait twice as
long."""
TRIES: Final = 300
QUICK: Final = 20

_JSON: Final = (
    *(b"{}", b"[]", b"[", b"{", b"]", b"}", b",", b":", b'"', b'""', b"\\", b'\\"', b"\\\\", b"\\n", b" "),
    *(b'"a"', b'"a":', b'"a":1,', b'"",', b"{},", b"[],", b"1,", b"1.5,", b"1e9,", b"true,", b"null,", b"9"),
    *(b"\\u0041", b"\\ud83d\\ude00", b"\\u200b", b"\\u00a0", b"\\r\\n"),
    *(
        text.encode()
        for text in ("a", "é", "\u0301", "\u0327", "\u200b", "\xa0", "\uac01", "\u1161", "😀", "ﷺ")
    ),
)
_WIDTHS: Final = {
    # Letters and marks by the bytes of their code points, so that a size is a number of code points. Each
    # kind has those that cost most to sort, to decompose and to compose.
    2: (
        "\xe9",
        "\u03b1",
        "\u03c9\u0313\u0342\u0345",
        "\u0301",
        "\u0316",
        "\u0327",
        "\u0345",
        "\u0344",
        "\u0385",
    ),
    3: (
        *("\u1fa6", "\u304b\u3099", "\uf900", "\u8c48", "\uac00\u11a8", "\u1112\u1161\u11ab", "\u0f40\u0f73"),
        *("\u0f73", "\u0f71", "\u0958", "\u09c7\u09be", "\u1161", "\ufb2c", "\u200d", "\ufdfa"),
    ),
    4: ("\U0001f600", "\U0001d164", "\U00011099\U000110ba", "\U0002f800", "\U0001e94a", "\U000e0100"),
}
_PASSWORD: Final = tuple(
    text.encode() for text in ("\u0f73", "\u302a", "\u3099", "\ufdfa", "\u1fa6", "\uf900", "\uff21")
)
_FORM: Final = (b"a", b"=", b"&", b"%", b"%41", b"%e9", b"%C3%A9", b"+", b"a=b&", b"&&", b";", b"email=")
_HEADER: Final = (
    b"A: b\r\n",
    b"a:\r\n",
    b"\r\n",
    b"\r",
    b"\n",
    b":",
    b" ",
    b"\t",
    b"a",
    b"Host: a\r\n",
    b"\xff",
)
_HEADER_AROUND: Final = (b"GET / HTTP/1.1\r\nHost: a\r\n", b"\r\n\r\n")
_COOKIE: Final = (b";", b"=", b" ", b"a", b"; ", b"a=b; ", b"better-auth.session_token=a.b; ", b"%41", b".")
_EVENTS: Final = (
    *(b"\n", b"\r", b"\r\n", b":", b"data", b"data:", b"data: \n", b"event: delta\n", b"\n\n", b" ", b"\xff"),
    *(b"a:b\n", b'event: delta\ndata: {"text":""}\n\n', b"data:{}\n\n", b"event: delta\ndata:{}\n\n"),
)
_PROOF: Final = (b"a", b".", b"=", b"-", b"eyJ", b"e30", b"W3", b"e30.e30.", b"AAAA", b"\xff")


def _question(raw: bytes) -> Iterator[None]:
    value = strict_json.loads(raw)
    yield from messages.parse(value)


def _password(raw: bytes) -> str:
    return passwords.check_new_password(raw.decode())


def _form(raw: bytes) -> Any:
    return bodies._form(raw)


def _chunks(raw: bytes) -> int:
    return framing.Body(framing.Framing(0, is_chunked=True, origin=None)).take(raw)


def _cookies(raw: bytes) -> Any:
    found = cookies.values(raw.decode("latin-1"), "better-auth.session_token")
    return [cookies.verify_token(value, bytes(32)) for value in found[:2]]


def _forwarded(raw: bytes) -> Any:
    return client_address("127.0.0.1", raw.decode("latin-1"), networks(["127.0.0.0/8"]))


def _unsaid(_: str) -> None:
    """Drops the reason for an answer that cannot be read; the proxy would log it."""


def _document(raw: bytes) -> Any:
    document = native.Document(_unsaid)
    document.feed(raw)
    return document.close()


def _proof(raw: bytes) -> Any:
    proofs = Proofs(Nonces([bytes(32)]))
    return proofs.verify(raw.decode("latin-1"), method="POST", uri="http://a/chat", now=0)


MESSAGE: Final = (b'{"message":"', b'"}')
SELECTION: Final = (b'{"message":"a","selected_text":"', b'"}')
ARRAY: Final = (b"[", b"0]")
OBJECT: Final = (b"{", b'"z":0}')
NOTHING: Final = (b"", b"")
_JSON_AROUND: Final = (MESSAGE, SELECTION, ARRAY, OBJECT, NOTHING)


def _selection(width: int) -> Target:
    """A selection of as many code points as may be composed. It yields to others, so the longest turn
    counts."""
    size = width * texts.COMPOSED_FROM * messages.MAX_SELECTION
    fragments = tuple(text.encode() for text in _WIDTHS[width])
    return Target(f"selection of {width} bytes a letter", size, _question, fragments, (SELECTION,))


def _all_turns(width: int) -> Target:
    one = _selection(width)
    return Target(
        f"{one.name}, all turns",
        one.size,
        lambda raw: deque(_question(raw), maxlen=0),
        one.fragments,
        one.around,
        is_bounded=False,
    )


TARGETS: Final = (
    Target("JSON at the chat proxy", body_limit.MAX_BODY, _question, _JSON, _JSON_AROUND),
    *(_selection(width) for width in _WIDTHS),
    *(_all_turns(width) for width in _WIDTHS),
    Target("new password", passwords.MAX_LENGTH * 3, _password, _PASSWORD),
    Target("JSON at the broker", bodies.MAX_BODY, strict_json.loads, _JSON, _JSON_AROUND),
    Target("form at the broker", forms.MAX_BYTES, _form, _FORM),
    Target("form of OAuth", forms.MAX_BYTES, forms.parse, _FORM),
    Target("header", MAX_HEAD, framing.judge, _HEADER, (_HEADER_AROUND, NOTHING)),
    Target(
        "chunks", body_limit.MAX_BODY, _chunks, (b"1\r\na\r\n", b"0", b"\r\n", b"a\r\n", b"00000001\r\na\r\n")
    ),
    Target("cookies", MAX_HEAD, _cookies, _COOKIE),
    Target("X-Forwarded-For", MAX_HEAD, _forwarded, (b",", b"127.0.0.1,", b"::1,", b"a", b" ", b"%")),
    Target("DPoP proof", MAX_PROOF, _proof, _PROOF),
    Target(
        "events of a backend", 65_536, lambda raw: native.Events(_unsaid).feed(raw), _EVENTS, is_bounded=False
    ),
    Target(
        "JSON of a backend",
        262_144,
        _document,
        _JSON,
        ((b'{"response":"', b'"}'), ARRAY, NOTHING),
        is_bounded=False,
    ),
)


def run(_: Stack, *, quick: bool) -> Iterator[Figure]:
    for target in TARGETS:
        found = search(target, QUICK if quick else TRIES, seed=1)
        yield Figure(
            NAME,
            f"{target.name}, {target.size:,} bytes of {found.unit!r}",
            found.seconds * 1000,
            "ms",
            BOUND_MS if target.is_bounded else None,
        )
