"""`python -m chat_proxy` reads the configuration and serves. Exit code 2: it could not start and said why."""

import os
import sys
from importlib import import_module
from pathlib import Path

from edge import command_line, logs, workers
from edge.configuration import ConfigurationError, find, read


def main() -> int:
    given = command_line.parse("chat_proxy", sys.argv[1:])
    path = find(os.environ, Path.cwd())
    try:
        settings = read(path, os.environ, frozenset({"backends"}))
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 2
    logs.configure("chat_proxy")
    count = given.workers or settings.proxy.workers
    if count > 1 and given.seat is None:
        return workers.run("chat_proxy", count, settings.proxy.host, settings.proxy.port)
    # Not before: the parent of several workers does without half of its memory.
    return int(import_module("chat_proxy.serve").run(settings, given.seat))


if __name__ == "__main__":
    sys.exit(main())
