"""A conversation with a rated answer, written as the chat proxy writes it, for tests of its deletion."""

from typing import Any

import redis

from tokens import readers

QUESTION = '{"role":"user","content":"What?","mode":"normal","at":1}'
ANSWER = '{"role":"assistant","content":"So.","message_id":"m1","citations":[],"feedback":"helpful"}'


def keep_conversation(server: redis.Redis, sub: str, site: str) -> list[str]:
    """The reader's keys, by a synchronous Redis client."""
    owner = readers.reader(sub, site)
    names = [
        readers.conversations(owner),
        readers.conversation(owner, "c1"),
        readers.rated(owner),
        readers.ratings(owner),
    ]
    server.zadd(names[0], {"c1": 1})
    server.rpush(names[1], QUESTION, ANSWER)
    server.zadd(names[2], {f"m-{site}": 1})
    server.set(names[3], 1)
    entry: dict[Any, Any] = {
        "version": 1,
        "at": 1,
        "rating": "helpful",
        "tier": "reader",
        "mode": "normal",
    }
    server.hset(
        readers.feedback_entry(site, f"m-{site}"), mapping={**entry, "question": "What?", "answer": "So."}
    )
    server.zadd(readers.feedback(site), {f"m-{site}": 1})
    return names
