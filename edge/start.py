"""What a service does before it serves: read the configuration, take the metrics port, be one or several.

Exit code 0: it was told to stop, and did. 2: it could not start, and said why.
"""

import os
import signal
import socket
import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Final, Literal

import edge.lean  # noqa: F401  before all that loads structlog
from edge import command_line, metrics_listener, workers
from edge.checks import Owner
from edge.configuration import find, read
from edge.seat import Seat
from edge.settings import ConfigurationError, Settings


@dataclass(frozen=True, slots=True)
class Service:
    """`package` is what is run, `table` its own in the settings, `owner` whose secrets it needs."""

    package: str
    table: Literal["broker", "proxy"]
    owner: Owner


BROKER: Final = Service("broker", "broker", "broker")
CHAT_PROXY: Final = Service("chat_proxy", "proxy", "backends")


def main(service: Service) -> int:
    # For as long as nothing is served. What is not handled does not reach the first process of a container,
    # and elsewhere ends it as if it had failed. At once, as an exception may be raised where Python drops it,
    # in the middle of an import for one.
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, lambda *_: os._exit(0))
    given = command_line.parse(service.package, sys.argv[1:])
    path = find(os.environ, Path.cwd())
    try:
        settings = read(path, os.environ, frozenset({service.owner}))
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 2
    section = settings.broker if service.table == "broker" else settings.proxy
    count = given.workers or section.workers
    if given.seat is not None:
        return _serve(service, settings, given.seat, None)
    try:
        metrics = metrics_listener.bind(service.table, section.metrics_port)
    except metrics_listener.CannotListen as error:
        print(error, file=sys.stderr)
        return 2
    if count == 1:
        return _serve(service, settings, None, metrics)
    return workers.run(service.package, count, (section.host, section.port), metrics)


def _serve(service: Service, settings: Settings, seat: Seat | None, metrics: socket.socket | None) -> int:
    # Imported here, as the parent of several workers does without half of its memory.
    return int(import_module(f"{service.package}.serve").run(settings, seat, metrics))
