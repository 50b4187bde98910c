"""Why a 401 is a 401: from the answer's challenge and the token's own claims, neither of which is shown."""

import base64
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from chatgate.doctor.client import Answer
from chatgate.doctor.findings import Finding, found
from chatgate.doctor.services import metadata
from chatgate.doctor.services.clocks import offset
from chatgate.doctor.services.service import Service, path_changed

LEEWAY: Final = 5
"""Seconds that a verifier grants (tokens/verify.py)."""
_ERROR: Final = re.compile(r'\berror="([a-z_]{1,64})"')
_NTP: Final = "timedatectl set-ntp true, on the machines of the broker and the chat proxy."


@dataclass(frozen=True, slots=True)
class Read:
    """A JWT's header and claims, unverified; both are empty for what is no JWT."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]


def read(token: str) -> Read:
    parts = token.split(".")
    if len(parts) != 3:
        return Read({}, {})
    return Read(_members(parts[0]), _members(parts[1]))


def explain(answer: Answer, token: str, proxy: Service, broker: Service, kids: Collection[str]) -> Finding:
    """The finding for a question that the proxy refused with 401. `kids` are the keys that the broker
    publishes."""
    error = challenged(answer)
    if answer.code == "unauthenticated":
        what = "The header Authorization does not arrive at the chat proxy."
        return found("authorization_dropped", what, "Let the reverse proxy pass Authorization on.")
    if error == "use_dpop_nonce":
        what = "The chat proxy refuses the nonce that it has just given."
        mend = "The backends' secrets, from which nonces are made: the same for all instances of the proxy."
        return found("token_refused", what, mend)
    if error == "invalid_dpop_proof":
        return _proof(answer, proxy)
    if error == "invalid_token":
        return _token(answer, read(token), proxy, broker, kids)
    what = f"A question is answered with 401, and not by the chat proxy ({answer.media_type or 'no type'})."
    return found("token_refused", what, "Take what asks for a password out of the reverse proxy.")


def challenged(answer: Answer) -> str:
    """The error of the challenge (RFC 6750 3.1), or else of the body."""
    match = _ERROR.search(answer.headers.get("WWW-Authenticate", "")[:4096])
    return match[1] if match else answer.code


def _proof(answer: Answer, proxy: Service) -> Finding:
    if "htu" in answer.detail:
        return path_changed(proxy, "/chat", "refuses the proof for it")
    if "one DPoP header" in answer.detail:
        mend = "Let the reverse proxy pass DPoP on (nginx: no proxy_set_header DPoP)."
        return found("dpop_dropped", "The header DPoP does not arrive once at the chat proxy.", mend)
    if answer.json().get("reason") == "iat":
        what = "The chat proxy refuses the time of every proof, by its own Date as well."
        mend = "timedatectl set-ntp true on its machine; or the reverse proxy's rule that writes Date."
        return found("clock_off", what, mend)
    what = f"The chat proxy refuses the proof: {answer.detail}"
    return found(
        "token_refused", what, "A proxy in between changes the request, or sends it twice: look there."
    )


def _token(answer: Answer, token: Read, proxy: Service, broker: Service, kids: Collection[str]) -> Finding:
    claims = token.claims
    issuer, audience = claims.get("iss"), claims.get("aud")
    if audience != proxy.own_address:
        what = f"The token is for {audience}, and the chat proxy calls itself {proxy.own_address}."
        return found("token_audience_wrong", what, "proxy.url, the same where broker and proxy run.")
    trusted = proxy.metadata.get("authorization_servers") or ()
    if issuer not in trusted:
        what = f"The token is of {issuer}, and the chat proxy takes those of {', '.join(map(str, trusted))}."
        return found("token_issuer_wrong", what, "broker.url, the same where broker and proxy run.")
    if _is_dead(answer, claims):
        what = "The token is over by the chat proxy's Date, as soon as the broker has made it."
        return found("token_expired", what, _NTP)
    if token.header.get("kid") not in kids:
        what = f"The token is signed by a key that {broker.url}{metadata.JWKS} does not have."
        mend = "Brokers behind one name need one Redis, one secret, and no cache before /.well-known/."
        return found("token_key_unknown", what, mend)
    site, tier = claims.get("client_id"), claims.get("tier")
    what = (
        f"The token's signature, times and addresses are good (site {site}, tier {tier}), so that the "
        "chat proxy finds no session for it, or does not know the site or the tier."
    )
    mend = (
        f"REDIS_URL, [sites.{site}] and [tiers.{tier}]: the same for the broker and the chat proxy; or "
        "proxy.jwks_url, if it names another broker's keys."
    )
    return found("session_unknown", what, mend)


def _is_dead(answer: Answer, claims: Mapping[str, Any]) -> bool:
    begins, ends, seconds = claims.get("iat"), claims.get("exp"), offset(answer)
    if not isinstance(begins, int) or not isinstance(ends, int) or seconds is None:
        return False
    now = answer.at + seconds
    return not begins - LEEWAY <= now < ends + LEEWAY


def _members(part: str) -> dict[str, Any]:
    try:
        value = orjson.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
