"""The challenges of refused requests: `WWW-Authenticate` in the request's scheme, and the nonce for DPoP.

RFC 6750 3, RFC 9449 7.1, 8 and 9, RFC 9728 5.1: each challenge names the document that tells clients which
broker's tokens this proxy takes.
"""

from collections.abc import Callable
from typing import Final

from starlette.responses import Response
from starlette.types import Scope

from edge.http import authorization
from edge.http.cors import Field
from edge.http.problems import Problem
from tokens.dpop import ALGORITHMS, UNTIMELY
from tokens.nonces import Nonces

METADATA: Final = "/.well-known/oauth-protected-resource"
"""RFC 9728 3.1: the document's path, for a resource whose address has no path."""
UNAUTHENTICATED: Final = "unauthenticated"
_DPOP: Final = authorization.DPOP.encode()
_ERRORS: Final = frozenset(
    {
        (400, "invalid_request"),
        (401, "invalid_token"),
        (401, "invalid_dpop_proof"),
        (401, "use_dpop_nonce"),
        (403, "insufficient_scope"),
    }
)


def insufficient_scope(needed: str) -> Problem:
    """403; `needed` is also a member of the answer."""
    detail = f"The token is not for this: it needs the scope {needed}."
    return Problem(403, "insufficient_scope", detail, members={"scope": needed})


def invalid_proof(reason: str) -> Problem:
    """401; `reason` is our own text and quotes nothing of the proof. A client whose clock is wrong finds
    `iat` in the member `reason`, and the time in Date."""
    members = {"reason": "iat"} if reason == UNTIMELY else {}
    return Problem(401, "invalid_dpop_proof", f"The DPoP proof is not good: {reason}.", members=members)


def proof_replayed() -> Problem:
    return invalid_proof("it was seen before; make one for each request")


def nonce_needed() -> Problem:
    return Problem(401, "use_dpop_nonce", "The DPoP proof needs the nonce that is in DPoP-Nonce.")


class Challenges:
    """`resource` is the public address of this proxy; `rendered` words an error in the form of its path."""

    def __init__(self, resource: str, rendered: Callable[[Scope, Problem], Response]) -> None:
        self._rendered = rendered
        self._where = f'resource_metadata="{resource}{METADATA}"'
        self._algs = f'algs="{" ".join(ALGORITHMS)}"'

    def respond(self, scope: Scope, problem: Problem) -> Response:
        response = self._rendered(scope, problem)
        challenge = self._challenge(scope, problem)
        if challenge is not None:
            response.headers["WWW-Authenticate"] = challenge
        return response

    def _challenge(self, scope: Scope, problem: Problem) -> str | None:
        # Both schemes in one field: as two fields they mean the same (RFC 9110 11.6.1), and a script of the
        # page reads them as one in any case.
        if (problem.status, problem.code) == (401, UNAUTHENTICATED):
            return f"Bearer {self._where}, DPoP {self._algs}, {self._where}"
        if (problem.status, problem.code) not in _ERRORS:
            return None
        parameters = [f'error="{problem.code}"', self._where]
        if "scope" in problem.members:
            parameters.insert(1, f'scope="{problem.members["scope"]}"')
        if not is_dpop(scope):
            return f"Bearer {', '.join(parameters)}"
        return f"DPoP {', '.join([*parameters, self._algs])}"


class NonceField:
    """The newest nonce for every answer, error or not, to a request of the DPoP scheme, so that a client
    always has one for its next proof. `now` is seconds since the epoch."""

    def __init__(self, nonces: Nonces, now: Callable[[], float]) -> None:
        self._nonces = nonces
        self._now = now

    def __call__(self, scope: Scope) -> tuple[Field, ...]:
        if not is_dpop(scope):
            return ()
        return ((b"dpop-nonce", self._nonces.current(self._now()).encode()),)


def is_dpop(scope: Scope) -> bool:
    """Return True if the request names the DPoP scheme, well-formed or not."""
    for name, value in scope["headers"]:
        if name == b"authorization":
            return value[:4].lower() == _DPOP and value[4:5] in (b"", b" ", b"\t")
    return False
