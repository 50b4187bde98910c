"""`python -m broker`: reads the configuration and serves. Exit code 2: it could not start, and said why."""

import os
import socket
import sys
from importlib import import_module
from pathlib import Path

import edge.lean  # noqa: F401  before all that loads structlog
from edge import command_line, logs, metrics_listener, workers
from edge.configuration import ConfigurationError, find, read
from edge.seat import Seat
from edge.settings import Settings


def main() -> int:
    given = command_line.parse("broker", sys.argv[1:])
    path = find(os.environ, Path.cwd())
    try:
        settings = read(path, os.environ, frozenset({"broker"}))
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 2
    section = settings.broker
    count = given.workers or section.workers
    if given.seat is not None:
        return _serve(settings, given.seat, None)
    try:
        metrics = metrics_listener.bind("broker", section.metrics_port)
    except metrics_listener.CannotListen as error:
        print(error, file=sys.stderr)
        return 2
    if count == 1:
        return _serve(settings, None, metrics)
    logs.configure("broker")
    return workers.run("broker", count, (section.host, section.port), metrics)


def _serve(settings: Settings, seat: Seat | None, metrics: socket.socket | None) -> int:
    # Imported here, as the parent of several workers does without half of its memory.
    return int(import_module("broker.serve").run(settings, seat, metrics))


if __name__ == "__main__":
    sys.exit(main())
