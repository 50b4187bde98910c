"""OpenAI's chat completions, POST /v1/chat/completions and GET /v1/models, for their unchanged clients.

`model` is the name of a backend that the site allows. The client sends the whole conversation with each
question, so nothing is kept, unless it names a conversation of ours in the member `chatgate`, which their
SDKs send as `extra_body`: `{"session_id"?, "mode"?, "selected_text"?}`.
"""

from collections.abc import Generator, Mapping, Sequence
from functools import partial
from typing import Any, Final

import orjson
from starlette.datastructures import Headers
from starlette.responses import Response

from chat_proxy.clients.form import Asking
from chat_proxy.config import Backend, Site
from chat_proxy.conversations import conversations
from chat_proxy.failures import Failure
from chat_proxy.gate import Caller
from chat_proxy.parts import Citation, Delta, Part
from chat_proxy.questions import messages
from chat_proxy.streams.responses import ClientResponse, DocumentResponse, EventsResponse, Opening
from edge.http.problems import Problem

ROOT: Final = "/v1/"
PATH: Final = "/v1/chat/completions"
MODELS: Final = "/v1/models"
OWN: Final = "chatgate"
MAX_MESSAGES: Final = 500
"""Messages of one request; only the last ones go to the backend."""
LONGEST_WAIT: Final = 60
"""Seconds: OpenAI's SDK for Node takes a longer Retry-After as if there was none, and asks again at once."""
OWN_MEMBERS: Final = frozenset({"session_id", "mode", "selected_text"})
WITHOUT_EFFECT: Final = frozenset(
    {
        *("temperature", "top_p", "max_tokens", "max_completion_tokens", "presence_penalty", "seed", "user"),
        *("frequency_penalty", "reasoning_effort", "verbosity", "metadata", "store", "service_tier"),
        *("safety_identifier", "prompt_cache_key", "prompt_cache_retention", "parallel_tool_calls"),
    }
)
"""Members that tune a model or name a user: the operator's own settings hold instead."""
_DEFAULTS: Final[Mapping[str, tuple[Any, ...]]] = {
    "n": (1,),
    "response_format": ({"type": "text"},),
    "logprobs": (False,),
    "tools": ([],),
    "tool_choice": ("none", "auto"),
    "modalities": (["text"],),
}
"""Members that would change the answer, with the values that ask for no change; null asks for none either."""
_TYPES: Final = {
    401: "authentication_error",
    403: "permission_error",
    429: "rate_limit_error",
}
UNPROCESSABLE: Final = 422


class OpenAI:
    def read(self, caller: Caller, headers: Headers, body: Any) -> Generator[None, None, Asking]:
        if not isinstance(body, dict):
            raise Problem(422, "invalid_body", "Send a JSON object.")
        _require_supported(body)
        backend = backend_of(caller.site, body.get("model"))
        own = _own(body)
        earlier, last = _turns(body.get("messages"))
        question = yield from messages.parse({**own, "message": last})
        live, counts = _stream(body)
        is_kept = question.session_id is not None
        respond = partial(_events, backend, counts) if live else partial(_document, backend)
        return Asking(question, backend, live, respond, None if is_kept else earlier, keeps=is_kept)


def models(site: Site) -> dict[str, Any]:
    """The list of the models that a site's clients may name."""
    return {"object": "list", "data": [model(one) for one in site.backends.values()]}


def model(backend: Backend) -> dict[str, Any]:
    # The SDKs want a time; the configuration does not say since when it has the backend.
    return {"id": backend.name, "object": "model", "created": 0, "owned_by": "chatgate"}


def backend_of(site: Site, name: Any) -> Backend:
    """Raises Problem 404."""
    found = site.backends.get(name) if isinstance(name, str) else None
    if found is None:
        raise Problem(404, "model_not_found", "model is one of those that GET /v1/models lists.")
    return found


def render(problem: Problem) -> Response:
    """An error in OpenAI's shape. None echoes input."""
    # OpenAI's own services never send a 422, and older clients do not understand it.
    status = 400 if problem.status == UNPROCESSABLE else problem.status
    kind = _TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    headers = {"Cache-Control": "no-store", **problem.headers}
    if int(headers.get("Retry-After", 0)) > LONGEST_WAIT:
        headers["X-Should-Retry"] = "false"
    body = {"error": _error(problem.detail, kind, problem.code)}
    return Response(orjson.dumps(body), status, headers, "application/json")


def _error(message: str, kind: str, code: str) -> dict[str, Any]:
    return {"message": message, "type": kind, "param": None, "code": code}


def _require_supported(body: Mapping[str, Any]) -> None:
    """Raises Problem 400 for a member that would change the answer, as the proxy cannot obey it."""
    known = {"model", "messages", "stream", "stream_options", OWN} | WITHOUT_EFFECT
    for name, value in body.items():
        if name in known or value is None or value in _DEFAULTS.get(name, ()):
            continue
        detail = "This service cannot obey a member of this request: leave it out."
        raise Problem(400, "unsupported_parameter", detail)


