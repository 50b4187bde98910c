"""Authorization codes: the record, the rule for redeeming one, and the interface of the store."""

import base64
import hashlib
import re
import secrets
from dataclasses import dataclass
from typing import Final, Protocol

from broker.errors import OAuthError
from broker.sessions.session import Caller, Identity

LIFE_MS: Final = 60_000
"""RFC 6749 4.1.2 allows ten minutes; a page that waits for its answer needs seconds."""
MARK_MS: Final = 86_400_000
"""The time for which a spent code is remembered, so that a second use of it ends the session it made."""
CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")
"""RFC 7636 4.1 and 4.2, for S256."""

_CODE: Final = re.compile(r"cgc~([A-Za-z0-9_-]{32,43})~[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Code:
    """`jkt`: the key that must redeem it (RFC 9449 10), or empty. `made_at` is Redis ms."""

    client_id: str
    redirect_uri: str
    challenge: str
    scope: str
    jkt: str
    identity: Identity
    caller: Caller
    made_at: int

    def redeem(self, *, client_id: str, redirect_uri: str | None, verifier: str | None, jkt: str) -> None:
        """Raises OAuthError unless the client that sends the code is the one that it was issued to."""
        if client_id != self.client_id:
            raise OAuthError("invalid_grant", "code: it was issued to another client")
        if redirect_uri != self.redirect_uri:
            raise OAuthError("invalid_grant", "redirect_uri: it is not the one of the authorization request")
        if verifier is None or not VERIFIER.fullmatch(verifier):
            raise OAuthError("invalid_grant", "code_verifier: 43 to 128 unreserved characters are needed")
        digest = hashlib.sha256(verifier.encode()).digest()
        # No secret is compared: a client that knows the challenge still lacks the verifier.
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != self.challenge:
            raise OAuthError("invalid_grant", "code_verifier: it is not the one of the authorization request")
        if self.jkt and jkt != self.jkt:
            raise OAuthError("invalid_grant", "code: it is bound to another DPoP key (dpop_jkt)")


@dataclass(frozen=True, slots=True)
class Spent:
    """A code that was used before, and the session that the first use made or was about to make."""

    sid: str


class Codes(Protocol):
    """Both methods raise StoreUnavailable when Redis gave no sure answer."""

    async def add(self, handle: str, code: Code) -> None:
        """Keep it for LIFE_MS; the store sets `made_at`."""

    async def spend(self, handle: str, sid: str) -> Code | Spent | None:
        """Return the code and leave a mark that names `sid` as the session it makes; of two calls one gets
        the mark. None for an unknown or expired code."""


def new_handle(sub: str) -> str:
    """The code as the client gets it. It names the user, whose tag all of its Redis keys have."""
    return f"cgc~{sub}~{secrets.token_urlsafe(32)}"


def subject_of(handle: str) -> str | None:
    """The user in a text that has the form of a code; None if it has not."""
    found = _CODE.fullmatch(handle)
    return None if found is None else found.group(1)
