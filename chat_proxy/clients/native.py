"""Our own dialect, POST /chat: one JSON object, or events (docs/http.md)."""

from collections.abc import Generator
from typing import Any, Final

import orjson
from starlette.datastructures import Headers

from chat_proxy.backends import sse
from chat_proxy.clients.form import Asking
from chat_proxy.conversations import notes
from chat_proxy.failures import Failure
from chat_proxy.gate import Caller
from chat_proxy.media_types import EVENT_STREAM
from chat_proxy.parts import Citation, Delta, Part
from chat_proxy.questions import messages
from chat_proxy.streams.responses import DocumentResponse, EventsResponse

PATH: Final = "/chat"


class Native:
    def read(self, caller: Caller, headers: Headers, body: Any) -> Generator[None, None, Asking]:
        question = yield from messages.parse(body)
        live = EVENT_STREAM in headers.get("accept", "").lower()
        return Asking(question, caller.site.backend, live, NativeEvents if live else NativeDocument)


class NativeEvents(EventsResponse):
    def _start(self) -> bytes:
        start = {"session_id": self.session_id, "message_id": self.message_id}
        return sse.encode("start", orjson.dumps(start))

    def _event(self, part: Part) -> bytes:
        if isinstance(part, Delta):
            return sse.encode("delta", orjson.dumps({"text": part.text}))
        # A citation's fields are its event's members.
        return sse.encode("citation", orjson.dumps(part)) if isinstance(part, Citation) else b""

    def _end(self) -> bytes:
        note = notes.note(self.text, self.ending)
        done = sse.encode("done", orjson.dumps(notes.members(self.ending)))
        return self._event(Delta(note)) + done if note else done

    def _error(self, failure: Failure) -> bytes:
        return sse.encode("error", orjson.dumps({"code": failure.code, "message": failure.message}))


class NativeDocument(DocumentResponse):
    def _body(self) -> dict[str, Any]:
        return {
            "response": self.text + notes.note(self.text, self.ending),
            "session_id": self.session_id,
            "message_id": self.message_id,
            "citations": self.citations,
            **notes.members(self.ending),
        }
