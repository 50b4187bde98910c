"""The configuration of a chat proxy: one frozen object, resolved once from the settings."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from edge.config.backends import Backend as BackendSettings
from edge.config.better_auth import BetterAuth
from edge.config.schema import Settings, Tier
from edge.config.schema import Site as SiteSettings
from edge.http.client_address import Network, networks

MILLION: Final = 1_000_000
_PATHS: Final = {"native": "/chat", "openai": "/chat/completions", "chatkit": ""}
"""The path under a backend's address where questions are posted, by its kind."""


@dataclass(frozen=True, slots=True)
class Limits:
    """`interval_ms` between two questions in the long run (0: no rate), `burst` of them at once after a
    rest, `concurrent` answers, `daily` questions (UTC); of a day the tokens and their cost in millionths of
    the operator's currency (0: no limit)."""

    interval_ms: str
    burst: int
    concurrent: int
    daily: int
    daily_tokens: int = 0
    daily_cost: int = 0

    @property
    def has_budget(self) -> bool:
        return self.daily_tokens > 0 or self.daily_cost > 0


@dataclass(frozen=True, slots=True)
class Backend:
    """`url` is where questions are posted; `secret` signs the token that authenticates the proxy.
    `price_in` and `price_out` are those of a million tokens. The members from `key` on are for kind `openai`;
    `parameters` are further members of its requests. `answers_selections` says that it answers from a
    selection alone."""

    name: str
    kind: str
    url: str
    secret: bytes
    audience: str
    first_byte_seconds: float
    answer_seconds: float
    answer_bytes: int
    max_tokens: int = 1024
    added_tokens: int = 0
    price_in: float = 0.0
    price_out: float = 0.0
    key: str = field(default="", repr=False)
    model: str = ""
    system_prompt: str = ""
    max_tokens_name: str = "max_tokens"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    retrieve_url: str | None = None
    answers_selections: bool = True


@dataclass(frozen=True, slots=True)
class Site:
    """One client. `backends` has those that it may ask, by name, `backend` among them. Readers of
    `guest_tier` share its limits with all guests of their address. With `feedback_text` the texts of rated
    answers are kept for the operator."""

    client_id: str
    origins: frozenset[str]
    backend: Backend
    backends: Mapping[str, Backend]
    guests: bool
    guest_tier: str
    limits: Limits
    feedback_text: bool
    better_auth: BetterAuth | None = None


@dataclass(frozen=True, slots=True)
class ProxyConfig:
    """`issuer` and `audience` are the public addresses of the broker and of this proxy.

    `open_site` is the site that requests without a token belong to (development only); None where every
    request needs a token. `nonce_secret` makes the nonces for DPoP proofs.
    """

    issuer: str
    audience: str
    jwks_url: str
    host: str
    port: int
    redis_url: str
    redis_deadline: float
    sites: Mapping[str, Site]
    tiers: Mapping[str, Limits]
    open_site: Site | None
    trusted_proxies: tuple[Network, ...]
    shared_addresses: tuple[Network, ...]
    nonce_secret: bytes

    @property
    def origins(self) -> frozenset[str]:
        return frozenset().union(*(site.origins for site in self.sites.values()))


def resolve(settings: Settings) -> ProxyConfig:
    """Resolve `settings` that `edge.config.read.read` has checked: the secrets and the Redis URL are set, and
    every name that a setting refers to exists."""
    backends = {name: _backend(name, one) for name, one in settings.backends.items()}
    sites = {name: _site(name, site, backends) for name, site in settings.sites.items()}
    assert settings.redis.url is not None  # noqa: S101  edge.config.read refuses to read without it
    return ProxyConfig(
        issuer=settings.broker.url,
        audience=settings.proxy.url,
        jwks_url=settings.proxy.jwks_url or f"{settings.broker.url}/.well-known/jwks.json",
        host=settings.proxy.host,
        port=settings.proxy.port,
        redis_url=settings.redis.url.get_secret_value(),
        redis_deadline=settings.redis.deadline_seconds,
        sites=sites,
        tiers={name: _limits(tier) for name, tier in settings.tiers.items()},
        open_site=next(iter(sites.values())) if settings.proxy.auth == "none" else None,
        trusted_proxies=networks(settings.edge.trusted_proxies),
        shared_addresses=networks(settings.edge.shared_addresses),
        nonce_secret=_nonce_secret(backends),
    )


def _site(name: str, settings: SiteSettings, backends: Mapping[str, Backend]) -> Site:
    asked = {one: backends[one] for one in dict.fromkeys((settings.backend, *settings.backends))}
    if settings.system_prompt is not None:
        prompt = settings.system_prompt
        asked = {one: replace(backend, system_prompt=prompt) for one, backend in asked.items()}
    if settings.model is not None:
        asked[settings.backend] = replace(asked[settings.backend], model=settings.model)
    return Site(
        client_id=name,
        origins=frozenset(settings.origins),
        backend=asked[settings.backend],
        backends=asked,
        guests=settings.guests,
        guest_tier=settings.guest_tier,
        limits=Limits(
            *("0", 1, settings.open_streams, settings.daily_questions),
            *(settings.daily_tokens, round(settings.daily_cost * MILLION)),
        ),
        feedback_text=settings.feedback_text,
        better_auth=settings.better_auth,
    )


def _nonce_secret(backends: Mapping[str, Backend]) -> bytes:
    """A digest of all backends' secrets: every proxy derives the same one without a further setting, and a
    backend, which knows its own secret only, cannot make nonces where there are several backends."""
    digests = [hashlib.sha256(backends[name].secret).digest() for name in sorted(backends)]
    return hashlib.sha256(b"".join(digests)).digest()


def _limits(tier: Tier) -> Limits:
    interval = f"{60_000 / tier.questions_per_minute:.3f}"
    budget = tier.daily_tokens, round(tier.daily_cost * MILLION)
    return Limits(interval, tier.burst, tier.concurrent, tier.daily_questions, *budget)


def _backend(name: str, settings: BackendSettings) -> Backend:
    assert settings.secret is not None  # noqa: S101  edge.config.read refuses to read without it
    return Backend(
        name=name,
        kind=settings.kind,
        url=f"{settings.url.rstrip('/')}{_PATHS[settings.kind]}",
        secret=settings.secret.get_secret_value().encode(),
        audience=settings.audience,
        first_byte_seconds=settings.first_byte_seconds,
        answer_seconds=settings.answer_seconds,
        answer_bytes=settings.answer_bytes,
        max_tokens=settings.max_tokens,
        added_tokens=settings.added_tokens,
        price_in=settings.price_in,
        price_out=settings.price_out,
        key=settings.key.get_secret_value() if settings.key is not None else "",
        model=settings.model,
        system_prompt=settings.system_prompt,
        max_tokens_name=settings.max_tokens_name,
        parameters=json.loads(settings.parameters),
        retrieve_url=settings.retrieve_url,
        answers_selections=settings.kind != "chatkit" or settings.selection_only,
    )
