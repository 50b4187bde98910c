"""Threads of backends that keep the messages themselves, as they are noted with an answer of ours."""

import re
from typing import Final

from chat_proxy.config import Backend

KEEPERS: Final = frozenset({"chatkit"})
"""The kinds of backends that keep the messages of a thread."""
_ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}")


def is_thread(found: str) -> bool:
    return _ID.fullmatch(found) is not None


def noted(backend: Backend, thread: str | None) -> str:
    """The text by which an answer's thread is kept; "" for none."""
    return "" if thread is None else f"{backend.name} {thread}"


def of(backend: Backend, note: str) -> str | None:
    """The thread of that note, if it is this backend's: another one does not know it."""
    name, _, thread = note.partition(" ")
    return thread if name == backend.name and is_thread(thread) else None
