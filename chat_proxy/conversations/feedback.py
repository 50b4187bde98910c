"""Feedback on answers: a reader's rating of an answer, and the list that the site's operator reads.

The rating is kept with the answer, in the conversation. The operator's entry belongs to the site and names no
reader; it holds the texts only where the site has `feedback_text`, and loses them when the reader deletes the
conversation (docs/decisions/0015).
"""

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from chat_proxy import redis_keys
from chat_proxy.admission import limits
from chat_proxy.gate import Caller
from edge.http import authorization
from edge.http.problems import Problem
from edge.redis.client import Store, command
from tokens import readers
from tokens.readers import FORGOTTEN_MS

RATINGS: Final = ("helpful", "not_helpful")
MAX_BODY: Final = 4_096
"""Bytes: a message id and a rating take a tenth of them."""
PER_MINUTE: Final = 30
"""Ratings of one reader, counting those that change nothing: each scans a whole conversation."""
WINDOW_MS: Final = 60_000
MAX_ENTRIES: Final = 1_000
"""Entries of a site, and rated answers that are remembered of a reader; beyond it the oldest is dropped."""
LIFE_MS: Final = 7_776_000_000
"""90 days."""
MAX_TEXT: Final = 2_000
"""Code points of a question or an answer in an entry; a longer one is cut."""
PAGE: Final = 50
"""Entries that are read in one flight."""

_MESSAGE_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


@dataclass(frozen=True, slots=True)
class Rating:
    """`rating` is one of RATINGS, or None to take it back."""

    message_id: str
    rating: str | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One rated answer as the operator sees it. `at` is Redis ms; `mode` is empty where the question had been
    dropped from its conversation; texts are None where there are none."""

    at: int
    site: str
    rating: str
    tier: str
    mode: str
    message_id: str
    question: str | None
    answer: str | None


def parse(body: Any) -> Rating:
    """The rating in a JSON body. Raises Problem 422."""
    if isinstance(body, dict) and body.keys() == {"message_id", "rating"}:
        message_id, rating = body["message_id"], body["rating"]
        is_rating = rating is None or (isinstance(rating, str) and rating in RATINGS)
        if is_rating and isinstance(message_id, str) and _MESSAGE_ID.fullmatch(message_id):
            return Rating(message_id, rating)
    detail = f"Send message_id, and as rating one of {', '.join(RATINGS)} or null."
    raise Problem(422, "invalid_feedback", detail)


class Feedback:
    """Every method raises StoreUnavailable when Redis gave no sure answer."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def rate(self, caller: Caller, session_id: str, given: Rating) -> tuple[str | None, "Noted"]:
        """Keep the rating with its answer. Returns the rating before it, and the entry still to be noted for
        the operator.

        Raises Problem 401 if the session has ended since `require_live`, 404 if this reader has no such
        answer, and 429.
        """
        names = [
            *caller.credentials,
            readers.conversation(caller.reader, session_id),
            readers.rated(caller.reader),
            readers.ratings(caller.reader),
        ]
        args = (given.message_id, given.rating or "", PER_MINUTE, WINDOW_MS, MAX_ENTRIES, LIFE_MS)
        texts = "1" if caller.site.feedback_text and given.rating else "0"
        judged = ("1" if caller.has_session else "0", caller.site.client_id, caller.tier)
        [(outcome, *found)] = await self._store.run(redis_keys.RATE.call(names, *args, texts, *judged))
        if outcome == b"dead":
            raise authorization.invalid_token()
        if outcome == b"limited":
            raise limits.feedback_limited(PER_MINUTE, WINDOW_MS, int(found[0]))
        if outcome == b"unknown":
            raise Problem(404, "not_found", "There is no such answer in a conversation of yours.")
        before, version, mode, question, answer = found
        noted = Noted(caller, given, version, mode, _text(question), _text(answer))
        return before.decode() or None, noted

    async def note(self, noted: "Noted") -> None:
        """Write the operator's entry, even for a rating that changes nothing: an earlier attempt may have
        been lost. The entry with the latest version wins."""
        site, message_id = noted.caller.site.client_id, noted.given.message_id
        names = [readers.feedback(site), readers.feedback_entry(site, message_id)]
        args = (
            message_id,
            noted.version,
            FORGOTTEN_MS,
            MAX_ENTRIES,
            LIFE_MS,
            noted.given.rating or "",
        )
        texts = (noted.question, noted.answer)
        await self._store.run(redis_keys.NOTE.call(names, *args, noted.caller.tier, noted.mode, *texts))

    async def erase(self, client_id: str, message_ids: Sequence[str]) -> None:
        """Take the texts of these answers out of the operator's entries."""
        for start in range(0, len(message_ids), PAGE):
            names = [readers.feedback_entry(client_id, one) for one in message_ids[start : start + PAGE]]
            await self._store.run(redis_keys.ERASE.call(names, FORGOTTEN_MS))

    async def entries(self, client_id: str) -> AsyncIterator[Entry]:
        """A site's entries, the latest first."""
        [found] = await self._store.run(command("ZRANGE", readers.feedback(client_id), 0, -1, "REV"))
        message_ids = [one.decode() for one in found]
        for start in range(0, len(message_ids), PAGE):
            page = message_ids[start : start + PAGE]
            asked = (command("HGETALL", readers.feedback_entry(client_id, one)) for one in page)
            for message_id, record in zip(page, await self._store.run(*asked), strict=True):
                if b"rating" in record:
                    yield _entry(client_id, message_id, record)


@dataclass(frozen=True, slots=True)
class Noted:
    """A rating with the material for the operator's entry."""

    caller: Caller
    given: Rating
    version: bytes
    mode: bytes
    question: str
    answer: str


def _text(stored: bytes) -> str:
    if not stored:
        return ""
    text: str = orjson.loads(stored)["content"]
    return text if len(text) <= MAX_TEXT else f"{text[: MAX_TEXT - 1]}…"


def _entry(client_id: str, message_id: str, record: dict[bytes, bytes]) -> Entry:
    members = {name.decode(): value.decode() for name, value in record.items()}
    return Entry(
        at=int(members["at"]),
        site=client_id,
        rating=members["rating"],
        tier=members["tier"],
        mode=members["mode"],
        message_id=message_id,
        question=members.get("question"),
        answer=members.get("answer"),
    )
