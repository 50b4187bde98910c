"""The chat proxy as a process that answers requests, alone or as one of several workers."""

from chat_proxy.app import create_app
from chat_proxy.config import resolve
from chat_proxy.drain import Drain
from edge.accepting import CountedDoor
from edge.seat import Seat
from edge.serving import Served, serve
from edge.settings import Settings


def run(settings: Settings, seat: Seat | None) -> int:
    """The exit code."""
    config = resolve(settings)
    drain = Drain()
    served = Served(
        create_app(config, drain=drain),
        CountedDoor(config.origins.__contains__),
        address=(config.host, config.port),
        # What is left when the drain is over is not waited for again.
        graceful=1,
        drain=drain.run,
    )
    return serve(served, seat)
