"""The scopes of a token (RFC 6749 3.3): never more than was granted."""

from typing import Final

from broker.errors import OAuthError
from tokens.claims import SCOPES

_MAX: Final = 128


def requested(scope: str | None, granted: str) -> str:
    """The requested scope, in our order, or by default all that is granted. Raises `invalid_scope`."""
    if scope is None:
        return granted
    asked = set(scope[:_MAX].split(" "))
    if len(scope) > _MAX or not asked <= set(granted.split()):
        raise OAuthError("invalid_scope", f"scope: this may be asked for: {granted}")
    return " ".join(one for one in SCOPES if one in asked)
