"""The broker as a process that answers requests, alone or as one of several workers."""

import os
import socket
import sys

from broker.app import create_app
from broker.config import resolve
from edge.config.schema import Settings
from edge.database_url import BadDatabaseUrl
from edge.http.traces import CannotTrace, configured
from edge.server.acceptor import CountedDoor
from edge.server.file_limit import raise_limit, room
from edge.server.inherited import Inherited
from edge.server.server import Served, serve
from edge.server.worker_metrics import add_worker
from edge.telemetry import logs
from edge.telemetry.metrics import Metrics


def run(settings: Settings, inherited: Inherited | None, listener: socket.socket | None) -> int:
    """Run the broker. Returns the exit code. `listener` is for the metrics. Raises CannotAudit."""
    written = logs.configure("broker", settings.edge.audit_file)
    metrics = Metrics(0 if inherited is None else inherited.slot)
    try:
        traces = configured("broker", os.environ)
        config = resolve(settings)
        app = traces.around(create_app(config, metrics=metrics))
    except (BadDatabaseUrl, CannotTrace) as error:
        print(error, file=sys.stderr)
        return 2
    door = CountedDoor(config.origins.__contains__, limit=room(raise_limit()), trusted=config.trusted_proxies)
    add_worker(metrics, door, written)
    return serve(
        Served(app, door, metrics, address=(config.host, config.port), graceful=10), inherited, listener
    )
