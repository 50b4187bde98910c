# /// script
# requires-python = ">=3.11"
# dependencies = [
#   "fastapi==0.165.0", "uvicorn==0.54.0", "pydantic==2.14.3", "sse-starlette==3.7.0",
# ]
# ///
"""The backend that chatgate's widget asks, in one file. `uvicorn backend_minimal:app` starts it.

generate_fastapi_backend.py --auth none --db memory
wrote it, and it is yours from here on: put your own search between the marks. It reads
    CHATGATE_ENV              development, or nothing: without authentication it starts nowhere else
"""

import json
import logging
import os
import re
import secrets
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from itertools import accumulate
from typing import Annotated, Any, Literal
from unicodedata import category, normalize

from fastapi import Depends, FastAPI, Path, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import JSONResponse
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from sse_starlette import EventSourceResponse
from starlette.exceptions import HTTPException

# Sizes in bytes, times in seconds.
MAX_BODY, MAX_CONVERSATION, MAX_SESSIONS, LIFE = 262_144, 262_144, 50, 86_400
CODES = {400: "invalid_json", 404: "not_found", 405: "method_not_allowed", 413: "body_too_large"}
MISSHAPEN = {"json_invalid": (400, "invalid_json"), "extra_forbidden": (422, "unknown_member")}
SESSION_ID, NO_STORE = "^[A-Za-z0-9_-]{1,64}$", {"Cache-Control": "no-store"}
ORIGINS = ["http://localhost:3000", "http://127.0.0.1:3000"]
# Taken from both ends of a text: white space of every kind, and the zero width space.
BLANK = "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff"
BLANK += "".join(map(chr, range(0x2000, 0x200C)))
SENT, TRIMMED = Field(max_length=65_536), AfterValidator(lambda text: text.strip(BLANK))
# Marks, and the vowels and finals of Hangul: no language has more than 30 of them in a row (UAX 15).
MARKS = [one for one in map(chr, (*range(0x300, 0x20000), *range(0xE0100, 0xE01F0))) if "M" in category(one)]
JOINING = {*MARKS, *map(chr, (*range(0x1160, 0x1200), *range(0xD7B0, 0xD7FC)))}
Message = dict[str, Any]
Part = tuple[str, Message]
log = logging.getLogger("uvicorn.error")


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    log.warning("There is no authentication: any client that knows a session id has its conversation.")
    yield


api = FastAPI(openapi_url=None, max_body_size=MAX_BODY, lifespan=lifespan)


