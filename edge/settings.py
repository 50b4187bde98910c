"""What one `chatgate.toml` may say. Both services read the same file; edge/configuration.py reads it."""

import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

DEFAULT_FILE: Final = "chatgate.toml"
"""In the working folder; read when CHATGATE_CONFIG names no other."""

_ORIGIN = re.compile(r"https?://(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::[1-9][0-9]{0,4})?")


def _origin(value: str) -> str:
    if "*" in value:
        raise ValueError("wildcards are not allowed: list every origin, as in https://owner.github.io")
    if not _ORIGIN.fullmatch(value):
        raise ValueError("must be scheme://host or scheme://host:port in lower case, without path or slash")
    scheme, _, rest = value.partition("://")
    if rest.endswith({"http": ":80", "https": ":443"}[scheme]):
        raise ValueError("must not name the default port: browsers leave it out of the Origin header")
    return value


def _network(value: str) -> str:
    try:
        ipaddress.ip_network(value)
    except ValueError:
        raise ValueError("must be networks such as 10.0.0.0/8 or 127.0.0.1/32") from None
    return value


def _redirect_uri(value: str) -> str:
    origin = _REDIRECT_URI.fullmatch(value)
    if len(value) > MAX_REDIRECT_URI or origin is None or "/.." in value or "/./" in value:
        raise ValueError(
            "must be the whole address of one page, as in https://owner.github.io/book/signed-in"
        )
    return _origin(origin.group(1)) and value


MAX_REDIRECT_URI: Final = 512
# Letters that mean themselves in a path or a query; a fragment is none (RFC 6749 3.1.2), nor is a wildcard.
_REDIRECT_URI = re.compile(
    r"(https?://[^/?#@\s]+)/[A-Za-z0-9._~!$&'()+,;=:@%/-]*(?:\?[A-Za-z0-9._~!$&'()+,;=:@%/-]*)?"
)
Origin = Annotated[str, AfterValidator(_origin)]
RedirectUri = Annotated[str, AfterValidator(_redirect_uri)]
Network = Annotated[str, AfterValidator(_network)]
Port = Annotated[int, Field(ge=1, le=65535)]
PortOrNone = Annotated[int, Field(ge=0, le=65535)]
MAX_WORKERS: Final = 64
Workers = Annotated[int, Field(ge=1, le=MAX_WORKERS)]


class Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


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
        description="Secrets whose place `secret` took, the newest first: what they signed or encrypted is "
        "still read. A file has one on a line.",
    )
    database_url: SecretStr | None = Field(
        None,
        description="Accounts: `sqlite:///path` or `postgresql://...`. "
        "Without it, `accounts.db` in the data folder.",
    )
    sign_up: bool = Field(True, description="Whether readers may make accounts themselves.")
    rehash: bool = Field(
        False,
        description="Whether a sign-in turns a hash that Better Auth made (scrypt) into argon2id. Set it if "
        "no Better Auth server uses the same database: it could not read the new hash.",
    )
    algorithm: Literal["ES256", "EdDSA", "RS256"] = Field(
        "ES256", description="Of the keys that sign access tokens."
    )


class SignIn(Table):
    failures_per_account: int = Field(
        10, ge=1, le=1000, description="Wrong passwords for one account from one address in 15 minutes."
    )
    failures_per_address: int = Field(
        50, ge=1, le=100_000, description="Wrong passwords from one address in 15 minutes, for any account."
    )
    attempts_per_address: int = Field(
        600, ge=1, le=100_000, description="Sign-ins from one address in a minute, right or wrong."
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
        description="Where the broker's keys are read. Without it, `/.well-known/jwks.json` under "
        "`broker.url`.",
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
        "has, as one that lacks it may become the master. With Sentinel or a Cluster it must be said; with "
        "one server it is 0 unless it is said.",
    )


class Edge(Table):
    trusted_proxies: tuple[Network, ...] = Field(
        (),
        description="Networks of the reverse proxies whose `X-Forwarded-For` is believed, "
        'such as `["10.0.0.0/8"]`.',
    )


class Site(Table):
    origins: tuple[Origin, ...] = Field(
        min_length=1, max_length=32, description="Where the site's pages are served, exact."
    )
    redirect_uris: tuple[RedirectUri, ...] = Field(
        (),
        max_length=16,
        description="Pages of the site to which a sign-in on the broker's own page may lead back, exact. "
        "Without one, `/oauth2/authorize` is closed to the site.",
    )
    backend: str = Field(description="Name of the table under `backends` that answers its questions.")
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
    open_streams: int = Field(200, ge=1, le=100_000, description="Answers of the site that may run at once.")


class Tier(Table):
    questions_per_minute: int = Field(20, ge=1, le=6000, description="Sustained rate of one reader.")
    burst: int = Field(5, ge=1, le=1000, description="Questions that may come at once after a rest.")
    concurrent: int = Field(2, ge=1, le=100, description="Answers of one reader that may run at once.")
    daily_questions: int = Field(
        200, ge=1, le=1_000_000, description="Questions a day (UTC); of guests, for one address together."
    )


class Backend(Table):
    url: str = Field(pattern=r"^https?://[^\s?#]+$", description="Base address; `/chat` is appended.")
    secret: SecretStr | None = Field(
        None, description="At least 32 bytes, of this backend alone. Signs the proxy's internal JWT."
    )
    audience: str = Field(
        "chatgate-backend", min_length=1, max_length=256, description="`aud` of the internal JWT."
    )
    first_byte_seconds: float = Field(30, gt=0, le=300, description="How long an answer may take to begin.")
    answer_seconds: float = Field(120, gt=0, le=3600, description="How long an answer may take in all.")
    answer_bytes: int = Field(262_144, ge=1024, le=16_777_216, description="How large an answer may be.")


class ResourceServer(Table):
    secret: SecretStr | None = Field(
        None,
        description="At least 32 bytes, of this server alone: its `client_secret` at `/oauth2/introspect`.",
    )
    sites: tuple[str, ...] = Field(
        (), description="Sites whose access tokens it may ask about. Without one, those of every site."
    )


class ConfigurationError(Exception):
    """Why no service can start; each line names a key and its mend."""


class Settings(BaseSettings):
    """The whole file. Frozen; read it with `edge.configuration.read`."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True)

    env: Literal["production", "development"] = Field(
        "production",
        description="`development` binds loopback only and allows what no public service should have.",
    )
    data_dir: Path = Field(Path(".chatgate"), description="Folder of what is kept on disk.")
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
BUILT_IN_TIERS: Final[Mapping[str, Tier]] = {
    "reader": Tier(),
    "guest": Tier(questions_per_minute=6, burst=3, concurrent=1, daily_questions=20),
}
