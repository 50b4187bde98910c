"""A browser's complaints: each breach of a policy, and each error of a script."""

from contextlib import contextmanager

POLICY = "Content Security Policy"


@contextmanager
def watched(context):
    """Fails after the block for what was complained of in it. `context.complaints` may be looked at, and
    emptied, by a test that provokes one."""
    context.complaints = []
    context.on("console", lambda message: _hear(context, message))
    context.on("weberror", lambda error: context.complaints.append(str(error.error)))
    yield context
    assert context.complaints == []


def _hear(context, message):
    if POLICY in message.text:
        context.complaints.append(message.text)
