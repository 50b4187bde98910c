"""`python -m rag_backend`: serve until SIGTERM or SIGINT. Exit code 2: it could not start, and said why."""

import logging
import signal
import socket
import sys

import uvicorn

from rag_backend import logs
from rag_backend.app import create_app
from rag_backend.config import Config, ConfigError, from_environment
from rag_backend.listening import CannotListen, listen

GRACE_SECONDS = 5
"""For running answers at the end; the proxy tells its readers when one is cut."""


def main() -> int:
    # uvicorn raises the signal that ended it once more when it has shut down: an end as asked for is no
    # failure.
    for asked in (signal.SIGTERM, signal.SIGINT):
        signal.signal(asked, lambda *_: sys.exit(0))
    try:
        config = from_environment()
        sockets = listen(config.host, config.port)
    except (ConfigError, CannotListen) as error:
        print(f"rag_backend: {error}", file=sys.stderr)
        return 2
    return serve(config, sockets)


def serve(config: Config, sockets: list[socket.socket]) -> int:
    log = logs.logger()
    logging.getLogger("uvicorn").addHandler(logs.ServerLines(log))
    logging.getLogger("uvicorn").propagate = False
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(config, log),
            loop="auto",
            http="httptools",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
    )
    server.run(sockets=sockets)
    return 0 if server.started else 1


if __name__ == "__main__":
    sys.exit(main())
