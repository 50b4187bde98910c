"""`guest`: a session without an account for a page of a site that takes guests; the reader proves nothing.

OAuth has no grant for it: `client_credentials` would be the site's own token, one for all of its readers.
"""

from typing import Any, Final

from broker.errors import OAuthError
from broker.login import anonymous
from broker.oauth import scopes
from broker.oauth.grants import Proved, TokenRequest, open_family
from broker.sessions.session import ALL_SCOPES, new_sid

GRANT_TYPE: Final = "urn:chatgate:params:oauth:grant-type:guest"


async def exchange(request: TokenRequest) -> dict[str, Any]:
    # `public_client` has judged an Origin if one was sent. Here it is required, as nothing else in the
    # request shows that a page of the site made it.
    if request.origin is None:
        raise OAuthError("unauthorized_client", "Origin: guests come from a page of the site", 403)
    if not request.client.guests:
        raise OAuthError("unauthorized_client", "guests: this site takes no guests")
    # Every check that can fail comes before the guest counts against the limit of their address.
    request.broker.mint.ring()
    scope = scopes.requested(request.parameters.get("scope"), ALL_SCOPES)
    identity = await anonymous.prove(request.broker, request.client, request.caller)
    tokens = await open_family(request, new_sid(), Proved(identity, request.caller, scope), grant="guest")
    if tokens is None:
        raise OAuthError("invalid_grant", "the guest was signed out meanwhile")
    return tokens
