"""Going down in order: no new questions, running answers to their end or a limit, then the server's exit."""

import asyncio
from typing import Final

from chat_proxy.answers import Answers
from chat_proxy.failures import SHUTTING_DOWN

LAST_WORDS: Final = 2.0
"""Seconds for the final events of those that were cut."""


class Drain:
    """Shared by the application, which looks, and whoever hears the signal, who begins."""

    def __init__(self) -> None:
        self.answers = Answers()
        self.has_begun = False

    async def run(self, limit: float) -> None:
        """Running answers may go on for `limit` seconds. Returns when none is left, or these and LAST_WORDS
        are over."""
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
