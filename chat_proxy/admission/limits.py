"""The rate limits as a client sees them: the fields of draft-ietf-httpapi-ratelimit-headers, and 429."""

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from chat_proxy.config import Limits
from edge.http.problems import Problem

DAY: Final = 86_400
_NO_BUDGET: Final = "The rest of today's budget may not pay for this question. Come back tomorrow."
PROBLEM_TYPES: Final = "https://iana.org/assignments/http-problem-types#"


class Standing(NamedTuple):
    """The values of `reserve` in lua/limits.lua, in its order; times in milliseconds. `violated` is empty
    when a place was taken."""

    violated: str
    wait: int
    burst_left: int
    burst_whole: int
    daily_left: int
    daily_whole: int
    tokens_left: int
    cost_left: int

    @classmethod
    def of(cls, reply: Sequence[bytes | int]) -> "Standing":
        violated, *numbers = reply
        assert isinstance(violated, bytes)  # noqa: S101  the script answers text, then numbers
        return cls(violated.decode(), *(int(number) for number in numbers))


class RateFields(NamedTuple):
    policy: str
    limit: str

    def raw(self) -> list[tuple[bytes, bytes]]:
        return [(b"ratelimit-policy", self.policy.encode()), (b"ratelimit", self.limit.encode())]


def fields(limits: Limits, standing: Standing) -> RateFields:
    """The fields of an answer: the quota that is left, and the seconds until it is whole again."""
    window = math.ceil(limits.burst * float(limits.interval_ms) / 1000)
    policy = (
        f'"burst";q={limits.burst};w={window}, "daily";q={limits.daily};w={DAY}, '
        f'"concurrent";q={limits.concurrent};qu="concurrent-requests"'
    )
    burst = f'"burst";r={max(standing.burst_left, 0)};t={_seconds(standing.burst_whole)}'
    daily = f'"daily";r={standing.daily_left};t={_seconds(standing.daily_whole)}'
    if standing.violated == "burst":
        burst = f'"burst";r=0;t={_seconds(standing.wait)}'
    limit = f"{burst}, {daily}"
    if standing.violated == "concurrent":
        limit += f', "concurrent";r=0;t={_seconds(standing.wait)}'
    for name, quota, unit, left in (
        ("daily-tokens", limits.daily_tokens, "tokens", standing.tokens_left),
        ("daily-cost", limits.daily_cost, "millionths", standing.cost_left),
    ):
        if quota:
            policy += f', "{name}";q={quota};w={DAY};qu="{unit}"'
            limit += f', "{name}";r={left};t={_seconds(standing.daily_whole)}'
    return RateFields(policy, limit)


def reader_limited(limits: Limits, standing: Standing) -> Problem:
    """429 for a reader, or for the address that guests share."""
    detail = {
        "burst": "Too many questions in a short time. Wait a moment.",
        "daily": "Today's questions are used up. Come back tomorrow.",
        "concurrent": "Another answer is still being written. Wait for its end.",
        "daily-tokens": _NO_BUDGET,
        "daily-cost": _NO_BUDGET,
    }[standing.violated]
    return _limited("quota-exceeded", "rate_limited", detail, fields(limits, standing), standing)


def site_limited(limits: Limits, standing: Standing) -> Problem:
    """429 for every reader of a site whose own limits are reached."""
    name = f"site-{standing.violated}"
    policy = {
        "daily": f"q={limits.daily};w={DAY}",
        "concurrent": f'q={limits.concurrent};qu="concurrent-requests"',
        "daily-tokens": f'q={limits.daily_tokens};w={DAY};qu="tokens"',
        "daily-cost": f'q={limits.daily_cost};w={DAY};qu="millionths"',
    }[standing.violated]
    limit = RateFields(f'"{name}";{policy}', f'"{name}";r=0;t={_seconds(standing.wait)}')
    detail = "This site has more questions than it has room for. Try again later."
    return _limited("temporary-reduced-capacity", "site_limited", detail, limit, standing, name)


def feedback_limited(most: int, window_ms: int, wait_ms: int) -> Problem:
    """429 for a reader with more than `most` ratings in a window."""
    wait = _seconds(wait_ms)
    headers = {
        "Retry-After": str(wait),
        "RateLimit-Policy": f'"feedback";q={most};w={window_ms // 1000}',
        "RateLimit": f'"feedback";r=0;t={wait}',
    }
    members = {"violated-policies": ["feedback"]}
    detail = "Too many ratings in a short time. Wait a moment."
    return Problem(
        429, "rate_limited", detail, headers, type=f"{PROBLEM_TYPES}quota-exceeded", members=members
    )


def _limited(
    kind: str, code: str, detail: str, limit: RateFields, standing: Standing, policy: str | None = None
) -> Problem:
    headers = {
        "Retry-After": str(_seconds(standing.wait)),
        "RateLimit-Policy": limit.policy,
        "RateLimit": limit.limit,
    }
    members = {"violated-policies": [policy or standing.violated]}
    return Problem(429, code, detail, headers, type=PROBLEM_TYPES + kind, members=members)


def _seconds(milliseconds: int) -> int:
    return max(1, math.ceil(milliseconds / 1000))
