"""The chat proxy as a process that answers requests, alone or as one of several workers."""

import os
import socket
import sys

from chat_proxy.app import create_app
from chat_proxy.config import resolve
from chat_proxy.drain import Drain
from edge import logs
from edge.accepting import CountedDoor
from edge.metrics import Metrics
from edge.open_files import raise_limit, room
from edge.seat import Seat
from edge.serving import Served, serve
from edge.settings import Settings
from edge.traces import CannotTrace, configured
from edge.worker_figures import add_worker


def run(settings: Settings, seat: Seat | None, listener: socket.socket | None) -> int:
    """The exit code. `listener` is for the metrics."""
    written = logs.configure("chat_proxy")
    try:
        traces = configured("proxy", os.environ)
    except CannotTrace as error:
        print(error, file=sys.stderr)
        return 2
    metrics = Metrics(0 if seat is None else seat.slot)
    config = resolve(settings)
    drain = Drain()
    door = CountedDoor(config.origins.__contains__, limit=room(raise_limit()))
    add_worker(metrics, door, written)
    served = Served(
        create_app(config, drain=drain, metrics=metrics, traces=traces),
        door,
        metrics,
        address=(config.host, config.port),
        # What is left when the drain is over is not waited for again.
        graceful=1,
        drain=drain.run,
    )
    return serve(served, seat, listener)
