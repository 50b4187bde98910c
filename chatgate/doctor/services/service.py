"""One of the two services at the address that the widget asks, and the findings that several looks share."""

from dataclasses import dataclass, field
from typing import Any, Final, Literal

from chatgate.doctor.client import Answer, Unreachable
from chatgate.doctor.findings import Finding, found

Name = Literal["broker", "chat proxy"]
ITSELF: Final[dict[Name, str]] = {"broker": "issuer", "chat proxy": "resource"}
"""The member of the metadata in which a service names its own address."""
OPTION: Final[dict[Name, str]] = {"broker": "brokerUrl", "chat proxy": "backendUrl"}
"""The widget's option that has the address."""


@dataclass(slots=True)
class Service:
    """A service at the address that the widget asks. `metadata` is empty until it was read."""

    name: Name
    url: str
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def own_address(self) -> str:
        """Its address in its own words."""
        value = self.metadata.get(ITSELF[self.name])
        return value if isinstance(value, str) else ""


def unreachable(service: Service, error: Unreachable) -> Finding:
    mend = f"{OPTION[service.name]} of the widget, the DNS of that name, or what ends TLS there."
    code = "certificate_refused" if error.reason == "certificate" else "service_unreachable"
    return found(code, f"The {service.name} at {service.url} does not answer: {error}.", mend)


def redirects(service: Service, answer: Answer) -> Finding:
    target = answer.location or answer.headers.get("Location", "nowhere")
    mend = f"{OPTION[service.name]} of the widget, without the redirect: {target}"
    what = f"The {service.name}'s {answer.url} answers {answer.status} and leads to {target}."
    return found("service_redirects", what, mend)


def path_changed(service: Service, path: str, how: str) -> Finding:
    what = f"The {service.name} is asked for {path}, and {how}: another path arrives."
    mend = (
        "Take the rewriting out of the reverse proxy (nginx: proxy_pass without a path; Caddy: handle in "
        "place of handle_path; Traefik: no stripPrefix, addPrefix or replacePath)."
    )
    return found("path_changed", what, mend)