class Problem(HTTPException):
    """An answer other than success (RFC 9457). `detail` repeats nothing of what was sent."""

    def __init__(self, status: int, code: str, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(status, detail, headers)
        self.code = code


@api.exception_handler(Exception)
@api.exception_handler(HTTPException)
@api.exception_handler(RequestValidationError)
async def render(_: Request, error: Exception) -> Response:
    status, detail = getattr(error, "status_code", 500), getattr(error, "detail", "This is a defect.")
    code = getattr(error, "code", CODES.get(status, "internal_error"))
    if isinstance(error, RequestValidationError):
        fault, detail = error.errors()[0], "It is no JSON, or a member is missing, unknown or misshapen."
        status, code = MISSHAPEN.get(fault["type"], (422, f"invalid_{(*fault['loc'], 'body')[1]}"))
    headers = {**NO_STORE, **(getattr(error, "headers", None) or {})}
    body = {"status": status, "code": code, "detail": detail}
    return JSONResponse(body, status, headers, "application/problem+json")


def composed(text: str) -> str:
    """A selection as the widget and the chat proxy count it: at most 30 of JOINING in a row."""
    text = text.replace("\r\n", "\n").translate({0x0D: "\n", 0xA0: " ", 0x200B: "", 0xFEFF: ""})
    # NFC sorts a row by insertion, which takes seconds for thousands. It makes one of four at most.
    for most in 128, 30:
        if max(accumulate(text, lambda row, one: (row + 1) * (one in JOINING), initial=0)) > most:
            raise ValueError("too many marks in a row")
        text = normalize("NFC", text)
    return text.strip(BLANK)


class Question(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    message: Annotated[str, SENT, TRIMMED, Field(min_length=1, max_length=4_000)]
    selected_text: Annotated[str, SENT, AfterValidator(composed), Field(min_length=1, max_length=12_000)] = ""
    session_id: str = Field(default_factory=lambda: secrets.token_urlsafe(12), pattern=SESSION_ID)
    mode: Literal["normal", "selection_only"] = "normal"


class Store:
    """Conversations in this process: no other worker knows them, and they end with it."""

    def __init__(self) -> None:
        # By session_id and owner: the end of its life and its messages. The session written last is last.
        self._kept: dict[tuple[str, str], tuple[float, str]] = {}

    async def read(self, owner: str, session_id: str) -> list[Message]:
        """The messages, the oldest first; none where the owner has no such conversation."""
        until, messages = self._kept.get((session_id, owner), (0.0, "[]"))
        return list(json.loads(messages)) if until > time.monotonic() else []

    async def write(self, owner: str, session_id: str, messages: list[Message], is_new: bool) -> None:
        """Puts the messages in place of those that were there. One that is not new must be there still."""
        if self._kept.pop((session_id, owner), None) or is_new:
            self._kept[session_id, owner] = time.monotonic() + LIFE, json.dumps(messages)
        for key in [key for key in self._kept if key[1] == owner][:-MAX_SESSIONS] + [*self._kept][:-1_000]:
            self._kept.pop(key, None)

    async def all(self, owner: str) -> dict[str, list[Message]]:
        """The owner's conversations by session_id."""
        self._kept = {key: kept for key, kept in self._kept.items() if kept[0] > time.monotonic()}
        return {key[0]: json.loads(kept[1]) for key, kept in self._kept.items() if key[1] == owner}

    async def delete(self, owner: str, session_id: str) -> bool:
        """False where there was none."""
        return self._kept.pop((session_id, owner), (0.0, ""))[0] > time.monotonic()


store = Store()
for name in "CHATGATE_ENV", "ENVIRONMENT", "VERCEL_ENV", "RAILWAY_ENVIRONMENT_NAME", "RENDER", "FLY_APP_NAME":
    if os.environ.get(name, "") not in ("", "development"):
        sys.exit(
            f"{name} is set, and not to development. This backend has no authentication: any client that"
            " knows a session id has its conversation. Generate one with --auth better-auth or --auth proxy."
        )


def everybody(request: Request) -> str:
    """One owner has every conversation: a client's session id is trusted, and nothing else is asked."""
    # CORS alone would let another site's page ask, and hide the answer.
    if request.headers.get("origin", ORIGINS[0]) not in ORIGINS:
        raise Problem(403, "origin_not_allowed", "This page is not one of the site's.")
    return "everybody"


Owner = Annotated[str, Depends(everybody)]


# >>> Retrieval: put your own search in place of this example, down to the other mark.
BOOK = [
    {"title": "Calibration", "url": "/docs/calibration", "quote": "Calibrate the sensor every two weeks."},
    {"title": "Recording", "url": "/docs/recording", "quote": "It records a value every ten minutes."},
]


async def retrieve(question: Question) -> list[Message]:
    """The passages to answer from, the best first. Here: those that share words with the question."""
    asked = set(re.findall(r"\w{4,}", f"{question.message} {question.selected_text}".lower()))
    found = [(len(asked.intersection(re.findall(r"\w{4,}", one["quote"].lower()))), one) for one in BOOK]
    return [one for shared, one in sorted(found, key=lambda one: -one[0]) if shared]


# <<< The end of retrieval.


async def answer(question: Question, history: list[Message]) -> AsyncGenerator[Part, None]:
    """A quotation: of a selection_only question, from the selection. Ask a language model here."""
    if question.mode == "selection_only":
        asked = set(re.findall(r"\w{4,}", question.message.lower()))
        sentences = re.split(r"(?<=[.!?])\s+", question.selected_text or "")
        yield "delta", {"text": max(sentences, key=lambda one: len(asked & set(one.lower().split())))}
        return
    passages = await retrieve(question)
    yield "delta", {"text": passages[0]["quote"] if passages else "Nothing was found that answers this."}
    for one in passages[:1]:
        yield "citation", one


async def exchange(owner: str, question: Question, before: list[Message]) -> AsyncGenerator[Part, None]:
    """The start, the parts of an answer, and "done" with all of it, once its conversation has it."""
    told: Message = {"message_id": secrets.token_urlsafe(12), "ratings": False}  # Nothing keeps them.
    ids = {"session_id": question.session_id, **told}
    asked: Message = {"role": "user", "content": question.message, "at": int(time.time() * 1000)}
    asked |= {name: value for name, value in question if name in ("mode", "selected_text") and value}
    answered: Message = {"role": "assistant", "content": "", **told, "citations": []}
    yield "start", ids
    async with aclosing(answer(question, before[-6:] if question.mode == "normal" else [])) as parts:
        async for name, data in parts:
            answered["content"] += data.get("text", "")
            answered["citations"] += [data] if name == "citation" else []
            yield name, data
    messages = [*await store.read(owner, question.session_id), asked, answered]
    while len(messages) > 2 and len(json.dumps(messages)) > MAX_CONVERSATION:
        del messages[:2]
    await store.write(owner, question.session_id, messages, is_new=not before)
    yield "done", {"response": answered["content"], **ids, "citations": answered["citations"]}


async def events(parts: AsyncGenerator[Part, None]) -> AsyncIterator[Message]:
    try:
        async for name, data in parts:
            yield {"event": name, "data": json.dumps({} if name == "done" else data, ensure_ascii=False)}
    except Problem as problem:
        yield {"event": "error", "data": json.dumps({"code": problem.code, "message": problem.detail})}


@api.post("/chat")
async def chat(request: Request, owner: Owner, question: Question) -> Response:
    if question.mode == "selection_only" and not question.selected_text:
        raise Problem(422, "invalid_selected_text", "selection_only needs a selected_text.")
    parts = exchange(owner, question, await store.read(owner, question.session_id))
    if "text/event-stream" in request.headers.get("accept", ""):
        return EventSourceResponse(events(parts), sep="\n")
    return JSONResponse([data async for _, data in parts][-1], headers=NO_STORE)


@api.get("/sessions")
async def list_sessions(owner: Owner) -> Response:  # the latest first, also of two in one millisecond
    kept = sorted((await store.all(owner)).items(), key=lambda one: one[1][-2]["at"])[::-1]
    found = [{"session_id": one, "title": m[0]["content"][:80], "updated_at": m[-2]["at"]} for one, m in kept]
    return JSONResponse({"sessions": found}, headers=NO_STORE)


@api.get("/sessions/{session_id}")
async def read_session(owner: Owner, session_id: Annotated[str, Path(pattern=SESSION_ID)]) -> Response:
    if messages := await store.read(owner, session_id):
        return JSONResponse({"session_id": session_id, "messages": messages}, headers=NO_STORE)
    raise Problem(404, "not_found", "There is no such conversation of yours.")


@api.delete("/sessions/{session_id}")
async def delete_session(owner: Owner, session_id: Annotated[str, Path(pattern=SESSION_ID)]) -> Response:
    if await store.delete(owner, session_id):
        return Response(status_code=204, headers=NO_STORE)
    raise Problem(404, "not_found", "There is no such conversation of yours.")


@api.get("/readyz")
async def ready() -> Response:
    await store.read("", "")
    return JSONResponse({"status": "ready"}, headers=NO_STORE)


# Around everything, so that an answer to a defect has its headers too.
app = CORSMiddleware(api, ORIGINS, ["GET", "POST", "DELETE"], ["*"], expose_headers=["*"])
