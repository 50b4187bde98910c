"""`python -m chat_proxy` reads the configuration and serves. Exit code 2: it could not start and said why."""

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
    given = command_line.parse("chat_proxy", sys.argv[1:])
    path = find(os.environ, Path.cwd())
    try:
        settings = read(path, os.environ, frozenset({"backends"}))
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 2
    section = settings.proxy
    count = given.workers or section.workers
    if given.seat is not None:
        return _serve(settings, given.seat, None)
    try:
        metrics = metrics_listener.bind("proxy", section.metrics_port)
    except metrics_listener.CannotListen as error:
        print(error, file=sys.stderr)
        return 2
    if count == 1:
        return _serve(settings, None, metrics)
    logs.configure("chat_proxy")
    return workers.run("chat_proxy", count, (section.host, section.port), metrics)


def _serve(settings: Settings, seat: Seat | None, metrics: socket.socket | None) -> int:
    # Imported here, as the parent of several workers does without half of its memory.
    return int(import_module("chat_proxy.serve").run(settings, seat, metrics))


if __name__ == "__main__":
    sys.exit(main())
