"""The rules of docs/http.md that every answer must obey, whatever the request was."""

import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final

from attack.wire import Reply
from broker.errors import BASE_PATH, OAUTH, is_page
from chat_proxy.clients import openai
from edge.http.problems import MEDIA_TYPE

CANARY: Final = "canary9f2c"
"""A marker in the inputs, which no refusal may repeat."""
PAGE: Final = Path(__file__).parents[2] / "docs" / "http.md"
DOOR: Final = (
    "malformed_request",
    "request_timeout",
    "header_too_large",
    "too_many_fields",
    "temporarily_unavailable",
)
"""Codes of refusals that are the same on every path, because the server sends them before it reads the
path."""
DOOR_STATUSES: Final = (400, 408, 431, 503)


@cache
def documented(section: str) -> frozenset[str]:
    """The codes in the first column of a table of docs/http.md."""
    _, _, rest = PAGE.read_text(encoding="utf-8").partition(f"\n## {section}\n")
    rows = [line.split("|")[1] for line in rest.partition("\n## ")[0].splitlines() if line.startswith("|")]
    return frozenset(code for row in rows for code in re.findall("`([a-z_]+)`", row))


def fault(service: str, path: str, reply: Reply) -> str | None:
    """The fault of an answer of `broker` or `chat_proxy`, or None."""
    found = _everywhere(reply)
    if found is not None or reply.status < 400:
        return found
    if CANARY.encode() in reply.body and not (service == "broker" and is_page(path)):
        return "the refusal repeats what was sent"
    return None if is_from_the_door(reply) else _form(service, path)(reply)


def fault_anywhere(service: str, reply: Reply) -> str | None:
    """As `fault`, for a request whose path the service may have read differently."""
    found = _everywhere(reply)
    if found is not None or reply.status < 400 or _is_to_head(reply):
        return found
    forms = (_problem, _better_auth, _oauth, _page) if service == "broker" else (_problem, _openai)
    faults = [form(reply) for form in forms]
    return None if None in faults else faults[0]


def is_from_the_door(reply: Reply) -> bool:
    """Return True if the server sent the answer before it read the path, and closes the connection after
    it."""
    if not reply.closes or reply.status not in DOOR_STATUSES:
        return False
    if _is_to_head(reply):
        return reply.headers.get("content-type") == MEDIA_TYPE
    return _problem(reply) is None and _members(reply).get("code") in DOOR


def _is_to_head(reply: Reply) -> bool:
    return not reply.body and reply.headers.get("content-length", "0") != "0"


def _everywhere(reply: Reply) -> str | None:
    if reply.status >= 500 and reply.status != 503:
        return f"answered {reply.status}"
    if "x-request-id" not in reply.headers or "date" not in reply.headers:
        return "an answer without X-Request-Id or Date"
    if reply.status in (429, 503) and not reply.headers.get("retry-after", "").isdigit():
        return f"{reply.status} without Retry-After"
    return None


def _form(service: str, path: str) -> Callable[[Reply], str | None]:
    if service == "broker":
        if f"{path}/".startswith(f"{BASE_PATH}/"):
            return _better_auth
        if is_page(path):
            return _page
        if path.startswith(OAUTH):
            return _oauth
    elif path.startswith(openai.ROOT):
        return _openai
    return _problem


def _problem(reply: Reply) -> str | None:
    members = _members(reply)
    texts = all(isinstance(members.get(name), str) for name in ("type", "title", "detail", "code"))
    if reply.headers.get("content-type") != MEDIA_TYPE or not texts or members.get("status") != reply.status:
        return f"a {reply.status} that is no problem document"
    if members["code"] not in documented("Codes"):
        return f"a {reply.status} with a code that is not documented"
    return None


def _openai(reply: Reply) -> str | None:
    error = _members(reply).get("error")
    if not isinstance(error, dict) or error.keys() != {"message", "type", "param", "code"}:
        return f"a {reply.status} that is no error of OpenAI's"
    if not _is_json(reply) or error["code"] not in documented("Codes"):
        return f"a {reply.status} with a code that is not documented"
    return None


def _better_auth(reply: Reply) -> str | None:
    if reply.status in (404, 405) and not reply.body:
        return None
    members = _members(reply)
    is_code = isinstance(members.get("code"), str) and members["code"] == members["code"].upper()
    if members.keys() != {"message", "code"} or not is_code or not _is_json(reply):
        return f"a {reply.status} that is no error of Better Auth's"
    return None


def _oauth(reply: Reply) -> str | None:
    members = _members(reply)
    described = members.get("error_description")
    # RFC 6749 5.2: neither a quotation mark nor a backslash.
    is_described = isinstance(described, str) and not set(described) & set('"\\')
    if members.get("error") not in documented("OAuth errors") or not is_described or not _is_json(reply):
        return f"a {reply.status} that is no error of OAuth's"
    return None


def _page(reply: Reply) -> str | None:
    if not reply.headers.get("content-type", "").startswith("text/html"):
        return f"a {reply.status} that is no page"
    return None


def _is_json(reply: Reply) -> bool:
    return reply.headers.get("content-type") == "application/json"


def _members(reply: Reply) -> dict[str, Any]:
    try:
        found = json.loads(reply.body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
