"""The schema of `chatgate.toml`. Both services read the same file; edge/config/read.py reads it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from edge.config.backends import Backend, Table
from edge.config.better_auth import BetterAuth
from edge.config.values import CookiePrefix, Network, Origin, Port, PortOrNone, RedirectUri, Workers
from edge.redis.commands import DEADLINE

DEFAULT_FILE: Final = "chatgate.toml"
"""The file's name in the working folder; it is read when CHATGATE_CONFIG names no other file."""


class Broker(Table):
    url: Origin = Field("http://127.0.0.1:8000", description="Public address: the issuer of every token.")
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: Port = Field(8000, description="Port to listen on.")
    workers: Workers = Field(1, description="Processes that share the port; one for a core is plenty.")
    metrics_port: PortOrNone = Field(
        9000, description="Port of `/metrics`, on loopback, for all workers together; 0 for none."
    )
    secret: SecretStr | None = Field(
        None,
        description="At least 32 bytes. Signs cookies and refresh tokens, encrypts the signing keys at rest.",
    )
    previous_secrets: tuple[SecretStr, ...] = Field(
        (),
        max_length=4,
        description="Earlier values of `secret`, the newest first: the broker still reads what they signed "
        "or encrypted. A file has one on a line.",
    )
    cookie_prefix: CookiePrefix = Field(
        "better-auth",
        description="Prefix of the cookies' names. A browser sends a cookie to every port of its host, so "
        "two brokers on one host need different ones; Better Auth's client does not look at the name.",
    )
    database_url: SecretStr | None = Field(
        None,
        description="Accounts: `sqlite:///path` or `postgresql://...`. "
        "The default is `accounts.db` in the data folder.",
    )
    sign_up: bool = Field(True, description="Whether readers may make accounts themselves.")
    own_database: bool | None = Field(
        None,
        description="Whether the accounts' database is the broker's alone. Passwords are then kept as "
        "argon2id, and a sign-in turns a hash that Better Auth made (scrypt) into one. If a Better Auth "
        "server uses the database too, they are kept as it reads them "
        "([better-auth.md](better-auth.md#one-database-for-both)). The default is true where "
        "`database_url` is not set, and false where it is.",
    )
    algorithm: Literal["ES256", "EdDSA", "RS256"] = Field(
        "ES256", description="The algorithm of the keys that sign access tokens."
    )


class SignIn(Table):
    failures_per_account: int = Field(
        10, ge=1, le=1000, description="Wrong passwords for one account from one address in 15 minutes."
    )
    failures_per_address: int = Field(
        50, ge=1, le=100_000, description="Wrong passwords from one address in 15 minutes, for any account."
    )
    attempts_per_account: int = Field(
        20,
        ge=1,
        le=100_000,
        description="Sign-ins to one account from one address in a minute, right or wrong.",
    )
    attempts_per_address: int = Field(
        600,
        ge=1,
        le=100_000,
        description="Sign-ins from one address in a minute, right or wrong; as many DPoP proofs at the "
        "token endpoint, and bodies that cannot be read.",
    )
    sign_ups_per_address: int = Field(
        20, ge=1, le=100_000, description="New accounts, and new guests, from one address in an hour."
    )


class Proxy(Table):
    url: Origin = Field("http://127.0.0.1:8001", description="Public address: the audience of every token.")
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: Port = Field(8001, description="Port to listen on.")
    workers: Workers = Field(1, description="Processes that share the port; one for a core is plenty.")
    metrics_port: PortOrNone = Field(
        9001, description="Port of `/metrics`, on loopback, for all workers together; 0 for none."
    )
    auth: Literal["token", "none"] = Field(
        "token",
        description="`none` takes a request without a token as one local reader with the guest limits; "
        "refused outside development.",
    )
    jwks_url: str | None = Field(
        None,
        pattern=r"^https?://[^\s]+$",
        description="Where the broker's keys are read. The default is `/.well-known/jwks.json` "
        "under `broker.url`.",
    )


class Redis(Table):
    url: SecretStr | None = Field(
        None,
        description="`redis://`, `rediss://` or `unix://` for one server; "
        "`redis+sentinel://[user:password@]host:26379,host:26379/master[/db]` for a master that sentinels "
        "watch (their own password, if they have one, is `?sentinel_password=`); "
        "`redis+cluster://[user:password@]host:6379,host:6379` for a Cluster. `rediss+sentinel` and "
        "`rediss+cluster` are these over TLS. `REDIS_URL` is read when this is not set.",
    )
    wait_replicas: int | None = Field(
        None,
        ge=0,
        le=8,
        description="Replicas that must acknowledge a revocation before it is answered: all that a master "
        "has, as one that lacks it may become the master. It must be set with Sentinel or a Cluster; with "
        "one server the default is 0.",
    )
    deadline_seconds: float = Field(
        DEADLINE,
        ge=0.05,
        le=5,
        description="For one exchange with Redis, connecting included; a longer one is a 503. "
        "Raise it for a Redis that is far away: in an outage readers wait as long for their refusal.",
    )


class Edge(Table):
    trusted_proxies: tuple[Network, ...] = Field(
        (),
        description="Networks of the reverse proxies whose `X-Forwarded-For` is believed, "
        'such as `["10.0.0.0/8"]`. [reverse-proxies.md](reverse-proxies.md) has the lines that nginx, Caddy '
        "and Traefik need.",
    )
    shared_addresses: tuple[Network, ...] = Field(
        (),
        description="Networks of gateways that hide the addresses of their clients, such as a "
        "container engine's for IPv6. Wrong passwords from there are counted by account alone, guests have "
        "limits of their own, and the other limits of an address are ten times as high for all of them "
        "together.",
    )
    audit_file: Path | None = Field(
        None,
        description="Where the audit is written: a line for each sign-in, token, revocation and question. At "
        "10 MiB the file is renamed, and nine of these are kept. If it is not set, the audit goes to "
        "standard output; the log goes to standard error.",
    )