def _own(body: Mapping[str, Any]) -> dict[str, Any]:
    own = body.get(OWN, {})
    if not isinstance(own, dict) or not own.keys() <= OWN_MEMBERS:
        raise Problem(422, "unknown_member", f"{OWN} has {', '.join(sorted(OWN_MEMBERS))}.")
    return own


def _stream(body: Mapping[str, Any]) -> tuple[bool, bool]:
    """Whether events are asked for, and whether the tokens are to be told at their end."""
    options = body.get("stream_options") or {}
    live, counts = body.get("stream") or False, False
    if isinstance(options, dict):
        counts = options.get("include_usage") or False
    if not isinstance(live, bool) or not isinstance(options, dict) or not isinstance(counts, bool):
        raise Problem(422, "invalid_stream", "stream is true or false, stream_options has include_usage.")
    return live, counts


def _turns(sent: Any) -> tuple[list[dict[str, str]], str]:
    """The earlier messages, the oldest first, as far as a backend gets them, and the question."""
    if not isinstance(sent, list) or not 1 <= len(sent) <= MAX_MESSAGES:
        raise _invalid(f"messages has 1 to {MAX_MESSAGES} messages.")
    turns = [_turn(one) for one in sent]
    if turns[-1]["role"] != "user":
        raise _invalid("The last of the messages is the user's.")
    return conversations.latest(turns[:-1]), turns[-1]["content"]


def _turn(message: Any) -> dict[str, str]:
    role = message.get("role") if isinstance(message, dict) else None
    if role in ("system", "developer"):
        detail = "The instructions are the site's: send no system or developer message."
        raise Problem(400, "system_message_not_allowed", detail)
    if role not in ("user", "assistant"):
        raise _invalid("A message has the role user or assistant.")
    return {"role": role, "content": _content(message.get("content"))}


def _content(content: Any) -> str:
    if isinstance(content, str):
        return content
    texts: list[str] = []
    for part in content if isinstance(content, list) else [None]:
        match part:
            case {"type": "text", "text": str(text)}:
                texts.append(text)
            case _:
                raise _invalid("The content of a message is text.")
    return "\n".join(texts)


def _invalid(detail: str) -> Problem:
    return Problem(422, "invalid_message", detail)


def _events(backend: Backend, counts: bool, opening: Opening) -> ClientResponse:
    return CompletionEvents(backend, counts, opening)


def _document(backend: Backend, opening: Opening) -> ClientResponse:
    return CompletionDocument(backend, opening)


def _annotations(citations: Sequence[Citation]) -> list[dict[str, Any]]:
    # The place in the text to which a source belongs is not known: the span is empty.
    return [
        {
            "type": "url_citation",
            "url_citation": {"url": one.url, "title": one.title, "start_index": 0, "end_index": 0},
        }
        for one in citations
    ]


def _usage(response: ClientResponse) -> dict[str, int]:
    tokens_in, tokens_out = response.usage
    return {
        "prompt_tokens": tokens_in,
        "completion_tokens": tokens_out,
        "total_tokens": tokens_in + tokens_out,
    }


class CompletionEvents(EventsResponse):
    def __init__(self, backend: Backend, counts: bool, opening: Opening) -> None:
        super().__init__(opening)
        self._about = {
            "id": f"chatcmpl-{self.message_id}",
            "object": "chat.completion.chunk",
            "created": int(opening.at),
            "model": backend.name,
        }
        self._counts = counts

    def _start(self) -> bytes:
        return self._chunk({"role": "assistant", "content": ""})

    def _event(self, part: Part) -> bytes:
        if isinstance(part, Delta):
            return self._chunk({"content": part.text})
        return self._chunk({"annotations": _annotations([part])}) if isinstance(part, Citation) else b""

    def _end(self) -> bytes:
        events = self._chunk({}, self.ending)
        if self._counts:
            events += _data({**self._about, "choices": [], "usage": _usage(self)})
        return events + b"data: [DONE]\n\n"

    def _error(self, failure: Failure) -> bytes:
        return _data({"error": _error(failure.message, "server_error", failure.code)})

    def _chunk(self, delta: Mapping[str, Any], finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return _data({**self._about, "choices": [choice]} | ({"usage": None} if self._counts else {}))


class CompletionDocument(DocumentResponse):
    def __init__(self, backend: Backend, opening: Opening) -> None:
        super().__init__(opening)
        self._about = {"created": int(opening.at), "model": backend.name}

    def _body(self) -> dict[str, Any]:
        message = {
            "role": "assistant",
            "content": self.text,
            "refusal": None,
            "annotations": _annotations(self.citations),
        }
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": self.ending}
        about = {"id": f"chatcmpl-{self.message_id}", "object": "chat.completion", **self._about}
        return {**about, "choices": [choice], "usage": _usage(self)}


def _data(members: Mapping[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(members) + b"\n\n"
