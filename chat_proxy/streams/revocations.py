"""Ends running answers with their session: listens for the broker's message on a connection of its own.

It follows the master that Sentinel names; in a Cluster every node receives a message published at any node.
"""

import asyncio
from collections.abc import Callable
from typing import Any, Final

import structlog
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.maint_notifications import MaintNotificationsConfig

from chat_proxy.failures import SESSION_ENDED
from chat_proxy.streams.running import RunningAnswers
from edge.redis.client import Store, StoreUnavailable
from edge.redis.connection import DRIVER
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
                async with _client(url) as client, client.pubsub() as pubsub:
                    await self._listen(pubsub, url)
            except (RedisError, OSError, TimeoutError, StoreUnavailable, _Silent, _Deposed) as error:
                if self.is_listening:
                    _log.warning("cutoff_lost", reason=type(error).__name__)
            except Exception as error:
                # A defect ends this connection, but the loop listens again.
                _log.error("cutoff_failed", error=logs.where(error))
            finally:
                self.is_listening = False
            await asyncio.sleep(RECONNECT_AFTER)

    async def _listen(self, pubsub: PubSub, url: str) -> None:
        async with asyncio.timeout(CONNECT_WITHIN):
            await pubsub.subscribe(REVOKED_CHANNEL)
        is_asked = False
        while True:
            if not self._store.is_heard_at(url):
                raise _Deposed
            message: dict[str, Any] | None = await pubsub.get_message(timeout=PING_EVERY)
            if message is not None:
                is_asked = False
                self._hear(message)
            elif is_asked or not self.is_listening:
                raise _Silent
            else:
                is_asked = True
                async with asyncio.timeout(CONNECT_WITHIN):
                    await pubsub.ping()

    def _hear(self, message: dict[str, Any]) -> None:
        if message["type"] == "subscribe":
            self.is_listening = True
            # No message is lost from here on; the renewal finds earlier revocations.
            self._missed()
        elif message["type"] == "message":
            sub, _, ended = message["data"].decode("ascii", "replace").partition(" ")
            if sub and ended:
                self._answers.end_of(sub, ended, SESSION_ENDED)
            else:
                self._missed()


def _client(url: str) -> Redis:
    return Redis.from_url(
        url,
        socket_connect_timeout=CONNECT_WITHIN,
        socket_timeout=None,
        # The library would subscribe again by itself and hide that messages were lost.
        retry=Retry(NoBackoff(), 0),
        maint_notifications_config=MaintNotificationsConfig(enabled=False),
        driver_info=DRIVER,
    )
