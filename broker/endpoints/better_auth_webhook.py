"""`POST /webhooks/better-auth/{site}`: a site's Better Auth server tells that a session ended there.

Signed as Standard Webhooks 1.0 says: `webhook-signature` has `v1,` and the HMAC-SHA256, in base64, of
`{webhook-id}.{webhook-timestamp}.{body}`.
"""

import base64
import hmac
import re
from typing import Any, Final

from fastapi import APIRouter
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

from broker.endpoints.callers import reading
from broker.state import Broker
from edge.http.body_limit import read_body
from edge.http.problems import Problem
from tokens import strict_json

MAX_BODY: Final = 1024
TOLERANCE: Final = 300
"""Seconds by which the sender's clock may differ, and for which a message may be sent again: a repetition
ends what has ended."""
MAX_SIGNATURES: Final = 4
_NUMBER: Final = re.compile(r"[0-9]{1,12}")
_ID: Final = re.compile(r"[\x21-\x7e]{1,128}")

router = APIRouter(prefix="/webhooks")


@router.post("/better-auth/{site}", response_class=Response, status_code=204)
async def session_ended(request: Request, site: str) -> Response:
    """`{"user_id", "session_id"?}`: 204 once the end is acknowledged, whether or not there was a session."""
    broker: Broker = request.app.state.broker
    client = broker.config.clients.by_id.get(site)
    secret = None if client is None or client.better_auth is None else client.better_auth.webhook_secret
    if client is None or secret is None:
        raise Problem(404, "not_found", "No site of this name takes webhooks.")
    with reading(request):
        body = await read_body(request, MAX_BODY)
        _require_signed(request.headers, body, secret.get_secret_value().encode(), broker.now())
        user_id, session_id = _read(body)
    await broker.upstreams.ended(broker.sessions, client.id, user_id, session_id)
    return Response(status_code=204, headers={"Cache-Control": "no-store"})


def _require_signed(headers: Headers, body: bytes, secret: bytes, now: float) -> None:
    """Raises Problem 401."""
    name, sent_at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    signatures = headers.get("webhook-signature", "").split(" ")[:MAX_SIGNATURES]
    mac = hmac.digest(secret, f"{name}.{sent_at}.".encode() + body, "sha256")
    expected = f"v1,{base64.b64encode(mac).decode()}".encode()
    is_signed = any(hmac.compare_digest(expected, one.encode()) for one in signatures)
    is_timely = _NUMBER.fullmatch(sent_at) is not None and abs(int(sent_at) - now) <= TOLERANCE
    if not is_signed or not is_timely:
        raise Problem(401, "invalid_signature", "The message is not signed by the site's server, or is old.")


def _read(body: bytes) -> tuple[str, str | None]:
    """Raises Problem 422."""
    try:
        members: Any = strict_json.loads(body)
    except strict_json.NotStrictJSON:
        members = None
    if isinstance(members, dict) and members.keys() <= {"user_id", "session_id"}:
        user_id, session_id = members.get("user_id"), members.get("session_id")
        if isinstance(user_id, str) and _ID.fullmatch(user_id):
            if session_id is None:
                return user_id, None
            if isinstance(session_id, str) and _ID.fullmatch(session_id):
                return user_id, session_id
    raise Problem(422, "invalid_webhook", "Send user_id and, where one session ended, session_id.")
