"""Requests that end sessions, tokens or the account of a reader, and the reach of each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from attack.racing.racer import COOKIE, OAUTH, SECOND, Racer, Source, bearer
from bench.http1 import request
from bench.oauth import form
from bench.stack import PAGE


@dataclass(frozen=True, slots=True)
class End:
    """`ended` are the sources whose sessions are over, with all their tokens; `token` is set if the request
    ends that one token alone."""

    name: str
    raw: bytes
    ended: frozenset[str]
    token: str = ""
    deletes: bool = False

    def covers(self, source: str, used: str) -> bool:
        return source in self.ended or (self.token != "" and used == self.token)


Make = Callable[[Racer], End]
ALL: Final = frozenset({COOKIE, SECOND, OAUTH})


def _by_cookie(racer: Racer, path: str) -> bytes:
    reader = racer.sources[COOKIE].reader
    assert reader is not None  # noqa: S101
    return request("POST", path, {}, {"Cookie": reader.cookie, "Origin": PAGE})


def sign_out(racer: Racer) -> End:
    return End("sign-out", _by_cookie(racer, "/api/auth/sign-out"), frozenset({COOKIE}))


def revoke(racer: Racer) -> End:
    return End("revoke", _by_cookie(racer, "/auth/revoke"), frozenset({COOKIE}))


def revoke_sessions(racer: Racer) -> End:
    return End("revoke-sessions", _by_cookie(racer, "/api/auth/revoke-sessions"), ALL)


def revoke_others(racer: Racer) -> End:
    raw = _by_cookie(racer, "/api/auth/revoke-other-sessions")
    return End("revoke-other-sessions", raw, ALL - {COOKIE})


def delete_user(racer: Racer) -> End:
    return End("delete-user", _by_cookie(racer, "/api/auth/delete-user"), ALL, deletes=True)


def revoke_token(racer: Racer) -> End:
    running = [one.used for one in racer.streams if one.source == COOKIE]
    token = racer.chance.choice([racer.sources[COOKIE].tokens[-1], *running])
    # The request has no cookie: the broker would revoke the cookie's session instead.
    return End("revoke a token", request("POST", "/auth/revoke", {}, bearer(token)), frozenset(), token)


def revoke_refresh(racer: Racer) -> End:
    client = racer.sources[OAUTH].client
    assert client is not None  # noqa: S101
    raw = form("/oauth2/revoke", {"client_id": "docs", "token": client.refresh_token}, {"Origin": PAGE})
    return End("revoke a refresh token", raw, frozenset({OAUTH}))


ENDS: Final[tuple[Make, ...]] = (
    *(
        sign_out,
        revoke,
        revoke_sessions,
        revoke_others,
        delete_user,
        delete_user,
        revoke_token,
        revoke_refresh,
    ),
)


def still_good(source: Source) -> bytes:
    """A request that succeeds only if a browser's session is alive."""
    assert source.reader is not None  # noqa: S101
    return source.reader.token_request()


def introspection(token: str, basic: str) -> bytes:
    return form("/oauth2/introspect", {"token": token}, {"Authorization": f"Basic {basic}"})
