"""`python -m broker`: reads the configuration and serves. Exit code 2: it could not start, and said why."""

import os
import sys
from importlib import import_module
from pathlib import Path

from edge import command_line, logs, workers
from edge.configuration import ConfigurationError, find, read


def main() -> int:
    given = command_line.parse("broker", sys.argv[1:])
    path = find(os.environ, Path.cwd())
    try:
        settings = read(path, os.environ, frozenset({"broker"}))
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 2
    logs.configure("broker")
    count = given.workers or settings.broker.workers
    if count > 1 and given.seat is None:
        return workers.run("broker", count, settings.broker.host, settings.broker.port)
    # Not before: the parent of several workers does without half of its memory.
    return int(import_module("broker.serve").run(settings, given.seat))


if __name__ == "__main__":
    sys.exit(main())
