"""The configuration of a broker: one frozen object, resolved once from the settings."""

from dataclasses import dataclass, field
from typing import Literal

from broker.accounts.password_hashes import Cost
from broker.oauth.clients import Clients, ResourceServers
from edge.config.schema import Settings, SignIn
from edge.http.client_address import Network, networks


@dataclass(frozen=True, slots=True)
class BrokerConfig:
    """`issuer` and `audience` are the public addresses of the broker and of the chat proxy.

    The first of `secrets` signs and encrypts; the others only verify and decrypt. `own_database`: no Better
    Auth server uses the accounts' database.
    """

    issuer: str
    audience: str
    host: str
    port: int
    secrets: tuple[bytes, ...]
    database_url: str
    redis_url: str
    wait_replicas: int
    redis_deadline: float
    sign_up: bool
    own_database: bool
    algorithm: Literal["ES256", "EdDSA", "RS256"]
    cookie_prefix: str
    clients: Clients
    resource_servers: ResourceServers
    sign_in: SignIn
    tiers: tuple[str, ...]
    trusted_proxies: tuple[Network, ...]
    shared_addresses: tuple[Network, ...]
    password_cost: Cost = field(default_factory=Cost)

    @property
    def origins(self) -> frozenset[str]:
        """Origins whose scripts may read answers: the sites' and the broker's own."""
        return self.clients.origins | {self.issuer}

    @property
    def is_https(self) -> bool:
        return self.issuer.startswith("https://")


def resolve(settings: Settings) -> BrokerConfig:
    """Resolve `settings` that `edge.config.read.read` has checked: the secret and the Redis URL are set."""
    broker = settings.broker
    database = broker.database_url
    if database is None:
        database_url = f"sqlite:///{settings.data_dir / 'accounts.db'}"
    else:
        database_url = database.get_secret_value()
    assert broker.secret is not None  # noqa: S101  edge.config.read refuses to read without it
    assert settings.redis.url is not None  # noqa: S101
    return BrokerConfig(
        issuer=broker.url,
        audience=settings.proxy.url,
        host=broker.host,
        port=broker.port,
        secrets=tuple(one.get_secret_value().encode() for one in (broker.secret, *broker.previous_secrets)),
        database_url=database_url,
        own_database=database is None if broker.own_database is None else broker.own_database,
        redis_url=settings.redis.url.get_secret_value(),
        wait_replicas=settings.redis.wait_replicas or 0,
        redis_deadline=settings.redis.deadline_seconds,
        sign_up=broker.sign_up,
        algorithm=broker.algorithm,
        cookie_prefix=broker.cookie_prefix,
        clients=Clients.of(settings.sites),
        resource_servers=ResourceServers.of(settings.resource_servers, settings.sites),
        sign_in=settings.sign_in,
        tiers=tuple(settings.tiers),
        trusted_proxies=networks(settings.edge.trusted_proxies),
        shared_addresses=networks(settings.edge.shared_addresses),
    )
