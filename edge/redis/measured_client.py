"""A Store that times its flights and counts its failures."""

from collections.abc import Callable
from typing import Any

from edge.redis.client import Store
from edge.redis.commands import DEADLINE, Command, StoreUnavailable
from edge.redis.pipelines import BREAK
from edge.telemetry.metrics import FLIGHT_SECONDS, Family, Metrics


class MeasuredStore(Store):
    """`clock` is monotonic seconds."""

    def __init__(
        self,
        url: str,
        clock: Callable[[], float],
        metrics: Metrics,
        *,
        replicas: int = 0,
        deadline: float = DEADLINE,
    ) -> None:
        super().__init__(url, clock, replicas=replicas, deadline=deadline)
        self._now = clock
        self._failures = 0
        self._failed_at = float("-inf")
        self._flights = metrics.histogram(
            "chatgate_redis_flight_seconds",
            "Time of one flight of commands to Redis and back, waiting for its connection included.",
            FLIGHT_SECONDS,
        )
        metrics.add(
            Family(
                "chatgate_redis_failures_total",
                "counter",
                "Flights without a sure answer, each refused with 503.",
            ),
            lambda: self._failures,
        )
        metrics.add(
            Family(
                "chatgate_redis_breaker_open",
                "gauge",
                "1 while a connection refuses at once, as Redis has just failed.",
                merge="max",
            ),
            lambda: int(self._now() - self._failed_at < BREAK),
        )

    async def run(self, *commands: Command) -> list[Any]:
        begun = self._now()
        try:
            replies = await super().run(*commands)
        except StoreUnavailable:
            self._failed()
            raise
        self._flights.observe(self._now() - begun)
        return replies

    async def commit(self, *commands: Command) -> list[Any]:
        if self._replicas == 0:
            return await self.run(*commands)
        begun = self._now()
        try:
            replies = await super().commit(*commands)
        except StoreUnavailable:
            self._failed()
            raise
        self._flights.observe(self._now() - begun)
        return replies

    def _failed(self) -> None:
        # Failures are not timed: the breaker refuses in no time, which would make the flights look fast.
        self._failures += 1
        self._failed_at = self._now()
