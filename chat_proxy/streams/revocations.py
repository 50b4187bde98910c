"""Ends running answers with their session: listens for the broker's message on a connection of its own.

It follows the master that Sentinel names; in a Cluster every node receives a message published at any node.
"""

import asyncio
from collections.abc import Callable
from typing import Final

import structlog
from redis.exceptions import RedisError

from chat_proxy.failures import SESSION_ENDED
from chat_proxy.streams.running import RunningAnswers
from edge.redis.client import Store, StoreUnavailable
from edge.redis.subscription import Subscription, subscribed
from edge.telemetry import logs
from tokens.liveness import REVOKED_CHANNEL

CONNECT_WITHIN: Final = 1.0
RECONNECT_AFTER: Final = 0.2
PING_EVERY: Final = 2.0
"""Seconds of silence after which the connection is pinged; a dead connection reports no error by itself."""

_log = structlog.get_logger()


class _Silent(Exception):
    """The server did not answer a ping."""


class _Deposed(Exception):
    """Messages are published at another server by now, and this one may be cut off from it."""


class Revocations:
    """`missed` is called when messages may have been lost, so that all running answers are checked anew."""

    def __init__(self, store: Store, answers: RunningAnswers, missed: Callable[[], None]) -> None:
        self._store = store
        self._answers = answers
        self._missed = missed
        self.is_listening = False

    async def run(self) -> None:
        while True:
            try:
                url = await self._store.heard_at()
                async with subscribed(url, REVOKED_CHANNEL, self._hear, CONNECT_WITHIN) as subscription:
                    self.is_listening = True
                    # No message is lost from here on; the renewal finds earlier revocations.
                    self._missed()
                    await self._listen(subscription, url)
            except (RedisError, OSError, TimeoutError, StoreUnavailable, _Silent, _Deposed) as error:
                if self.is_listening:
                    _log.warning("cutoff_lost", reason=type(error).__name__)
            except Exception as error:
                # A defect ends this connection, but the loop listens again.
                _log.error("cutoff_failed", error=logs.where(error))
            finally:
                self.is_listening = False
            await asyncio.sleep(RECONNECT_AFTER)

    async def _listen(self, subscription: Subscription, url: str) -> None:
        is_asked = False
        while self._store.is_heard_at(url):
            is_alive = await subscription.wait(PING_EVERY)
            if is_asked and not is_alive:
                raise _Silent
            is_asked = not is_alive
            if is_asked:
                subscription.ping()
        raise _Deposed

    def _hear(self, message: bytes) -> None:
        sub, _, ended = message.decode("ascii", "replace").partition(" ")
        if sub and ended:
            self._answers.end_of(sub, ended, SESSION_ENDED)
        else:
            self._missed()
