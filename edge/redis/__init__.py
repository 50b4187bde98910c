"""The Redis client: pipelines within a deadline to one server, Sentinel or a Cluster.

The keys and scripts belong to the services that use them.

redis-py loads OpenTelemetry's metrics wherever they are installed, for figures of its own that it is never
asked for here: 2.3 MiB and 14 ms of every service's start (measured). It works without them.
"""

import sys
from typing import Final

_METRICS: Final = "opentelemetry.sdk.metrics"

if "redis.asyncio.connection" not in sys.modules and _METRICS not in sys.modules:
    sys.modules[_METRICS] = None  # type: ignore[assignment]
    try:
        import redis.asyncio.connection  # noqa: F401
    finally:
        # The exporter of traces needs it, where an operator has configured one.
        del sys.modules[_METRICS]
