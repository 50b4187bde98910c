"""The broker as a process that answers requests, alone or as one of several workers."""

import os
import socket
import sys

from broker.app import create_app
from broker.config import resolve
from broker.storage.database_url import BadDatabaseUrl
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
    written = logs.configure("broker")
    metrics = Metrics(0 if seat is None else seat.slot)
    try:
        traces = configured("broker", os.environ)
        config = resolve(settings)
        app = traces.around(create_app(config, metrics=metrics))
    except (BadDatabaseUrl, CannotTrace) as error:
        print(error, file=sys.stderr)
        return 2
    door = CountedDoor(config.origins.__contains__, limit=room(raise_limit()))
    add_worker(metrics, door, written)
    return serve(Served(app, door, metrics, address=(config.host, config.port), graceful=10), seat, listener)
