"""The UI message stream of npm `ai`, POST /api/chat, for its unchanged `useChat`.

The chat's id is our conversation's. `mode`, `selected_text` and `model` are further members, which a page
adds by the transport's `body`.
"""

from collections.abc import Generator, Mapping
from typing import Any, Final

import orjson
from starlette.datastructures import Headers

from chat_proxy.clients.form import Asking
from chat_proxy.clients.openai import MAX_MESSAGES, backend_of
from chat_proxy.conversations import conversations, notes
from chat_proxy.failures import Failure
from chat_proxy.gate import Caller
from chat_proxy.parts import Citation, Delta, Finish, Part
from chat_proxy.questions import messages
from chat_proxy.streams.responses import EventsResponse
from edge.http.problems import Problem

PATH: Final = "/api/chat"
AGAIN: Final = "regenerate-message"
TRIGGERS: Final = ("submit-message", AGAIN)
TEXT_ID: Final = "answer"
"""The id of an answer's only text."""
_OWN: Final = frozenset({"mode", "selected_text"})
_MEMBERS: Final = frozenset({"id", "messages", "trigger", "messageId", "model", *_OWN})
_FINISHES: Final[Mapping[Finish, str]] = {
    "stop": "stop",
    "length": "length",
    "content_filter": "content-filter",
}


class UIMessages:
    def read(self, caller: Caller, headers: Headers, body: Any) -> Generator[None, None, Asking]:
        if not isinstance(body, dict) or not body.keys() <= _MEMBERS:
            raise Problem(422, "unknown_member", f"The members are {', '.join(sorted(_MEMBERS))}.")
        trigger = body.get("trigger", TRIGGERS[0])
        if trigger not in TRIGGERS:
            raise Problem(422, "invalid_body", f"trigger is {' or '.join(TRIGGERS)}.")
        backend = backend_of(caller.site, body["model"]) if "model" in body else caller.site.backend
        earlier, last = _turns(body.get("messages"))
        asked = {name: value for name, value in body.items() if name in _OWN} | {"message": last}
        if body.get("id") is not None:
            asked["session_id"] = body["id"]
        question = yield from messages.parse(asked)
        # The kept conversation still has the answer that is to be written anew; the client's messages do not.
        history = earlier if trigger == AGAIN else None
        return Asking(question, backend, True, UIMessageEvents, history)


def _turns(sent: Any) -> tuple[list[dict[str, str]], str]:
    """The earlier messages, the oldest first, as far as a backend gets them, and the question."""
    if not isinstance(sent, list) or not 1 <= len(sent) <= MAX_MESSAGES:
        raise _invalid(f"messages has 1 to {MAX_MESSAGES} messages.")
    last = sent[-1]
    if not isinstance(last, dict) or last.get("role") != "user":
        raise _invalid("The last of the messages is the user's.")
    question = _texts(last, is_question=True)
    earlier = [
        {"role": one["role"], "content": _texts(one, is_question=False)}
        for one in sent[:-1]
        if isinstance(one, dict) and one.get("role") in ("user", "assistant")
    ]
    return conversations.latest(earlier), question


def _texts(message: Mapping[str, Any], *, is_question: bool) -> str:
    """The text of a message. Raises Problem 422 for a question that is more than text."""
    texts: list[str] = []
    parts = message.get("parts")
    for part in parts if isinstance(parts, list) else [None]:
        match part:
            case {"type": "text", "text": str(text)}:
                texts.append(text)
            case _ if is_question:
                raise _invalid("The parts of a question are texts.")
    return "\n".join(texts)


def _invalid(detail: str) -> Problem:
    return Problem(422, "invalid_message", detail)


class UIMessageEvents(EventsResponse):
    fields = ((b"x-vercel-ai-ui-message-stream", b"v1"),)

    _has_text = False

    def _start(self) -> bytes:
        about = {"session_id": self.session_id, "message_id": self.message_id}
        start = _data({"type": "start", "messageId": self.message_id, "messageMetadata": about})
        return start + _data({"type": "start-step"})

    def _event(self, part: Part) -> bytes:
        if isinstance(part, Delta):
            return self._said(part.text)
        return _source(part, len(self.citations)) if isinstance(part, Citation) else b""

    def _end(self) -> bytes:
        note = notes.note(self.text, self.ending)
        events = self._said(note) if note else b""
        if self._has_text:
            events += _data({"type": "text-end", "id": TEXT_ID})
        events += _data({"type": "finish-step"})
        events += _data({"type": "finish", "finishReason": _FINISHES[self.ending]})
        return events + b"data: [DONE]\n\n"

    def _error(self, failure: Failure) -> bytes:
        return _data({"type": "error", "errorText": failure.message})

    def _said(self, text: str) -> bytes:
        start = b"" if self._has_text else _data({"type": "text-start", "id": TEXT_ID})
        self._has_text = True
        return start + _data({"type": "text-delta", "id": TEXT_ID, "delta": text})


def _source(citation: Citation, number: int) -> bytes:
    """A citation as a source. The part has no member for the quote, and an unknown one would be dropped."""
    return _data(
        {
            "type": "source-url",
            "sourceId": f"source-{number}",
            "url": citation.url,
            "title": citation.title,
            "providerMetadata": {"chatgate": {"quote": citation.quote}},
        }
    )


def _data(members: Mapping[str, Any]) -> bytes:
    return b"data: " + orjson.dumps(members) + b"\n\n"
