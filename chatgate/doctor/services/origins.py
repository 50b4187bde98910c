"""Does a browser on a page of this origin get through: the preflight, and the headers of real answers."""

from collections.abc import Sequence
from typing import Final

from chatgate.doctor.addresses import neighbours, origin_of
from chatgate.doctor.client import Answer, Client, Unreachable
from chatgate.doctor.findings import Finding, found
from chatgate.doctor.services.service import Name, Service, redirects, unreachable

PROBED: Final[dict[Name, str]] = {"broker": "/oauth2/token", "chat proxy": "/chat"}
SENT: Final[dict[Name, str]] = {"broker": "dpop", "chat proxy": "authorization,content-type,dpop"}
"""Headers of the widget's requests that a preflight has to allow, in the form browsers name them."""
READ: Final[dict[Name, Sequence[str]]] = {
    "broker": ("Date", "DPoP-Nonce"),
    "chat proxy": ("Date", "DPoP-Nonce", "Retry-After", "WWW-Authenticate"),
}
"""Headers of answers that the widget reads."""
_REFUSED: Final = frozenset({"origin_not_allowed", "unauthorized_client"})


async def look(client: Client, service: Service, origin: str, client_id: str) -> list[Finding]:
    """The preflight of a service for a page of `origin`; a page of the same origin has none."""
    if origin_of(service.url) == origin:
        return []
    try:
        answer = await _preflight(client, service, origin)
        if answer.status == 403 and answer.code in _REFUSED:
            return [await _refused(client, service, origin, client_id)]
    except Unreachable as error:
        return [unreachable(service, error)]
    if 300 <= answer.status < 400:
        return [redirects(service, answer)]
    if answer.status >= 400:
        return [_blocked(service, answer)]
    return allow_origin(service, answer, origin) or _allowed(service, answer)


async def _refused(client: Client, service: Service, origin: str, client_id: str) -> Finding:
    # A service refuses a change from an unknown origin at once; one from no origin is no page's.
    changed = await client.send("POST", service.url + PROBED[service.name], {"Origin": origin}, b"{}")
    if changed.status != 403 and changed.code:
        what = f"The {service.name} gets requests without their Origin."
        return found("origin_dropped", what, "Let the reverse proxy pass the request's Origin header on.")
    return await not_registered(client, service, origin, client_id)


async def not_registered(client: Client, service: Service, origin: str, client_id: str) -> Finding:
    what = f"The {service.name} does not know the origin {origin}."
    for other, difference in neighbours(origin).items():
        if (await _preflight(client, service, other)).status < 300:
            what += f" It knows {other}, the same {difference}."
            break
    mend = f'origins = ["{origin}"] in [sites.{client_id or "NAME"}] of chatgate.toml, for both services.'
    return found("origin_not_registered", what, mend)


def allow_origin(service: Service, answer: Answer, origin: str) -> list[Finding]:
    """Judge Access-Control-Allow-Origin of an answer to a page of `origin`."""
    values = answer.headers.getlist("Access-Control-Allow-Origin")
    shown = ", ".join(values)
    # With `*` a browser shows the answer too, as the widget sends no cookies across origins.
    if len(values) == 1 and values[0] in (origin, "*"):
        return []
    mend = "Let the reverse proxy leave all Access-Control-* headers to the services: add none, strip none."
    if not values:
        what = f"{_asked(service)} is answered with {answer.status} without Access-Control-Allow-Origin."
        return [found("cors_stripped", what, mend)]
    what = f"{_asked(service)} is answered with Access-Control-Allow-Origin: {shown}."
    return [found("cors_twice", what, mend)]


def exposes(service: Service, answer: Answer) -> list[Finding]:
    """Judge Access-Control-Expose-Headers of an answer that has Access-Control-Allow-Origin."""
    exposed = _list(answer, "Access-Control-Expose-Headers")
    hidden = [name for name in READ[service.name] if name.lower() not in exposed and "*" not in exposed]
    if not hidden:
        return []
    what = f"{_asked(service)} does not expose {', '.join(hidden)} to the page."
    mend = "Let the reverse proxy leave Access-Control-Expose-Headers as the service writes it."
    return [found("answer_header_hidden", what, mend)]


async def _preflight(client: Client, service: Service, origin: str) -> Answer:
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": SENT[service.name],
    }
    return await client.send("OPTIONS", service.url + PROBED[service.name], headers)


def _blocked(service: Service, answer: Answer) -> Finding:
    what = f"OPTIONS {PROBED[service.name]} at the {service.name} is answered with {answer.status}."
    mend = "Let the reverse proxy pass OPTIONS on, and ask for no password or address before the services."
    return found("preflight_blocked", what, mend)


def _allowed(service: Service, answer: Answer) -> list[Finding]:
    headers = _list(answer, "Access-Control-Allow-Headers")
    missing = [name for name in SENT[service.name].split(",") if name not in headers]
    if missing:
        what = f"The {service.name}'s preflight does not allow the headers {', '.join(missing)}."
        mend = "Let the reverse proxy leave Access-Control-Allow-Headers as the service writes it."
        return [found("request_header_refused", what, mend)]
    return []


def _list(answer: Answer, name: str) -> set[str]:
    values = ",".join(answer.headers.getlist(name))
    return {one.strip().lower() for one in values.split(",")}


def _asked(service: Service) -> str:
    return f"A request to {PROBED[service.name]} of the {service.name}"
