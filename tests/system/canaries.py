"""Secrets that must not be told, and the two services that are given all of them."""

from dataclasses import dataclass, field

import httpx

from tests.chat_proxy.fake_backend import Backend
from tests.collector import Collector
from tests.system.stack import PAGE, Stack
from tests.trust import TRUST

CALLBACK = f"{PAGE}/signed-in"
BROKER_SECRET = "canary-broker-secret-0123456789abcdef"
BACKEND_SECRET = "canary-backend-secret-0123456789abcdef"
SERVER_SECRET = "canary-server-secret-0123456789abcdef"
TOML = f"""
env = "development"
[broker]
secret = "{BROKER_SECRET}"
[sites.docs]
origins = ["{PAGE}"]
redirect_uris = ["{CALLBACK}"]
backend = "book"
session_bearer = true
guests = true
[resource_servers.gateway]
secret = "{SERVER_SECRET}"
[backends.book]
url = "http://127.0.0.1:1"
secret = "{BACKEND_SECRET}"
first_byte_seconds = 0.3
"""
PASSWORD = "canary-password-1"
EMAIL = "canary-ada@example.com"
MESSAGE, SELECTION, ANSWER = "canary-question", "canary-selection", "canary-answer"
JUNK = "canary-junk"
THEIR_TRACE = bytes(range(1, 17))


@dataclass
class World:
    """Both services as processes, and all that was kept for the search: what must not be seen, and where."""

    stack: Stack
    backend: Backend
    metrics: dict[str, int]
    collector: Collector
    secrets: set[str] = field(
        default_factory=lambda: {"canary", BROKER_SECRET, BACKEND_SECRET, SERVER_SECRET}
    )
    refusals: list[tuple[int, str]] = field(default_factory=list)
    handed_on: set[str] = field(default_factory=set)

    async def keep(self, answer: httpx.Response) -> None:
        """Keep the code and the whole text of every answer that refuses."""
        if answer.status_code >= 400:
            await answer.aread()
            # A form that is shown once more has the address that was typed into it.
            text = answer.text.replace(f'value="{EMAIL}"', "") if "<form" in answer.text else answer.text
            self.refusals.append((answer.status_code, f"{answer.headers!r}\n{text}"))

    def secret(self, value: str) -> str:
        """With the parts of a JWT or a signed cookie, of which each would be too much."""
        self.secrets |= {part for part in (value, *value.split(".")) if len(part) > 15}
        return value

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            headers={
                "Origin": PAGE,
                "User-Agent": "canary-agent",
                "traceparent": f"00-{THEIR_TRACE.hex()}-{THEIR_TRACE.hex()[:16]}-01",
                "tracestate": "vendor=canary",
            },
            event_hooks={"response": [self.keep]},
            timeout=15,
            verify=TRUST,
        )

    def statuses(self) -> set[int]:
        return {status for status, _ in self.refusals}

    def lines(self) -> str:
        return self.stack.log_of("broker") + self.stack.log_of("chat_proxy")
