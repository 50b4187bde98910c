"""Additions to FastAPI's OpenAPI document: POST /chat, the feedback's body, the token, the errors."""

from typing import Any, Final

from chat_proxy.clients import native, openai, ui_messages
from chat_proxy.clients.openai import MAX_MESSAGES
from chat_proxy.clients.ui_messages import TRIGGERS
from chat_proxy.conversations.feedback import RATINGS
from chat_proxy.questions.messages import MAX_MESSAGE, MAX_SELECTION, MODES, SESSION_ID_PATTERN
from edge.http.problems import MEDIA_TYPE
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
    "404": "There is no such conversation, or answer, of this reader.",
    "413": "The body is too large.",
    "415": "The body is not JSON.",
    "422": "The JSON is no question, or no rating, or a parameter is not of its form.",
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
_COMPLETION: Final = {
    "type": "object",
    "required": ["model", "messages"],
    "properties": {
        "model": {
            "type": "string",
            "description": "One of `GET /v1/models`: a backend that the site allows.",
        },
        "messages": {
            "type": "array",
            "minItems": 1,
            "maxItems": MAX_MESSAGES,
            "items": {
                "type": "object",
                "required": ["role", "content"],
                "properties": {"role": {"type": "string", "enum": ["user", "assistant"]}, "content": {}},
            },
        },
        "stream": {"type": "boolean", "default": False},
        "stream_options": {"type": "object", "properties": {"include_usage": {"type": "boolean"}}},
        "chatgate": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                name: value
                for name, value in _QUESTION["properties"].items()  # type: ignore[attr-defined]
                if name != "message"
            },
        },
    },
}
_UI_MESSAGES: Final = {
    "type": "object",
    "required": ["messages"],
    "additionalProperties": False,
    "properties": {
        **_COMPLETION["properties"]["chatgate"]["properties"],  # type: ignore[index]
        "id": {"type": "string", "pattern": SESSION_ID_PATTERN},
        "messages": {
            "type": "array",
            "minItems": 1,
            "maxItems": MAX_MESSAGES,
            "items": {
                "type": "object",
                "properties": {
                    "role": {"type": "string", "enum": ["user", "assistant"]},
                    "parts": {"type": "array", "items": {"type": "object"}},
                },
            },
        },
        "trigger": {"type": "string", "enum": list(TRIGGERS)},
        "messageId": {},
        "model": {"type": "string"},
    },
}
_OPENAI_ERROR: Final = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {"message": _TEXT, "type": _TEXT, "param": {}, "code": _TEXT},
        },
    },
}
_EVENTS: Final = {"text/event-stream": {"schema": _TEXT}}
_OPENAI: Final = {
    "summary": "Ask a question as a client of OpenAI's chat completions",
    "operationId": "chat_completions",
    "requestBody": {"required": True, "content": {"application/json": {"schema": _COMPLETION}}},
    "responses": {
        "200": {
            "description": "A chat completion, or its chunks for `stream`.",
            "content": {"application/json": {"schema": {"type": "object"}}, **_EVENTS},
        },
    },
}
_AI: Final = {
    "summary": "Ask a question as `useChat` of npm `ai`",
    "operationId": "ui_messages",
    "requestBody": {"required": True, "content": {"application/json": {"schema": _UI_MESSAGES}}},
    "responses": {"200": {"description": "The UI message stream, version 1.", "content": _EVENTS}},
}
_FEEDBACK: Final = {
    "type": "object",
    "required": ["message_id", "rating"],
    "additionalProperties": False,
    "properties": {
        "message_id": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"},
        "rating": {"enum": [*RATINGS, None], "description": "null takes a rating back."},
    },
}
_FEEDBACK_PATH: Final = "/sessions/{session_id}/feedback"
_MODELS: Final = (openai.MODELS, f"{openai.MODELS}/{{model}}")
_NEEDS_TOKEN: Final = (
    *(native.PATH, openai.PATH, ui_messages.PATH, *_MODELS),
    *("/sessions", "/sessions/{session_id}", _FEEDBACK_PATH),
)
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
    """A copy of `document` with what FastAPI cannot know."""
    paths = {path: dict(operations) for path, operations in document["paths"].items()}
    paths |= {native.PATH: {"post": _CHAT}, openai.PATH: {"post": _OPENAI}, ui_messages.PATH: {"post": _AI}}
    rated = {"required": True, "content": {"application/json": {"schema": _FEEDBACK}}}
    paths[_FEEDBACK_PATH] = {"post": {**paths[_FEEDBACK_PATH]["post"], "requestBody": rated}}
    for path, operations in paths.items():
        for method, operation in operations.items():
            operations[method] = _with_errors(path, operation)
    components = {
        "securitySchemes": _SECURITY_SCHEMES,
        "schemas": {"Problem": _PROBLEM, "OpenAIError": _OPENAI_ERROR},
    }
    return {**document, "paths": paths, "components": components}


def _with_errors(path: str, operation: dict[str, Any]) -> dict[str, Any]:
    guarded = path in _NEEDS_TOKEN
    is_openai = path.startswith(openai.ROOT)
    schema = {"$ref": f"#/components/schemas/{'OpenAIError' if is_openai else 'Problem'}"}
    media_type = "application/json" if is_openai else MEDIA_TYPE
    statuses = _ERRORS if guarded else {"503": _ERRORS["503"]}
    errors: dict[str, dict[str, Any]] = {
        status: {"description": text, "content": {media_type: {"schema": schema}}}
        for status, text in statuses.items()
    }
    for status in errors.keys() & {"401", "403"}:
        errors[status]["headers"] = _CHALLENGE_HEADERS
    completed = {**operation, "responses": {**operation["responses"], **errors}}
    return {**completed, "security": _SECURITY} if guarded else completed
