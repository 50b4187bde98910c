"""The broker as a process that answers requests, alone or as one of several workers."""

import sys

from broker.app import create_app
from broker.config import resolve
from broker.storage.database_url import BadDatabaseUrl
from edge.accepting import CountedDoor
from edge.seat import Seat
from edge.serving import Served, serve
from edge.settings import Settings


def run(settings: Settings, seat: Seat | None) -> int:
    """The exit code."""
    try:
        config = resolve(settings)
        app = create_app(config)
    except BadDatabaseUrl as error:
        print(error, file=sys.stderr)
        return 2
    door = CountedDoor(config.origins.__contains__)
    return serve(Served(app, door, address=(config.host, config.port), graceful=10), seat)
