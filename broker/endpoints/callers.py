"""The origin of a request in the network, and the limit on its bodies that are read only to be refused."""

from collections.abc import Iterator
from contextlib import contextmanager

from starlette.requests import Request

from broker.sessions.session import MAX_USER_AGENT, Caller
from broker.state import Broker
from edge.http.client_address import bucket, client_address


def caller_of(request: Request, broker: Broker) -> Caller:
    headers = request.headers
    peer = request.client.host if request.client else None
    forwarded = ",".join(headers.getlist("x-forwarded-for"))
    config = broker.config
    address = client_address(peer, forwarded, config.trusted_proxies, config.shared_addresses)
    return Caller(address, headers.get("user-agent", "")[:MAX_USER_AGENT])


@contextmanager
def reading(request: Request) -> Iterator[None]:
    """A block that reads and judges a body. Raises TooManyRefused."""
    broker: Broker = request.app.state.broker
    with broker.refused_bodies.reading(bucket(caller_of(request, broker).address)):
        yield
