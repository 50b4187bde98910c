"""`python -m rag_backend`: serve until SIGTERM, SIGINT or SIGHUP. Exit code 2: it could not start, and
printed why."""

import logging
import signal
import socket
import sys

import uvicorn

from rag_backend import logs
from rag_backend.app import create_app
from rag_backend.config import Config, ConfigError, from_environment
from rag_backend.sockets import CannotListen, listen

GRACE_SECONDS = 5
"""Time for running answers at shutdown; the proxy tells its reader when an answer is cut."""


def main() -> int:
    # uvicorn raises the signal again after it has shut down; the handler makes that a normal exit, with code
    # 0.
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
    # uvicorn does not handle SIGHUP, whose default action would cut the answers off.
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: _end(server))
    server.run(sockets=sockets)
    return 0 if server.started else 1


def _end(server: uvicorn.Server) -> None:
    server.should_exit = True


if __name__ == "__main__":
    sys.exit(main())
