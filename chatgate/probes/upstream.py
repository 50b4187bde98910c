"""Asks a site's own Better Auth server whether its sessions can be read, as the services will."""

import time

from broker.upstreams.jwts import Jwts
from chatgate.environment import Environment
from chatgate.probes.result import Found
from chatgate.records import is_not_started
from edge.config.better_auth import BetterAuth
from edge.database_url import BadDatabaseUrl
from edge.redis.client import Store, StoreUnavailable
from edge.upstreams.failures import MENDS
from edge.upstreams.session import UpstreamUnavailable
from edge.upstreams.site import WAYS, Around

NOT_STARTED = "in the Redis that `chatgate up` starts"


async def found(around: Environment, site: str, settings: BetterAuth) -> Found:
    is_ours = settings.upstream == "redis" and settings.redis_url is None
    if is_ours and is_not_started(around):
        return Found(True, NOT_STARTED)
    try:
        return Found(True, await _described(around, site, settings))
    except (UpstreamUnavailable, StoreUnavailable, BadDatabaseUrl) as error:
        return Found(False, f"{error}: {MENDS[settings.upstream].format(site=site)}.")


async def _described(around: Environment, site: str, settings: BetterAuth) -> str:
    if settings.upstream == "jwt":
        return await _described_jwts(site, settings)
    # A Store connects at its first flight, so one that is not asked may be of a server that is down.
    redis = around.settings.redis
    store = Store(around.redis_url, time.monotonic, deadline=redis.deadline_seconds)
    parts = Around(store, around.redis_url, redis.deadline_seconds, time.time, time.monotonic)
    upstream = WAYS[settings.upstream](settings, parts)
    try:
        return await upstream.describe(time.time())
    finally:
        await upstream.close()
        await store.close()


async def _described_jwts(site: str, settings: BetterAuth) -> str:
    jwts = Jwts(site, settings, time.monotonic)
    try:
        return await jwts.describe(time.time())
    finally:
        await jwts.close()
