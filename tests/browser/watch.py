"""A browser's complaints: each breach of a policy, and each error of a script."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import ConsoleMessage

POLICY = "Content Security Policy"


@contextmanager
def watched(context: Any) -> Iterator[Any]:
    """Fails after the block for what was complained of in it. `context.complaints` may be looked at, and
    emptied, by a test that provokes one."""
    context.complaints = []
    context.on("console", lambda message: _hear(context, message))
    context.on("weberror", lambda error: context.complaints.append(str(error.error)))
    yield context
    assert context.complaints == []


def _hear(context: Any, message: ConsoleMessage) -> None:
    if POLICY in message.text:
        context.complaints.append(message.text)
