"""`python -m broker`: reads the configuration and serves. Exit code 2: it could not start, and said why."""

import os
import sys
from pathlib import Path

import uvicorn

from broker.app import create_app
from broker.config import resolve
from broker.storage.database_url import BadDatabaseUrl
from edge import logs
from edge.configuration import ConfigurationError, find, read
from edge.front_door import Door, protocol


def main() -> int:
    path = find(os.environ, Path.cwd())
    try:
        config = resolve(read(path, os.environ, frozenset({"broker"})))
        app = create_app(config)
    except (ConfigurationError, BadDatabaseUrl) as error:
        print(error, file=sys.stderr)
        return 2
    logs.configure("broker")
    uvicorn.run(
        app,
        host=config.host,
        port=config.port,
        loop="uvloop",
        http=protocol(Door(config.origins.__contains__)),
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        # The peer is judged by edge.client_address, from the configured hops only.
        proxy_headers=False,
        timeout_graceful_shutdown=10,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
