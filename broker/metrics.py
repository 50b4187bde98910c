"""The metrics of a broker's hashes and keys; docs/metrics.md explains each."""

import threading
from collections import Counter
from collections.abc import Callable

from broker.accounts.password_hashes import ARGON2, SCRYPT
from broker.accounts.passwords import Passwords
from broker.signing.keyring import Keys
from edge.telemetry.metrics import Family, Metrics


class Hashes:
    """Counts each hash; it is called on the thread that made the hash."""

    def __init__(self, metrics: Metrics) -> None:
        self._lock = threading.Lock()
        self._made: Counter[str] = Counter({ARGON2: 0, SCRYPT: 0})
        metrics.add(
            Family("chatgate_hashes_total", "counter", "Password hashes that were computed.", ("scheme",)),
            lambda: self._made,
        )

    def __call__(self, scheme: str) -> None:
        with self._lock:
            self._made[scheme] += 1


def watch(metrics: Metrics, passwords: Passwords, keys: Keys, now: Callable[[], float]) -> None:
    """Add the metrics that are read from a running broker on demand. `now` is seconds since the epoch."""

    def age() -> float | None:
        ring = keys.ring
        return None if ring is None else now() - ring.signs_since / 1000

    metrics.add(
        Family("chatgate_hashing_waiting", "gauge", "Passwords that wait for a thread."),
        lambda: passwords.waiting,
    )
    metrics.add(
        Family("chatgate_hashing_running", "gauge", "Passwords that are being hashed."),
        lambda: passwords.running,
    )
    metrics.add(
        Family("chatgate_hashing_refused_total", "counter", "Passwords refused as too many waited."),
        lambda: passwords.refused,
    )
    metrics.add(
        Family(
            "chatgate_signing_key_age_seconds",
            "gauge",
            "Since the key that signs was published; a key that was just promoted is older than its use.",
            merge="max",
        ),
        age,
    )
    metrics.add(
        Family("chatgate_published_keys", "gauge", "Keys in the key set.", merge="max"),
        lambda: 0 if keys.ring is None else len(keys.ring.published),
    )
