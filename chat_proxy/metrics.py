"""The proxy's metrics of its questions; docs/metrics.md says what each number is for."""

from collections import Counter
from collections.abc import Callable
from typing import Final

from chat_proxy.admission.places import Spend
from chat_proxy.config import MILLION
from chat_proxy.failures import (
    ANSWER_TIMEOUT,
    ANSWER_TOO_LARGE,
    BACKEND_BUSY,
    BACKEND_TIMEOUT,
    BAD_BACKEND,
    READER_GONE,
    SESSION_ENDED,
    SHUTTING_DOWN,
    UNSURE,
    Failure,
)
from chat_proxy.streams.revocations import Revocations
from chat_proxy.streams.running import RunningAnswers
from edge.http.problems import Problem
from edge.telemetry.metrics import ANSWER_SECONDS, Family, Metrics
from edge.unavailable import Unavailable
from tokens.errors import KeysUnavailable
from tokens.jwks.remote import RemoteKeys

ADMITTED: Final = "admitted"
ANSWERED: Final = "answered"
_UPSTREAM: Final = frozenset(
    {BAD_BACKEND.code, BACKEND_BUSY.code, BACKEND_TIMEOUT.code, ANSWER_TIMEOUT.code, ANSWER_TOO_LARGE.code}
)
_OWN: Final = (SESSION_ENDED.code, UNSURE.code, SHUTTING_DOWN.code, READER_GONE.code)
# Exported as 0 from the start, because an alert on growth needs a first value.
_REFUSALS: Final = ("invalid_token", "rate_limited", "site_limited", UNSURE.code)


class ProxyMetrics:
    """`admissions` counts all questions that arrived, by the outcome of their admission."""

    def __init__(self, metrics: Metrics) -> None:
        self.admissions: Counter[str] = Counter(dict.fromkeys((ADMITTED, *_REFUSALS), 0))
        self._answers: Counter[str] = Counter(dict.fromkeys((ANSWERED, *_UPSTREAM, *_OWN), 0))
        self._upstream: Counter[tuple[str, ...]] = Counter()
        metrics.add(
            Family("chatgate_admissions_total", "counter", "Questions by what was decided.", ("outcome",)),
            lambda: self.admissions,
        )
        metrics.add(
            Family("chatgate_answers_total", "counter", "Admitted questions by their end.", ("outcome",)),
            lambda: self._answers,
        )
        metrics.add(
            Family("chatgate_upstream_errors_total", "counter", "Failures of backends.", ("backend", "code")),
            lambda: self._upstream,
        )
        self._given: Counter[tuple[str, ...]] = Counter()
        self._withdrawn: Counter[tuple[str, ...]] = Counter()
        metrics.add(
            Family("chatgate_feedback_total", "counter", "Ratings given.", ("site", "rating")),
            lambda: self._given,
        )
        metrics.add(
            Family("chatgate_feedback_withdrawn_total", "counter", "Ratings withdrawn.", ("site", "rating")),
            lambda: self._withdrawn,
        )
        self._tokens, self._cost = _spent(metrics)
        self.first_byte = metrics.histogram(
            "chatgate_first_byte_seconds",
            "From asking for admission to the backend's first byte.",
            ANSWER_SECONDS,
        )
        self._whole = metrics.histogram(
            "chatgate_answer_seconds", "From asking for admission to the answer's end.", ANSWER_SECONDS
        )

    def rated(self, site: str, before: str | None, rating: str | None) -> None:
        """Count a rating that replaced the one `before` it; None means no rating."""
        if rating == before:
            return
        if before is not None:
            self._withdrawn[site, before] += 1
        if rating is not None:
            self._given[site, rating] += 1

    def spent(self, site: str, spent: Spend) -> None:
        """Count the tokens of a question, and their price in the operator's currency."""
        self._tokens[site, spent.backend, "in"] += spent.tokens_in
        self._tokens[site, spent.backend, "out"] += spent.tokens_out
        self._cost[site, spent.backend] += spent.cost

    def refused(self, error: Exception) -> None:
        """Count a question that was not admitted."""
        if isinstance(error, Problem):
            self.admissions[error.code] += 1
        elif isinstance(error, Unavailable | KeysUnavailable):
            self.admissions[UNSURE.code] += 1
        else:
            self.admissions["internal_error"] += 1

    def ended(self, backend: str, failure: Failure | None, seconds: float) -> None:
        """Count the end of an answer; `failure` is None for a whole one."""
        self._whole.observe(seconds)
        if failure is None:
            self._answers[ANSWERED] += 1
            return
        self._answers[failure.code] += 1
        if failure.code in _UPSTREAM:
            self._upstream[backend, failure.code] += 1


def _spent(metrics: Metrics) -> tuple[Counter[tuple[str, ...]], Counter[tuple[str, ...]]]:
    """The counters of tokens and of their price, registered."""
    tokens: Counter[tuple[str, ...]] = Counter()
    cost: Counter[tuple[str, ...]] = Counter()
    labels = ("site", "backend", "direction")
    metrics.add(Family("chatgate_tokens_total", "counter", "Tokens of questions.", labels), lambda: tokens)
    # In the millionths of the currency, which are whole numbers.
    metrics.add(
        Family("chatgate_cost_total", "counter", "Their price.", ("site", "backend")),
        lambda: {key: millionths / MILLION for key, millionths in cost.items()},
    )
    return tokens, cost


def watch(
    metrics: Metrics,
    answers: RunningAnswers,
    keys: RemoteKeys,
    cutoff: Revocations,
    clock: Callable[[], float],
) -> None:
    """Register the gauges, whose values are read from the running proxy at each scrape."""
    metrics.add(Family("chatgate_answers_open", "gauge", "Answers under way."), lambda: answers.count)
    metrics.add(
        Family("chatgate_jwks_age_seconds", "gauge", "Age of the copy of the broker's keys.", merge="max"),
        lambda: None if keys.read_at is None else clock() - keys.read_at,
    )
    metrics.add(
        Family(
            "chatgate_cutoff_listening",
            "gauge",
            "1 while revocations are heard at once; else streams are cut at their next renewal.",
            merge="min",
        ),
        lambda: int(cutoff.is_listening),
    )
