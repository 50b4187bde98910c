"""ChatKit's server protocol, as chatkit-python speaks it: one POST for each question, answered by events.

Its server keeps the messages of a thread, so a conversation of ours goes on in its thread and no history is
sent. Every field of the request is made here; nothing of the reader's is passed on but the two texts.
"""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from chat_proxy.backends import reading, sse
from chat_proxy.backends.dialect import Asked, Reader, Request, Tell
from chat_proxy.backends.internal_token import internal_token
from chat_proxy.backends.reading import MAX_CITATIONS, NO_TEXT, Reading, Unreadable
from chat_proxy.backends.threads import is_thread
from chat_proxy.config import Backend
from chat_proxy.failures import TORN, Failure
from chat_proxy.media_types import EVENT_STREAM, JSON
from chat_proxy.parts import DONE, Citation, Delta, Part

MAX_EVENT: Final = 1_048_576
"""Bytes of one event: the server repeats the question with its selection in one, and the whole answer in
another."""
MESSAGE: Final = "assistant_message"
_PART: Final = f"{MESSAGE}.content_part."


class ChatKit:
    """Authenticates the proxy by `key`, or else by a token for exactly the body, as the native dialect
    does."""

    # An event has some 200 bytes around a few words, and the whole text comes again at its end.
    overhead = 64
    max_explanation = 0

    def request(self, backend: Backend, asked: Asked, *, live: bool, now: float) -> Request:
        question = asked.question
        message: dict[str, Any] = {
            "content": [{"type": "input_text", "text": question.message}],
            "attachments": [],
            "inference_options": {},
        }
        if question.selected_text is not None:
            message["quoted_text"] = question.selected_text
        params: dict[str, Any] = {"input": message}
        if asked.thread is not None:
            params["thread_id"] = asked.thread
        body = orjson.dumps(
            {
                "type": "threads.create" if asked.thread is None else "threads.add_user_message",
                "params": params,
                "metadata": {"mode": question.mode},
            }
        )
        key = backend.key or internal_token(backend, body, now)
        headers = {"Content-Type": JSON, "Accept": EVENT_STREAM, "Authorization": f"Bearer {key}"}
        return Request(body, headers)

    def reader(self, media_type: str, asked: Asked, tell: Tell) -> Reader | None:
        return Events(asked.thread, tell) if media_type == EVENT_STREAM else None

    def refusal(self, status: int, headers: Mapping[str, str]) -> Failure:
        return reading.refusal(status, headers)

    def explanation(self, body: bytes) -> str:
        return ""


class Events(Reading):
    """Reads a thread's events. There is no last one: the end of the bytes ends the answer, if a message of
    the assistant's was done by then. `thread` is the thread's id, once it is known."""

    __slots__ = ("_cited", "_done", "_parser", "_said", "_started", "thread")

    def __init__(self, thread: str | None, tell: Tell) -> None:
        super().__init__(tell)
        self.thread = thread
        self._parser = sse.Parser(MAX_EVENT)
        self._said: set[tuple[str, int]] = set()
        self._started = ""
        self._done = False
        self._cited: set[str] = set()

    def feed(self, chunk: bytes) -> list[Part]:
        parts: list[Part] = []
        try:
            for _, data in self._parser.feed(chunk):
                parts += self._event(reading.members_of(data))
        except (Unreadable, sse.TooLong) as error:
            parts.append(self.failed(error))
        return parts

    def close(self) -> list[Part]:
        if not self._done:
            self._tell("its stream ended without an answer")
            return [TORN]
        if not self._said:
            return [self.failed(Unreadable(NO_TEXT))]
        return [DONE]

    def _event(self, event: dict[str, Any]) -> list[Part]:
        match event:
            case {"type": "thread.created", "thread": {"id": str(thread)}} if is_thread(thread):
                self.thread = thread
            case {"type": "error"}:
                code = event.get("code")
                raise Unreadable(f"it told of an error: {code if code == 'stream.error' else 'of its own'}")
            case {"type": "thread.item.added", "item": {"type": "assistant_message", "id": str(item)}}:
                self._done = False
                return self._whole(item, event["item"].get("content"))
            case {
                "type": "thread.item.updated",
                "item_id": str(item),
                "update": {"type": str(kind)} as update,
            }:
                if kind.startswith(_PART):
                    return self._updated(item, kind.removeprefix(_PART), update)
            case {"type": "thread.item.done", "item": {"type": "assistant_message", "id": str(item)}}:
                self._done = True
                return self._whole(item, event["item"].get("content"))
        # Progress, notices, workflows, widgets and the reader's own message are the server's business.
        return []

    def _updated(self, item: str, kind: str, update: Mapping[str, Any]) -> list[Part]:
        index = update.get("content_index")
        if not isinstance(index, int):
            raise Unreadable("content_index is no number")
        if kind == "text_delta":
            return self._delta(item, index, reading.text_of(dict(update), "delta"))
        if kind == "annotation_added":
            return self._citations([update.get("annotation")])
        content = update.get("content")
        return self._part(item, index, content) if isinstance(content, dict) else []

    def _whole(self, item: str, content: Any) -> list[Part]:
        """The contents of a message that were not streamed before."""
        parts: list[Part] = []
        for index, one in enumerate(content if isinstance(content, list) else []):
            if isinstance(one, dict):
                parts += self._part(item, index, one)
        return parts

    def _part(self, item: str, index: int, content: Mapping[str, Any]) -> list[Part]:
        text = content.get("text")
        is_new = (item, index) not in self._said and isinstance(text, str) and text
        said = self._delta(item, index, str(text)) if is_new else []
        annotations = content.get("annotations")
        return [*said, *self._citations(annotations if isinstance(annotations, list) else [])]

    def _delta(self, item: str, index: int, text: str) -> list[Part]:
        if not text:
            return []
        # Several parts, or messages, of one answer are paragraphs of it.
        apart = "\n\n" if self._said and (item, index) not in self._said else ""
        self._said.add((item, index))
        self.written += len(text.encode("utf-8", "replace"))
        return [Delta(apart + text)]

    def _citations(self, annotations: list[Any]) -> list[Part]:
        found: list[Part] = []
        for one in annotations:
            citation = _citation(one)
            if citation is not None and citation.url not in self._cited and len(self._cited) < MAX_CITATIONS:
                self._cited.add(citation.url)
                found.append(citation)
        return found


def _citation(annotation: Any) -> Citation | None:
    """The citation of an annotation with an address; files and entities have none that a page could open."""
    match annotation:
        case {"source": {"type": "url", "url": str(url), "title": str(title)} as source}:
            quote = source.get("description")
            return reading.cited(title or url, url, quote if isinstance(quote, str) else "")
    return None
