"""The metrics that every worker has, whatever it serves."""

from edge.server.http1.door import Door
from edge.telemetry.logs import Written
from edge.telemetry.metrics import Family, Metrics


def add_worker(metrics: Metrics, door: Door, written: Written) -> None:
    metrics.add(Family("chatgate_workers", "gauge", "Workers that answer."), lambda: 1)
    metrics.add(Family("chatgate_connections_open", "gauge", "Connections of clients."), lambda: door.open)
    metrics.add(
        Family(
            "chatgate_door_refusals_total",
            "counter",
            "Requests refused before the application saw them, for their form, size or slowness.",
            ("code",),
        ),
        lambda: door.refusals.counts,
    )
    written.add_to(metrics)
