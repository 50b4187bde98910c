"""Does each service answer at its address, and do both agree on each other's?"""

from typing import Final

from chatgate.doctor.client import Answer, Client, Unreachable
from chatgate.doctor.findings import Finding, found
from chatgate.doctor.services.service import (
    ITSELF,
    OPTION,
    Name,
    Service,
    path_changed,
    redirects,
    unreachable,
)

METADATA: Final[dict[Name, str]] = {
    "broker": "/.well-known/oauth-authorization-server",
    "chat proxy": "/.well-known/oauth-protected-resource",
}
JWKS: Final = "/.well-known/jwks.json"
_SETTING: Final[dict[Name, str]] = {"broker": "broker.url", "chat proxy": "proxy.url"}
_GATEWAY_ERRORS: Final = (502, 503, 504)


async def reach(client: Client, service: Service) -> list[Finding]:
    """Read the service's metadata into it; without them nothing else of it can be looked at."""
    try:
        answer = await client.send("GET", service.url + METADATA[service.name])
        if answer.status == 200 and ITSELF[service.name] in answer.json():
            service.metadata = answer.json()
            return await _ready(client, service)
        return [await _absent(client, service, answer)]
    except Unreachable as error:
        return [unreachable(service, error)]


async def _absent(client: Client, service: Service, answer: Answer) -> Finding:
    """The reason why the metadata are not there."""
    if 300 <= answer.status < 400:
        return redirects(service, answer)
    alive = await client.send("GET", f"{service.url}/healthz")
    if alive.status == 200 and "status" in alive.json():
        return _blocked(service, answer)
    if "not_found" in (answer.code, alive.code):
        return path_changed(service, METADATA[service.name], "answers 404 in its own words")
    if answer.status in _GATEWAY_ERRORS and not answer.code:
        what = f"A server in front of the {service.name} at {service.url} answers {answer.status}."
        return found(
            "service_unreachable", what, "The upstream's address in the reverse proxy, and the unit."
        )
    if answer.status == 503:
        return _not_ready(service, answer)
    what = f"{answer.url} answers {answer.status}, and not with the {service.name}'s metadata."
    mend = f"{OPTION[service.name]} of the widget, or the reverse proxy's rule for that name."
    return found("service_foreign", what, mend)


def _blocked(service: Service, answer: Answer) -> Finding:
    what = f"The {service.name} lives, but {answer.url} answers {answer.status}, not from the service."
    mend = "Let the reverse proxy pass /.well-known/oauth-* and /.well-known/jwks.json on."
    return found("metadata_blocked", what, mend)


async def _ready(client: Client, service: Service) -> list[Finding]:
    answer = await client.send("GET", f"{service.url}/readyz")
    return [_not_ready(service, answer)] if answer.status == 503 else []


def _not_ready(service: Service, answer: Answer) -> Finding:
    missing = answer.json().get("missing")
    told = f": {', '.join(map(str, missing))}" if isinstance(missing, list) else f": {answer.detail or '503'}"
    mend = "`chatgate check --connect` beside the service says which of Redis, accounts and keys is away."
    return found("service_not_ready", f"The {service.name} at {service.url} is not ready{told}", mend)


async def compare(client: Client, broker: Service | None, proxy: Service) -> list[Finding]:
    """Judge the metadata of services that were reached: each other's addresses, and the keys."""
    findings = [_differs(one) for one in (broker, proxy) if one is not None and one.own_address != one.url]
    if broker is None:
        return findings
    # An address that a service does not have itself was reported above, and is not reported again.
    if not _named(proxy, "authorization_servers") & {broker.own_address, broker.url}:
        what = f"The proxy takes tokens of {_listed(proxy, 'authorization_servers')}, not of "
        mend = f'broker.url = "{broker.own_address}" where the chat proxy runs (CHATGATE_BROKER_URL).'
        findings.append(found("proxy_trusts_another_broker", f"{what}{broker.own_address}.", mend))
    if not _named(broker, "protected_resources") & {proxy.own_address, proxy.url}:
        what = f"The broker's tokens are for {_listed(broker, 'protected_resources')}, and the proxy calls "
        mend = f'proxy.url = "{proxy.url}" where the broker runs (CHATGATE_PROXY_URL).'
        findings.append(found("audience_differs", f"{what}itself {proxy.own_address}.", mend))
    return findings + await _keys(client, broker)


def _differs(service: Service) -> Finding:
    code = "issuer_differs" if service.name == "broker" else "resource_differs"
    what = f"The widget asks the {service.name} at {service.url}, which calls itself {service.own_address}."
    mend = (
        f'{_SETTING[service.name]} = "{service.url}" in chatgate.toml of both services, or '
        f"{OPTION[service.name]}: '{service.own_address}' of the widget: whichever readers can reach."
    )
    return found(code, what, mend)


def _named(service: Service, member: str) -> set[str]:
    values = service.metadata.get(member)
    return set(map(str, values)) if isinstance(values, list) else set()


def _listed(service: Service, member: str) -> str:
    return ", ".join(sorted(_named(service, member))) or "nobody"


async def kids(client: Client, broker: Service) -> set[str]:
    """The ids of the keys that the broker publishes. Raises Unreachable."""
    keys = (await client.send("GET", broker.url + JWKS)).json().get("keys")
    listed = keys if isinstance(keys, list) else []
    return {str(one["kid"]) for one in listed if isinstance(one, dict) and "kid" in one}


async def _keys(client: Client, broker: Service) -> list[Finding]:
    try:
        if await kids(client, broker):
            return []
    except Unreachable as error:
        return [unreachable(broker, error)]
    what = f"{broker.url}{JWKS} has no keys."
    return [found("jwks_unusable", what, f"Pass {JWKS} on to the broker, and read its log.")]
