"""What a reader is told of their limits: the fields of draft-ietf-httpapi-ratelimit-headers, and 429."""

import math
from dataclasses import dataclass
from typing import Final, NamedTuple

from chat_proxy.config import Limits
from edge.problems import Problem

DAY: Final = 86_400
PROBLEM_TYPES: Final = "https://iana.org/assignments/http-problem-types#"


class Standing(NamedTuple):
    """What lua/limits.lua answers; times in milliseconds. `violated` is empty when a place was taken."""

    violated: str
    wait: int
    burst_left: int
    burst_whole: int
    daily_left: int
    daily_whole: int

    @classmethod
    def of(cls, reply: list[bytes | int]) -> "Standing":
        violated, *numbers = reply[:6]
        assert isinstance(violated, bytes)  # noqa: S101  the script answers text, then numbers
        return cls(violated.decode(), *(int(number) for number in numbers))


@dataclass(frozen=True, slots=True)
class RateFields:
    policy: str
    limit: str

    def raw(self) -> list[tuple[bytes, bytes]]:
        return [(b"ratelimit-policy", self.policy.encode()), (b"ratelimit", self.limit.encode())]


def fields(limits: Limits, standing: Standing) -> RateFields:
    """For an answer: what is left, and the seconds after which nothing is missing."""
    window = math.ceil(limits.burst * float(limits.interval_ms) / 1000)
    policy = (
        f'"burst";q={limits.burst};w={window}, "daily";q={limits.daily};w={DAY}, '
        f'"concurrent";q={limits.concurrent};qu="concurrent-requests"'
    )
    burst = f'"burst";r={max(standing.burst_left, 0)};t={_seconds(standing.burst_whole)}'
    daily = f'"daily";r={standing.daily_left};t={_seconds(standing.daily_whole)}'
    if standing.violated == "burst":
        burst = f'"burst";r=0;t={_seconds(standing.wait)}'
    concurrent = (
        f', "concurrent";r=0;t={_seconds(standing.wait)}' if standing.violated == "concurrent" else ""
    )
    return RateFields(policy, f"{burst}, {daily}{concurrent}")


def reader_limited(limits: Limits, standing: Standing) -> Problem:
    """429 for a reader, or for the address that guests share."""
    detail = {
        "burst": "Too many questions in a short time. Wait a moment.",
        "daily": "Today's questions are used up. Come back tomorrow.",
        "concurrent": "Another answer is still being written. Wait for its end.",
    }[standing.violated]
    return _limited("quota-exceeded", "rate_limited", detail, fields(limits, standing), standing)


def site_limited(limits: Limits, standing: Standing) -> Problem:
    """429 for everybody of a site whose own room is used up."""
    name = f"site-{standing.violated}"
    policy = f'"{name}";q={limits.daily};w={DAY}'
    if standing.violated == "concurrent":
        policy = f'"{name}";q={limits.concurrent};qu="concurrent-requests"'
    limit = RateFields(policy, f'"{name}";r=0;t={_seconds(standing.wait)}')
    detail = "This site has more questions than it has room for. Try again later."
    return _limited("temporary-reduced-capacity", "site_limited", detail, limit, standing, name)


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
