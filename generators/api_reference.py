"""Writes references/api_reference.md of the skill folder: the requests that the two services take, by the
OpenAPI documents with which they describe themselves, inside the words of api_reference.template.md.

`--check` writes nothing and exits 1 when the page is not what this would write.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from broker import app as broker
from broker.config import resolve as broker_config
from chat_proxy import app as proxy
from chat_proxy.config import resolve as proxy_config
from chat_proxy.streams.drain import Drain
from edge.config.read import read

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "skill" / "chatkit-embed-and-token-flow" / "references" / "api_reference.md"
TOML: Final = """
env = "development"
[sites.docs]
origins = ["https://owner.github.io"]
backend = "book"
[backends.book]
url = "http://127.0.0.1:8002"
"""
# Nothing is asked of Redis, and nothing is signed, to describe the services.
SECRETS: Final = {
    "CHATGATE_BROKER_SECRET": "the secret of a broker that only describes itself",
    "CHATGATE_BACKENDS_BOOK_SECRET": "the secret of a backend that is not asked",
    "REDIS_URL": "redis://127.0.0.1:6379",
}

PURPOSES: Final = {
    "POST /api/auth/sign-up/email": "Makes an account and opens a session.",
    "POST /api/auth/sign-in/email": "Opens a session. `rememberMe: false` ends it with the browser.",
    "POST /api/auth/sign-in/anonymous": "Opens a guest's session, where the site has guests.",
    "POST /api/auth/sign-out": "Ends the caller's session.",
    "GET /api/auth/get-session": "The caller's session and user, or `null`.",
    "GET /api/auth/list-sessions": "The reader's sessions at this site, each with a handle as `token`.",
    "POST /api/auth/revoke-session": "Ends the session of a handle.",
    "POST /api/auth/revoke-sessions": "Ends all of the reader's sessions at this site.",
    "POST /api/auth/revoke-other-sessions": "Ends all but the caller's.",
    "POST /api/auth/update-user": "Changes the reader's name or picture.",
    "POST /api/auth/change-password": "Changes the password.",
    "POST /api/auth/delete-user": "Deletes the account and ends its sessions.",
    "GET /api/auth/token": "An access token for the session, as Better Auth's JWT plugin has it.",
    "GET /api/auth/jwks": "The keys that verify access tokens.",
    "GET /api/auth/ok": "Alive, as Better Auth says it.",
    "GET /auth/token": 'The session becomes `{"token", "expires_in", "token_type"}`.',
    "POST /auth/token": "The same.",
    "POST /auth/revoke": "Ends the caller's session or, for an access token as bearer, that token alone.",
    "POST /oauth2/token": "Tokens for a code, a refresh token, a guest, or another token (RFC 8693).",
    "POST /oauth2/revoke": "Ends a token; a refresh token ends its session (RFC 7009).",
    "POST /oauth2/introspect": "Tells a resource server whether a token is good now (RFC 7662).",
    "POST /oauth2/sessions": "Where the reader of a refresh token is signed in at the site.",
    "POST /oauth2/sessions/revoke": "Ends one of those sessions.",
    "GET /oauth2/authorize": "Begins the code flow with PKCE, as a page.",
    "GET /login": "The broker's own sign-in page.",
    "POST /login": "Its form.",
    "GET /login/sign-up": "The page to make an account.",
    "POST /login/sign-up": "Its form.",
    "GET /login/guest": "Leads a reloaded guest form back.",
    "POST /login/guest": "Goes on as a guest.",
    "GET /.well-known/jwks.json": "The keys that verify access tokens; may be cached for ten seconds.",
    "GET /.well-known/oauth-authorization-server": "The metadata of RFC 8414.",
    "GET /sessions": "The reader's conversations of the last 24 hours at the site, the latest first.",
    "GET /sessions/{session_id}": "One of them.",
    "DELETE /sessions/{session_id}": "Deletes it.",
    "POST /sessions/{session_id}/feedback": "Rates an answer; null takes the rating back.",
    "GET /.well-known/oauth-protected-resource": "Names the broker whose tokens are taken (RFC 9728).",
    "POST /webhooks/better-auth/{site}": "A site's own Better Auth server tells of an end.",
    "POST /chat": "Asks a question.",
    "POST /v1/chat/completions": "Asks a question, for OpenAI's clients.",
    "GET /v1/models": "The backends that the reader's site allows, as models.",
    "GET /v1/models/{model}": "One of them.",
    "POST /api/chat": "Asks a question, for `useChat` of npm `ai`.",
    "GET /healthz": "Alive.",
    "GET /readyz": "Its dependencies answer.",
}


def documents() -> tuple[dict[str, Any], dict[str, Any]]:
    """The OpenAPI documents of the broker and of the chat proxy."""
    with tempfile.TemporaryDirectory() as name:
        toml = Path(name) / "chatgate.toml"
        toml.write_text(TOML)
        settings = read(toml, SECRETS)
        api = broker.create_api(broker_config(settings), now=lambda: 0.0, clock=lambda: 0.0)
        other = proxy.create_api(proxy_config(settings), now=lambda: 0.0, clock=lambda: 0.0, drain=Drain())
        return api.openapi(), other.openapi()


def page() -> str:
    of_broker, of_proxy = documents()
    described = {name for document in (of_broker, of_proxy) for name, _ in operations(document)}
    if described != PURPOSES.keys():
        raise SystemExit(f"PURPOSES and the services differ in {sorted(described ^ PURPOSES.keys())}")
    text = Path(__file__).with_name("api_reference.template.md").read_text("utf-8")
    fills = {"broker": table(of_broker), "proxy": table(of_proxy), "errors": errors(of_proxy)}
    for name, filled in fills.items():
        text = text.replace(f"{{{{{name}}}}}", filled)
    return text


def operations(document: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method.upper()} {path}", operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def table(document: dict[str, Any]) -> str:
    rows = ["| request | sends | answer | |", "| --- | --- | --- | --- |"]
    for name, operation in operations(document):
        answers = [f"{status} {_shape(answer)}".strip() for status, answer in _good(operation)]
        rows.append(f"| `{name}` | {_body(operation)} | {', '.join(answers)} | {PURPOSES[name]} |")
    return "\n".join(rows)


def errors(document: dict[str, Any]) -> str:
    """The refusals of a question, which the other requests share."""
    answers = document["paths"]["/chat"]["post"]["responses"].items()
    said = [f"| {status} | {answer['description']} |" for status, answer in answers if status >= "400"]
    return "\n".join(["| status | |", "| --- | --- |", *said])


def _good(operation: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [(status, answer) for status, answer in operation["responses"].items() if status < "400"]


def _body(operation: dict[str, Any]) -> str:
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        schema = content["schema"]
        needed = schema.get("required", [])
        members = [
            f"`{name}`{'*' if name in needed else ''}{_limits(member)}"
            for name, member in schema.get("properties", {}).items()
        ]
        return f"{'form' if 'urlencoded' in kind else 'JSON'}: {', '.join(members)}" if members else ""
    return ""


def _limits(member: dict[str, Any]) -> str:
    said = [" or ".join(f"`{one}`" for one in member["enum"] if one)] if "enum" in member else []
    said += [f"`{member['pattern']}`"] if "pattern" in member else []
    said += [member["description"].rstrip(".")] if "description" in member else []
    return f" ({'; '.join(said)})" if said else ""


def _shape(answer: dict[str, Any]) -> str:
    members = answer.get("content", {}).get("application/json", {}).get("schema", {}).get("properties", {})
    return f"`{{{', '.join(members)}}}`" if members else ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    text = page()
    if check:
        if not PAGE.is_file() or PAGE.read_text("utf-8") != text:
            print(f"stale: {PAGE.relative_to(ROOT)}: run generators/{Path(__file__).name}", file=sys.stderr)
            return 1
        return 0
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
