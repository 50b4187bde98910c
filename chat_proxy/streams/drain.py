"""Graceful shutdown: refuse new questions, let running answers end within a limit, then let the server
exit."""

import asyncio
from typing import Final

from chat_proxy.failures import SHUTTING_DOWN
from chat_proxy.streams.running import RunningAnswers

LAST_WORDS: Final = 2.0
"""Seconds for sending the final events of the answers that were cut."""


class Drain:
    """Shared by the application, which reads `has_begun`, and the server, which calls `run` on a signal."""

    def __init__(self, answers: RunningAnswers | None = None) -> None:
        self.answers = answers or RunningAnswers()
        self.has_begun = False

    async def run(self, limit: float) -> None:
        """Let running answers go on for `limit` seconds. Returns when none is left, or when `limit` and
        LAST_WORDS are over."""
        self.has_begun = True
        try:
            async with asyncio.timeout(limit):
                await self.answers.wait_idle()
        except TimeoutError:
            self.answers.end_all(SHUTTING_DOWN)
            try:
                async with asyncio.timeout(LAST_WORDS):
                    await self.answers.wait_idle()
            except TimeoutError:
                return