DAILY_TOKENS: Final[Any] = Field(
    0,
    ge=0,
    le=1_000_000_000_000,
    description="Tokens a day (UTC), in and out; 0 for no limit. A question is let through if the most that "
    "it may take is left ([backends.md](backends.md)).",
)
DAILY_COST: Final[Any] = Field(
    0.0,
    ge=0,
    le=1_000_000,
    description="The same in money, by the prices of the backends; 0 for no limit.",
)


class Site(Table):
    origins: tuple[Origin, ...] = Field(
        min_length=1, max_length=32, description="Where the site's pages are served, exact."
    )
    redirect_uris: tuple[RedirectUri, ...] = Field(
        (),
        max_length=16,
        description="Pages of the site to which a sign-in on the broker's own page may lead back, exact. "
        "If there is none, `/oauth2/authorize` is closed to the site.",
    )
    backend: str = Field(description="Name of the table under `backends` that answers its questions.")
    backends: tuple[str, ...] = Field(
        (),
        max_length=32,
        description="Further tables under `backends`, which clients of OpenAI's or `ai`'s dialect may name "
        "as their `model`.",
    )
    system_prompt: str | None = Field(
        None,
        min_length=1,
        max_length=16_384,
        description="In place of `system_prompt` of its backends of kind `openai`.",
    )
    model: str | None = Field(
        None,
        min_length=1,
        max_length=256,
        description="In place of `model` of its `backend`, if that is of kind `openai`.",
    )
    tier: str = Field("reader", description="Limits of its readers whose account names no other tier.")
    guests: bool = Field(False, description="Whether readers without an account may ask.")
    guest_tier: str = Field("guest", description="Limits of its guests.")
    session_bearer: bool = Field(
        False,
        description="Put the raw session token into response bodies and `set-auth-token`, and accept it "
        "as bearer. Otherwise it is in the HttpOnly cookie alone.",
    )
    daily_questions: int = Field(
        5000, ge=1, le=10_000_000, description="Questions a day of all its readers together (UTC)."
    )
    daily_tokens: int = DAILY_TOKENS
    daily_cost: float = DAILY_COST
    open_streams: int = Field(200, ge=1, le=100_000, description="Answers of the site that may run at once.")
    feedback_text: bool = Field(
        False,
        description="Keep the texts of rated questions and answers for `chatgate feedback`, for at most 90 "
        "days. Tell your readers. Otherwise only the rating is kept.",
    )
    better_auth: BetterAuth | None = Field(
        None,
        description="A Better Auth server of the site's own, whose sessions are exchanged for ours.",
    )


class Tier(Table):
    questions_per_minute: int = Field(20, ge=1, le=6000, description="Sustained rate of one reader.")
    burst: int = Field(5, ge=1, le=1000, description="Questions that may come at once after a rest.")
    concurrent: int = Field(2, ge=1, le=100, description="Answers of one reader that may run at once.")
    daily_questions: int = Field(
        200,
        ge=1,
        le=1_000_000,
        description="Questions a day (UTC) at one site; of guests, for one address together.",
    )
    daily_tokens: int = DAILY_TOKENS
    daily_cost: float = DAILY_COST


class ResourceServer(Table):
    secret: SecretStr | None = Field(
        None,
        description="At least 32 bytes, of this server alone: its `client_secret` at `/oauth2/introspect`.",
    )
    sites: tuple[str, ...] = Field(
        (), description="Sites whose access tokens it may ask about. If there is none, those of every site."
    )


class ConfigurationError(Exception):
    """No service can start; each line of the text names a key and how to mend it."""


class Settings(BaseSettings):
    """The whole file. Frozen; read it with `edge.config.read.read`."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True)

    env: Literal["production", "development"] = Field(
        "production",
        description="`development` binds loopback only and allows what no public service should have.",
    )
    data_dir: Path = Field(Path(".chatgate"), description="Folder of the data that is kept on disk.")
    broker: Broker = Broker()
    sign_in: SignIn = SignIn()
    proxy: Proxy = Proxy()
    redis: Redis = Redis()
    edge: Edge = Edge()
    sites: dict[str, Site] = Field(default_factory=dict)
    tiers: dict[str, Tier] = Field(default_factory=dict)
    backends: dict[str, Backend] = Field(default_factory=dict)
    resource_servers: dict[str, ResourceServer] = Field(default_factory=dict)


TABLES: Final[Mapping[str, type[Table]]] = {
    "broker": Broker,
    "sign_in": SignIn,
    "proxy": Proxy,
    "redis": Redis,
    "edge": Edge,
}
NAMED_TABLES: Final[Mapping[str, type[Table]]] = {
    "sites": Site,
    "tiers": Tier,
    "backends": Backend,
    "resource_servers": ResourceServer,
}
NESTED_TABLES: Final[Mapping[str, Mapping[str, type[Table]]]] = {"sites": {"better_auth": BetterAuth}}
"""Tables within each entry of a named table, by the key that holds them."""
BUILT_IN_TIERS: Final[Mapping[str, Tier]] = {
    "reader": Tier(),
    "guest": Tier(questions_per_minute=6, burst=3, concurrent=1, daily_questions=20),
}
