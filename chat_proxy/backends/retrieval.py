"""The retrieval hook: the operator's own search, asked for passages before a model is asked.

`POST retrieve_url` with `{"message", "selected_text"}` and an internal JWT for exactly that body, as
docs/decisions/0002 describes it; the answer is `{"passages": [{"title", "url", "text", "quote"?}]}`, the best
first.
"""

from typing import Any, Final

import orjson

from chat_proxy.backends import reading
from chat_proxy.backends.dialect import Passage, Request
from chat_proxy.backends.internal_token import internal_token
from chat_proxy.backends.reading import MAX_QUOTE, MAX_TITLE, Unreadable
from chat_proxy.config import Backend
from chat_proxy.media_types import JSON
from chat_proxy.questions.messages import Question

MAX_ANSWER: Final = 262_144
"""Bytes of the hook's answer."""
MAX_PASSAGES: Final = 20
MAX_PASSAGE: Final = 4_000
"""Characters of a passage; a longer one is cut."""
MAX_TEXT: Final = 32_768
"""Bytes of all passages, which a question reserves; those beyond are left out."""
QUOTED: Final = 300
"""Characters of a passage that are its quote where the hook names none."""


def wanted(backend: Backend, question: Question) -> bool:
    """Return True if passages are to be found: never for an answer from the selection alone."""
    return backend.retrieve_url is not None and question.mode == "normal"


def request(backend: Backend, question: Question, now: float) -> Request:
    """The POST to the hook, which names no reader. `now` is seconds since the epoch."""
    body = orjson.dumps({"message": question.message, "selected_text": question.selected_text})
    authorization = f"Bearer {internal_token(backend, body, now)}"
    return Request(body, {"Content-Type": JSON, "Accept": JSON, "Authorization": authorization})


def passages(body: bytes) -> list[Passage]:
    """The passages in the hook's answer. Raises Unreadable."""
    found = reading.members_of(body).get("passages")
    if not isinstance(found, list):
        raise Unreadable("passages is no list")
    read = [_passage(one) for one in found[:MAX_PASSAGES]]
    kept: list[Passage] = []
    size = 0
    for one in read:
        size += len(one.text.encode()) + len(one.title.encode())
        if size > MAX_TEXT:
            break
        kept.append(one)
    return kept


def _passage(members: Any) -> Passage:
    if not isinstance(members, dict):
        raise Unreadable("a passage is no JSON object")
    title, url, text = (reading.text_of(members, name) for name in ("title", "url", "text"))
    quote = reading.text_of(members, "quote") if "quote" in members else text[:QUOTED]
    return Passage(title[:MAX_TITLE], url, text[:MAX_PASSAGE], quote[:MAX_QUOTE])
