"""What the OpenAPI document says beyond what FastAPI finds out: POST /chat, the token, the errors."""

from typing import Any, Final

from chat_proxy.messages import MAX_MESSAGE, MAX_SELECTION, MODES, SESSION_ID_PATTERN
from edge.problems import MEDIA_TYPE
from tokens.dpop import ALGORITHMS

_TEXT: Final = {"type": "string"}
_CITATION: Final = {
    "type": "object",
    "required": ["title", "url", "quote"],
    "properties": {"title": _TEXT, "url": _TEXT, "quote": _TEXT},
}
_PROBLEM: Final = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": _TEXT,
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": _TEXT,
        "code": _TEXT,
    },
}
_QUESTION: Final = {
    "type": "object",
    "required": ["message"],
    "additionalProperties": False,
    "properties": {
        "message": {
            "type": "string",
            "minLength": 1,
            "description": f"At most {MAX_MESSAGE} code points, trimmed.",
        },
        "session_id": {"type": "string", "pattern": SESSION_ID_PATTERN},
        "mode": {"type": "string", "enum": list(MODES), "default": "normal"},
        "selected_text": {
            "type": "string",
            "minLength": 1,
            "description": f"At most {MAX_SELECTION} code points, normalised; `selection_only` needs it.",
        },
    },
}
_ANSWER: Final = {
    "type": "object",
    "required": ["response", "session_id", "message_id", "citations"],
    "properties": {
        "response": _TEXT,
        "session_id": _TEXT,
        "message_id": _TEXT,
        "citations": {"type": "array", "items": _CITATION},
    },
}
_ERRORS: Final = {
    "400": "The request, its Authorization header or its JSON is malformed.",
    "401": "There is no token, it is no longer good, or its DPoP proof is not.",
    "403": "The page is not one of the token's site, or the token has not the scope that is needed.",
    "404": "There is no such conversation of this reader.",
    "413": "The body is too large.",
    "415": "The body is not JSON.",
    "422": "The JSON is no question, or a parameter is not of its form.",
    "429": "A limit of the reader or the site is reached; RateLimit says which.",
    "502": "The backend failed.",
    "503": "Sessions cannot be checked, or the service is stopping. Nothing was let through.",
    "504": "The backend did not answer in time.",
}
_CHAT: Final = {
    "summary": "Ask a question",
    "operationId": "chat",
    "requestBody": {"required": True, "content": {"application/json": {"schema": _QUESTION}}},
    "responses": {
        "200": {
            "description": "The answer; as events `start`, `delta`, `citation`, `done` and `error` for "
            "`Accept: text/event-stream`.",
            "content": {"application/json": {"schema": _ANSWER}, "text/event-stream": {"schema": _TEXT}},
        },
    },
}
_NEEDS_TOKEN: Final = ("/chat", "/sessions", "/sessions/{session_id}")
_SECURITY_SCHEMES: Final = {
    "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "at+jwt"},
    "dpop": {
        "type": "http",
        "scheme": "dpop",
        "description": "For a token that is bound to a key (RFC 9449).",
    },
    "proof": {
        "type": "apiKey",
        "in": "header",
        "name": "DPoP",
        "description": f"A proof for this request alone, by {', '.join(ALGORITHMS)}, with the nonce of the "
        "last answer's DPoP-Nonce.",
    },
}
_SECURITY: Final[list[dict[str, list[str]]]] = [{"bearer": []}, {"dpop": [], "proof": []}]
_CHALLENGE_HEADERS: Final = {
    "WWW-Authenticate": {
        "description": "By the request's scheme; `resource_metadata` says whose tokens are taken.",
        "schema": _TEXT,
    },
    "DPoP-Nonce": {
        "description": "For the next proof; on every answer to a request of the DPoP scheme.",
        "schema": _TEXT,
    },
}


def complete(document: dict[str, Any]) -> dict[str, Any]:
    """The document with what FastAPI cannot know; the one it is given is left as it is."""
    paths = {path: dict(operations) for path, operations in document["paths"].items()}
    paths["/chat"] = {"post": _CHAT}
    for path, operations in paths.items():
        for method, operation in operations.items():
            operations[method] = _with_errors(operation, guarded=path in _NEEDS_TOKEN)
    components = {
        "securitySchemes": _SECURITY_SCHEMES,
        "schemas": {"Problem": _PROBLEM},
    }
    return {**document, "paths": paths, "components": components}


def _with_errors(operation: dict[str, Any], *, guarded: bool) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    statuses = _ERRORS if guarded else {"503": _ERRORS["503"]}
    errors: dict[str, dict[str, Any]] = {
        status: {"description": text, "content": {MEDIA_TYPE: {"schema": schema}}}
        for status, text in statuses.items()
    }
    for status in errors.keys() & {"401", "403"}:
        errors[status]["headers"] = _CHALLENGE_HEADERS
    completed = {**operation, "responses": {**operation["responses"], **errors}}
    return {**completed, "security": _SECURITY} if guarded else completed
