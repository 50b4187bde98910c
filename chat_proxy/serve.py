"""The chat proxy as a process that answers requests, alone or as one of several workers."""

import os
import socket
import sys

from chat_proxy.app import create_app
from chat_proxy.config import resolve
from chat_proxy.streams.drain import Drain
from edge.config.schema import Settings
from edge.http.traces import CannotTrace, configured
from edge.server.acceptor import CountedDoor
from edge.server.file_limit import raise_limit, room
from edge.server.inherited import Inherited
from edge.server.server import Served, serve
from edge.server.worker_metrics import add_worker
from edge.telemetry import logs
from edge.telemetry.metrics import Metrics


def run(settings: Settings, inherited: Inherited | None, listener: socket.socket | None) -> int:
    """Serve until told to stop; returns the exit code. `listener` is for the metrics. Raises CannotAudit."""
    written = logs.configure("chat_proxy", settings.edge.audit_file)
    try:
        traces = configured("proxy", os.environ)
    except CannotTrace as error:
        print(error, file=sys.stderr)
        return 2
    metrics = Metrics(0 if inherited is None else inherited.slot)
    config = resolve(settings)
    drain = Drain()
    door = CountedDoor(config.origins.__contains__, limit=room(raise_limit()), trusted=config.trusted_proxies)
    add_worker(metrics, door, written)
    served = Served(
        create_app(config, drain=drain, metrics=metrics, traces=traces, owns_process=True),
        door,
        metrics,
        address=(config.host, config.port),
        # The drain has already waited for running answers; the server need not wait again.
        graceful=1,
        drain=drain.run,
    )
    return serve(served, inherited, listener)
