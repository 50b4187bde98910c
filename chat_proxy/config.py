"""What a chat proxy runs with: one frozen object, resolved once from the settings."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from edge.client_address import Network, networks
from edge.settings import Backend as BackendSettings
from edge.settings import Settings, Tier


@dataclass(frozen=True, slots=True)
class Limits:
    """`interval_ms` between two questions in the long run (0: no rate), `burst` of them at once after a
    rest, `concurrent` answers, `daily` questions (UTC)."""

    interval_ms: str
    burst: int
    concurrent: int
    daily: int


@dataclass(frozen=True, slots=True)
class Backend:
    """`url` is where questions are posted; `secret` signs the token that proves the proxy. In seconds."""

    name: str
    url: str
    secret: bytes
    audience: str
    first_byte_seconds: float
    answer_seconds: float
    answer_bytes: int


@dataclass(frozen=True, slots=True)
class Site:
    """One client. Whoever has `guest_tier` shares its limits with their address."""

    client_id: str
    origins: frozenset[str]
    backend: Backend
    guests: bool
    guest_tier: str
    limits: Limits


@dataclass(frozen=True, slots=True)
class ProxyConfig:
    """`issuer` and `audience` are the public addresses of the broker and of this proxy.

    `open_site`: whose reader a request without a token is (development only); None where a token is needed.
    `nonce_secret` makes the nonces for DPoP proofs.
    """

    issuer: str
    audience: str
    jwks_url: str
    host: str
    port: int
    redis_url: str
    sites: Mapping[str, Site]
    tiers: Mapping[str, Limits]
    open_site: Site | None
    trusted_proxies: tuple[Network, ...]
    nonce_secret: bytes

    @property
    def origins(self) -> frozenset[str]:
        return frozenset().union(*(site.origins for site in self.sites.values()))


def resolve(settings: Settings) -> ProxyConfig:
    """`settings` as `edge.configuration.read` checked them: secrets, references and the Redis URL stand."""
    backends = {name: _backend(name, one) for name, one in settings.backends.items()}
    sites = {
        name: Site(
            client_id=name,
            origins=frozenset(site.origins),
            backend=backends[site.backend],
            guests=site.guests,
            guest_tier=site.guest_tier,
            limits=Limits("0", 1, site.open_streams, site.daily_questions),
        )
        for name, site in settings.sites.items()
    }
    assert settings.redis.url is not None  # noqa: S101  edge.configuration refuses to read without it
    return ProxyConfig(
        issuer=settings.broker.url,
        audience=settings.proxy.url,
        jwks_url=settings.proxy.jwks_url or f"{settings.broker.url}/.well-known/jwks.json",
        host=settings.proxy.host,
        port=settings.proxy.port,
        redis_url=settings.redis.url.get_secret_value(),
        sites=sites,
        tiers={name: _limits(tier) for name, tier in settings.tiers.items()},
        open_site=next(iter(sites.values())) if settings.proxy.auth == "none" else None,
        trusted_proxies=networks(settings.edge.trusted_proxies),
        nonce_secret=_nonce_secret(backends),
    )


def _nonce_secret(backends: Mapping[str, Backend]) -> bytes:
    """Of all backends' secrets, so that every proxy has the same one without another to configure, and no
    backend, which knows its own, can make nonces where there are several."""
    digests = [hashlib.sha256(backends[name].secret).digest() for name in sorted(backends)]
    return hashlib.sha256(b"".join(digests)).digest()


def _limits(tier: Tier) -> Limits:
    interval = f"{60_000 / tier.questions_per_minute:.3f}"
    return Limits(interval, tier.burst, tier.concurrent, tier.daily_questions)


def _backend(name: str, settings: BackendSettings) -> Backend:
    assert settings.secret is not None  # noqa: S101  edge.configuration refuses to read without it
    return Backend(
        name=name,
        url=f"{settings.url.rstrip('/')}/chat",
        secret=settings.secret.get_secret_value().encode(),
        audience=settings.audience,
        first_byte_seconds=settings.first_byte_seconds,
        answer_seconds=settings.answer_seconds,
        answer_bytes=settings.answer_bytes,
    )
