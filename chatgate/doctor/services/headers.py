"""Do a request's headers, method and path arrive as they were sent? Asked without an account, by requests
that a service refuses in different words for each thing that is missing."""

from typing import Final
from urllib.parse import urlencode

from chatgate.doctor.addresses import origin_of
from chatgate.doctor.client import Answer, Client, Unreachable
from chatgate.doctor.findings import Finding, found
from chatgate.doctor.readers.proofs import Key
from chatgate.doctor.services import origins
from chatgate.doctor.services.service import Service, path_changed, redirects, unreachable

TOKEN: Final = "/oauth2/token"  # noqa: S105  a path
CHAT: Final = "/chat"
QUESTION: Final = b'{"message":"Does this arrive?"}'
FORM: Final = "application/x-www-form-urlencoded"
LONG: Final = 4_000
"""Characters of a header that has to pass: a token and a proof may have 4,096."""
_STRANGER: Final = "doctor.of.chatgate"
"""In place of a token; it is none, so the answer says only whether it arrived."""


async def of_broker(client: Client, broker: Service, origin: str, client_id: str) -> list[Finding]:
    """A refresh with a token that is none: with its proof the broker asks for a nonce, without it refuses."""
    # By the address that the broker has for itself; another one was reported with its metadata.
    proof = Key().proof("POST", broker.own_address + TOKEN, client.now())
    form = {"grant_type": "refresh_token", "client_id": client_id, "refresh_token": _STRANGER}
    headers = {"Origin": origin, "Content-Type": FORM, "DPoP": proof}
    try:
        answer = await client.send("POST", broker.url + TOKEN, headers, urlencode(form).encode())
        if answer.code == "unauthorized_client" and answer.status == 403:
            return [await origins.not_registered(client, broker, origin, client_id)]
    except Unreachable as error:
        return [unreachable(broker, error)]
    if answer.code == "invalid_client":
        what = f"The broker knows no site {client_id}, which is the widget's clientId."
        return [found("client_unknown", what, f"[sites.{client_id}] in chatgate.toml, or clientId.")]
    if answer.code == "invalid_grant":
        return [_dropped("dpop_dropped", broker, "DPoP")]
    if answer.code == "invalid_dpop_proof" and "htu" in answer.detail:
        return [path_changed(broker, TOKEN, "refuses the proof for it")]
    faults = _foreign(broker, answer, TOKEN, "use_dpop_nonce")
    # The clock of this machine is judged by chatgate.doctor.clocks.
    if faults and answer.code not in ("invalid_dpop_proof", "temporarily_unavailable"):
        return faults
    return _readable(broker, answer, origin, ("DPoP-Nonce", "Date"))


async def of_proxy(client: Client, proxy: Service, origin: str, client_id: str) -> list[Finding]:
    """A question with a token that is none: with it the proxy calls it invalid, without it asks for one."""
    headers = {"Origin": origin, "Content-Type": "application/json", "Authorization": f"DPoP {_STRANGER}"}
    try:
        answer = await client.send("POST", proxy.url + CHAT, headers, QUESTION)
        if answer.code == "origin_not_allowed":
            return [await origins.not_registered(client, proxy, origin, client_id)]
        if answer.code == "unauthenticated":
            return [_dropped("authorization_dropped", proxy, "Authorization")]
        faults = _foreign(proxy, answer, CHAT, "invalid_token")
        faults = faults or _readable(proxy, answer, origin, ("WWW-Authenticate", "DPoP-Nonce", "Date"))
        return faults or await _long(client, proxy)
    except Unreachable as error:
        return [unreachable(proxy, error)]


async def without_token(client: Client, proxy: Service, origin: str) -> list[Finding]:
    """An empty question for a widget with `auth` none: a proxy that takes it says what is missing in it."""
    headers = {"Origin": origin, "Content-Type": "application/json"}
    answer = await client.send("POST", proxy.url + CHAT, headers, b"{}")
    if answer.status == 401:
        what = f"The widget has auth 'none', and the chat proxy at {proxy.url} asks for a token."
        mend = "auth: 'better-auth' or 'guest' of the widget; proxy.auth = \"none\" is for development."
        return [found("token_needed", what, mend)]
    return []


def _dropped(code: str, service: Service, name: str) -> Finding:
    mend = f"Let the reverse proxy pass {name} on (nginx: no proxy_set_header {name}; no auth of its own)."
    return found(code, f"The header {name} does not arrive at the {service.name}.", mend)


def _foreign(service: Service, answer: Answer, path: str, expected: str) -> list[Finding]:
    if answer.code == expected:
        return []
    if 300 <= answer.status < 400:
        return [redirects(service, answer)]
    if answer.status in (404, 405):
        return [path_changed(service, path, f"answers {answer.status}")]
    what = f"POST {path} at the {service.name} is answered with {answer.status} {answer.code}".rstrip()
    mend = "A proxy before the service answers in its place, or refuses requests that it should pass on."
    return [found("service_foreign", f"{what}, where {expected} is due.", mend)]


def _readable(service: Service, answer: Answer, origin: str, needed: tuple[str, ...]) -> list[Finding]:
    missing = [name for name in needed if name not in answer.headers]
    if missing:
        what = f"An answer of the {service.name} comes without {', '.join(missing)}."
        mend = f"Let the reverse proxy pass {', '.join(missing)} of answers on."
        return [found("answer_header_dropped", what, mend)]
    if origin_of(service.url) == origin:
        return []
    return origins.allow_origin(service, answer, origin) or origins.exposes(service, answer)


async def _long(client: Client, proxy: Service) -> list[Finding]:
    headers = {
        "Content-Type": "application/json",
        "Authorization": f"DPoP {'a' * LONG}",
        "DPoP": "a" * LONG,
    }
    try:
        answer = await client.send("POST", proxy.url + CHAT, headers, QUESTION)
        if answer.code == "invalid_token":
            return []
        how = f"answered with {answer.status}"
    except Unreachable as error:
        how = f"not answered ({error})"
    what = f"A token and a proof of {LONG} characters each at the chat proxy are {how}."
    mend = "nginx: large_client_header_buffers 4 16k; HAProxy: tune.bufsize; other proxies alike."
    return [found("header_limit_low", what, mend)]
