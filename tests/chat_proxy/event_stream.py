"""A streamed answer as a client reads it."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx


class Stream:
    """A streamed answer, read event by event."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self._lines = self._split(answer)

    @staticmethod
    async def _split(answer: httpx.Response) -> AsyncIterator[str]:
        # By LF alone: httpx's own lines also end at U+2028.
        rest = b""
        async for chunk in answer.aiter_bytes():
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                yield line.decode()

    async def event(self) -> Any:
        """The next `(name, members)`, or None at the end; comments are `(":", text)`."""
        name, data = None, None
        async for line in self._lines:
            if line.startswith(":"):
                name, data = ":", line[1:].strip()
            elif line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                data = json.loads(line[6:])
            elif not line and name is not None:
                return name, data
        return None

    async def all(self) -> list[tuple[str, Any]]:
        found = []
        while (event := await self.event()) is not None:
            found.append(event)
        return found
