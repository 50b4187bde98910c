"""A reader's conversations, kept in Redis under their own tag: nobody can name another's."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import orjson

from chat_proxy import keys
from chat_proxy.backends.native import Citation
from edge.problems import Problem
from edge.store import Store, command

MAX_HISTORY_BYTES: Final = 16_384
"""Bytes of the messages that go with a question; beyond it the oldest stay behind."""
READS_AT_ONCE: Final = 2
"""Of one reader: a whole conversation is parsed and written anew for each."""
MAX_TITLE: Final = 80
"""Characters of the first message by which a conversation is listed."""


def stored(question: str, answer: str, message_id: str, citations: Sequence[Citation]) -> tuple[bytes, bytes]:
    """A question and its answer as they are kept."""
    reply = {
        "role": "assistant",
        "content": answer,
        "message_id": message_id,
        "citations": citations,
    }
    return orjson.dumps({"role": "user", "content": question}), orjson.dumps(reply)


def history(messages: Sequence[bytes]) -> list[dict[str, str]]:
    """The latest of the stored messages that fit, the oldest first, as a backend is sent them."""
    turns: list[dict[str, str]] = []
    size = 0
    for raw in reversed(messages):
        message = orjson.loads(raw)
        size += len(message["content"].encode())
        if size > MAX_HISTORY_BYTES:
            break
        turns.append({"role": message["role"], "content": message["content"]})
    # A history begins with a question, as chat models expect.
    if turns and turns[-1]["role"] != "user":
        turns.pop()
    return turns[::-1]


class Conversations:
    """Every verb raises StoreUnavailable when Redis gave no sure answer."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._reads: Counter[str] = Counter()

    @contextmanager
    def reading(self, sub: str) -> Iterator[None]:
        """Around one read. Raises Problem 429 when the reader has READS_AT_ONCE under way already."""
        if self._reads.get(sub, 0) >= READS_AT_ONCE:
            raise Problem(429, "rate_limited", "Read one conversation at a time.", {"Retry-After": "1"})
        self._reads[sub] += 1
        try:
            yield
        finally:
            self._reads[sub] -= 1
            if not self._reads[sub]:
                del self._reads[sub]

    async def all(self, sub: str) -> list[dict[str, Any]]:
        """Each one's id, title and time of its last question (ms since the epoch), the latest first."""
        names = [keys.conversations(sub)]
        [reply] = await self._store.run(keys.LIST.call(names, keys.conversation(sub, "")))
        return [
            {
                "session_id": session_id.decode(),
                "title": orjson.loads(first)["content"][:MAX_TITLE],
                "updated_at": updated_at,
            }
            for session_id, updated_at, first in zip(reply[::3], reply[1::3], reply[2::3], strict=True)
        ]

    async def messages(self, sub: str, session_id: str) -> list[dict[str, Any]] | None:
        """The messages, the oldest first; None when this reader has no such conversation."""
        [reply] = await self._store.run(command("LRANGE", keys.conversation(sub, session_id), 0, -1))
        return [orjson.loads(raw) for raw in reply] or None

    async def delete(self, sub: str, session_id: str) -> bool:
        """False when there was none. An answer that is under way is not appended to it any more."""
        names = [
            keys.conversations(sub),
            keys.conversation(sub, session_id),
            keys.leases(keys.user(sub)),
            keys.gone(sub, session_id),
        ]
        [deleted] = await self._store.run(keys.DELETE.call(names, session_id))
        return bool(deleted)
