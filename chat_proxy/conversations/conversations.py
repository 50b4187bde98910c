"""A reader's conversations at a site, kept in Redis under the user's tag: no reader can name another's."""

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import orjson

from chat_proxy import redis_keys
from chat_proxy.conversations import notes
from chat_proxy.parts import Citation, Finish
from chat_proxy.questions.messages import Question
from edge.http.problems import Problem
from edge.redis.client import Store, command
from tokens import readers

MAX_HISTORY: Final = 10
"""Messages of a conversation that go with a question."""
MAX_HISTORY_BYTES: Final = 16_384
"""Bytes of the earlier messages that are sent with a question; the oldest beyond it are left out."""
READS_AT_ONCE: Final = 2
"""Reads of one reader: each parses a whole conversation and serialises it anew."""
MAX_CONVERSATION: Final = 262_144
"""Bytes of one conversation's messages as they are stored."""
MAX_TITLE: Final = 80
"""Characters of the first message by which a conversation is listed."""
BEGINNING: Final = 640
"""Bytes of a stored message that hold MAX_TITLE characters of it: each takes six at most."""

# The content of a message as `stored` and `answer` write it, up to its last whole character or escape.
_CONTENT: Final = re.compile(r'\{"role":"[a-z]+","content":"((?:[^"\\]|\\["\\/bfnrt]|\\u[0-9a-f]{4})*)')


def answer(
    text: str, message_id: str, citations: Sequence[Citation], ending: Finish = "stop", thread: str = ""
) -> bytes:
    """An answer as it is kept; it says so if it was cut short, and it names its backend's thread if it has
    one."""
    members = {"role": "assistant", "content": text, "message_id": message_id, "citations": citations}
    return orjson.dumps(members | notes.members(ending) | ({"thread": thread} if thread else {}))


def stored(question: Question, asked_at: int, answer: bytes) -> tuple[bytes, bytes]:
    """A question and its answer as they are kept; `asked_at` is ms since the epoch. The selected passage is
    left out where it does not fit in a conversation beside the two."""
    members = {"role": "user", "content": question.message, "mode": question.mode, "at": asked_at}
    asked = orjson.dumps(members)
    if question.selected_text is not None:
        whole = orjson.dumps({**members, "selected_text": question.selected_text})
        asked = whole if len(whole) + len(answer) <= MAX_CONVERSATION else asked
    return asked, answer


def history(messages: Sequence[bytes]) -> list[dict[str, str]]:
    """The latest of the stored messages that fit, the oldest first, in the form that a backend receives."""
    loaded = map(orjson.loads, reversed(messages))
    return _latest({"role": one["role"], "content": one["content"]} for one in loaded)


def thread(messages: Sequence[bytes]) -> str:
    """The note of the latest of the stored messages that names a thread; "" where none does."""
    notes_of = (orjson.loads(raw).get("thread", "") for raw in reversed(messages))
    return next(filter(None, notes_of), "")


def latest(turns: Sequence[dict[str, str]]) -> list[dict[str, str]]:
    """The same for the messages that a client sent with its question."""
    return _latest(reversed(turns[-MAX_HISTORY:]))


def _latest(newest_first: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    turns: list[dict[str, str]] = []
    size = 0
    for turn in newest_first:
        size += len(turn["content"].encode())
        if size > MAX_HISTORY_BYTES:
            break
        turns.append(turn)
    # A history begins with a question, as chat models expect.
    if turns and turns[-1]["role"] != "user":
        turns.pop()
    turns.reverse()
    # An answer that was held back has no text, and some models refuse an empty turn: its question goes too.
    held_back = {at for at, one in enumerate(turns) if not one["content"].strip()}
    return [one for at, one in enumerate(turns) if at not in held_back and at + 1 not in held_back]


class Conversations:
    """The conversations of a `reader`, who is one user at one site (Caller.reader). Every method raises
    StoreUnavailable when Redis gave no sure answer."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._reads: Counter[str] = Counter()

    @contextmanager
    def reading(self, reader: str) -> Iterator[None]:
        """Enclose one read. Raises Problem 429 when the reader has READS_AT_ONCE under way already."""
        if self._reads.get(reader, 0) >= READS_AT_ONCE:
            raise Problem(429, "rate_limited", "Read one conversation at a time.", {"Retry-After": "1"})
        self._reads[reader] += 1
        try:
            yield
        finally:
            self._reads[reader] -= 1
            if not self._reads[reader]:
                del self._reads[reader]

    async def all(self, reader: str) -> list[dict[str, Any]]:
        """Each one's id, title and time of its last question (ms since the epoch), the latest first."""
        names = [readers.conversations(reader)]
        [reply] = await self._store.run(
            redis_keys.LIST.call(names, readers.conversation(reader, ""), BEGINNING)
        )
        return [
            {
                "session_id": session_id.decode(),
                "title": _title(first),
                "updated_at": updated_at,
            }
            for session_id, updated_at, first in zip(reply[::3], reply[1::3], reply[2::3], strict=True)
        ]

    async def messages(self, reader: str, session_id: str) -> list[dict[str, Any]] | None:
        """The messages, the oldest first; None when this reader has no such conversation."""
        [reply] = await self._store.run(command("LRANGE", readers.conversation(reader, session_id), 0, -1))
        return [_shown(orjson.loads(raw)) for raw in reply] or None

    async def delete(
        self, reader: str, session_id: str, erase: Callable[[Sequence[str]], Awaitable[None]]
    ) -> bool:
        """Delete a conversation; False when there was none. An answer that is under way is no longer
        appended.

        `erase` is called with the ids of the rated answers before anything is deleted: a client whose request
        fails there finds the conversation unchanged, and may repeat the request.
        """
        names = [
            readers.conversations(reader),
            readers.conversation(reader, session_id),
            redis_keys.leases(reader),
            readers.gone(reader, session_id),
        ]
        erased: list[str] = []
        while True:
            [reply] = await self._store.run(redis_keys.DELETE.call(names, session_id, *erased))
            if isinstance(reply, int):
                return bool(reply)
            # Repeated for answers rated meanwhile; the loop ends, as a conversation holds few answers.
            rated = [one.decode() for one in reply]
            await erase(rated)
            erased += rated


def _shown(message: dict[str, Any]) -> dict[str, Any]:
    """A message as its reader saw it: with the note that its answer was cut short."""
    # The thread concerns the proxy and its backend alone.
    message.pop("thread", None)
    ending: Finish = message.get("finish_reason", "stop")
    return {**message, "content": message["content"] + notes.note(message["content"], ending)}


def _title(beginning: bytes) -> str:
    """The title from the first BEGINNING bytes of a stored message."""
    found = _CONTENT.match(beginning.decode("utf-8", "ignore"))
    content: str = orjson.loads(f'"{found[1]}"') if found else ""
    return content[:MAX_TITLE]
