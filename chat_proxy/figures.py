"""What a proxy counts of its questions; docs/metrics.md says what each number is for."""

from collections import Counter
from collections.abc import Callable
from typing import Final

from chat_proxy.answers import Answers
from chat_proxy.cutoff import Cutoff
from chat_proxy.failures import (
    ANSWER_TIMEOUT,
    ANSWER_TOO_LARGE,
    BACKEND_TIMEOUT,
    BAD_BACKEND,
    READER_GONE,
    SESSION_ENDED,
    SHUTTING_DOWN,
    UNSURE,
    Failure,
)
from edge.metrics import ANSWER_SECONDS, Family, Metrics
from edge.problems import Problem
from edge.store import StoreUnavailable
from tokens.errors import KeysUnavailable
from tokens.jwks.remote import RemoteKeys

ADMITTED: Final = "admitted"
ANSWERED: Final = "answered"
_UPSTREAM: Final = frozenset(
    {BAD_BACKEND.code, BACKEND_TIMEOUT.code, ANSWER_TIMEOUT.code, ANSWER_TOO_LARGE.code}
)
_OWN: Final = (SESSION_ENDED.code, UNSURE.code, SHUTTING_DOWN.code, READER_GONE.code)
# There from the start, as an alert on their growth wants a beginning.
_REFUSALS: Final = ("invalid_token", "rate_limited", "site_limited", UNSURE.code)


class Figures:
    """`admissions` are all questions that came, by what became of their admission."""

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
        self.first_byte = metrics.histogram(
            "chatgate_first_byte_seconds",
            "From asking for admission to the backend's first byte.",
            ANSWER_SECONDS,
        )
        self._whole = metrics.histogram(
            "chatgate_answer_seconds", "From asking for admission to the answer's end.", ANSWER_SECONDS
        )

    def refused(self, error: Exception) -> None:
        """A question that was not admitted."""
        if isinstance(error, Problem):
            self.admissions[error.code] += 1
        elif isinstance(error, StoreUnavailable | KeysUnavailable):
            self.admissions[UNSURE.code] += 1
        else:
            self.admissions["internal_error"] += 1

    def ended(self, backend: str, failure: Failure | None, seconds: float) -> None:
        """The end of an answer; None for one that is whole."""
        self._whole.observe(seconds)
        if failure is None:
            self._answers[ANSWERED] += 1
            return
        self._answers[failure.code] += 1
        if failure.code in _UPSTREAM:
            self._upstream[backend, failure.code] += 1


def watch(
    metrics: Metrics, answers: Answers, keys: RemoteKeys, cutoff: Cutoff, clock: Callable[[], float]
) -> None:
    """What can be seen of a running proxy when it is asked for."""
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
