"""Does a reverse proxy before the chat proxy let every body through that the chat proxy takes?"""

from typing import Final

from chatgate.doctor.client import Client, Unreachable
from chatgate.doctor.findings import Finding, found
from chatgate.doctor.services.headers import CHAT
from chatgate.doctor.services.service import Service
from edge.http.body_limit import MAX_BODY

JUST_UNDER: Final = MAX_BODY - 64
SMALLEST: Final = 4_096
"""Bytes; below that no limit is looked for."""


async def look(client: Client, proxy: Service) -> list[Finding]:
    """Send a body just under our limit; where it is refused, halves of it, to say what the limit is.

    The chat proxy refuses the credentials before it looks at the body, so that nothing is spent.
    """
    refusal = await _refusal(client, proxy, JUST_UNDER)
    if refusal is None:
        return []
    size = JUST_UNDER // 2
    while size > SMALLEST and await _refusal(client, proxy, size) is not None:
        size //= 2
    what = (
        f"A body of {JUST_UNDER} bytes, where the chat proxy takes {MAX_BODY}, is {refusal}; "
        f"one of {size} bytes comes through."
    )
    mend = (
        "nginx: client_max_body_size 1m, and a client_body_temp_path that its workers may write; Caddy: "
        "request_body max_size 1MB; Traefik: maxRequestBodyBytes of the buffering middleware; any other: "
        f"at least {MAX_BODY} bytes."
    )
    return [found("body_limit_low", what, mend)]


async def _refusal(client: Client, proxy: Service, size: int) -> str | None:
    """The way in which a body is refused before the chat proxy; the proxy's own answer is no refusal."""
    head = b'{"message":"'
    body = head + b"a" * (size - len(head) - 2) + b'"}'
    sent = {"Content-Type": "application/json", "Authorization": "Bearer doctor.of.chatgate"}
    try:
        answer = await client.send("POST", proxy.url + CHAT, sent, body)
    except Unreachable as error:
        # A server may close the connection while a body comes that it does not want.
        return f"not answered ({error})"
    is_own = answer.code != "" and answer.status != 413
    return None if is_own else f"answered with {answer.status}"
