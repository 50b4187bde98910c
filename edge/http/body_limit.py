"""Reads a request body within a limit; refuses one that is too large or encoded."""

from typing import Final

from starlette.requests import Request

from edge.http.problems import Problem

MAX_BODY: Final = 262_144
"""Bytes: 12,000 code points of selection take 48,000 as emoji, and 144,000 as JSON escapes."""


async def read_body(request: Request, limit: int = MAX_BODY) -> bytes:
    """The body, counted while it arrives. Raises Problem 413, and 415 for a Content-Encoding.

    The connection is closed after a 413, so that the rest of the body is not read as a request.
    """
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise Problem(415, "unsupported_content_encoding", "Send the body without a Content-Encoding.")
    declared = request.headers.get("content-length", "0")
    if not declared.isascii() or not declared.isdigit() or int(declared[:12]) > limit:
        raise too_large(limit)
    body = bytearray()
    more = True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise Problem(400, "incomplete_body", "The request ended before its body did.")
        body += message.get("body", b"")
        if len(body) > limit:
            raise too_large(limit)
        more = message.get("more_body", False)
    return bytes(body)


def too_large(limit: int) -> Problem:
    """413 for a body of more than `limit` bytes."""
    return Problem(413, "body_too_large", f"A body may have {limit} bytes.", {"Connection": "close"})
