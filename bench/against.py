"""`python -m bench --against REV`: an earlier revision's build beside the present one, in turn in one run.

Each figure is the present build's cost divided by the earlier one's, the median of the rounds. The earlier
build has its own interpreter with the libraries that it pins, its own Valkey and its own readers.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from bench import load
from bench.backend import EVENTS_A_SECOND
from bench.figures import Figure
from bench.load import Plan
from bench.processes import ROOT, Build, free_ports, serving, url_of
from bench.scenarios import connections, memory, streams
from bench.stack import ACCOUNTS, Stack, stack

NAME: Final = "against"
AT_ONCE: Final = 400
QUESTION: Final = "How often does the station record a value?"
RESTED: Final = 12.0
"""Seconds after which the memory of streams that have ended is looked at."""


@contextmanager
def build_of(revision: str) -> Iterator[Build]:
    """The source of a revision in a folder of its own, with the libraries of its lock. Raises SystemExit
    where there is no such revision."""
    with tempfile.TemporaryDirectory(prefix="cgrev") as folder:
        root = Path(folder) / "source"
        git = ["git", "-C", str(ROOT)]
        added = subprocess.run(
            [*git, "worktree", "add", "--detach", str(root), revision], capture_output=True, text=True
        )
        if added.returncode:
            raise SystemExit(f"--against {revision}: {added.stderr.strip()}")
        try:
            print(f"Installing the libraries of {revision} ...", flush=True)
            environment = Path(folder) / "venv"
            subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
            python = str(environment / "bin" / "python")
            install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            lock = str(root / "requirements" / "run.lock")
            subprocess.run([*install, "--require-hashes", "-r", lock], check=True, stderr=subprocess.DEVNULL)
            yield Build(root, python)
        finally:
            subprocess.run([*git, "worktree", "remove", "--force", str(root)], check=True)


@dataclass(frozen=True, slots=True)
class Compared:
    """One cost: `measure` answers it for a stack, in any unit, as only the ratio is shown."""

    name: str
    target: float
    measure: Callable[[Stack, float], float]


def _question(stack: Stack, seconds: float) -> Plan:
    requests = [reader.question(QUESTION) for reader in stack.readers(32)]
    return Plan(stack.proxy.port, requests, 32, seconds)


def _of_a_question(stack: Stack, seconds: float) -> float:
    plan = _question(stack, seconds)
    before = stack.proxy.cpu()
    count = stack.load.call(load.run, plan).require(200).count
    return (stack.proxy.cpu() - before) / float(count)


def _of_redis_a_question(stack: Stack, seconds: float) -> float:
    plan = _question(stack, seconds)
    before = stack.store.cpu()
    count = stack.load.call(load.run, plan).require(200).count
    return (stack.store.cpu() - before) / float(count)


def _of_a_token(stack: Stack, seconds: float) -> float:
    plan = Plan(stack.broker.port, [one.token_request() for one in stack.readers(16)], 16, seconds)
    before = stack.broker.cpu()
    count = stack.load.call(load.run, plan).require(200).count
    return (stack.broker.cpu() - before) / float(count)


def _of_an_event(stack: Stack, seconds: float) -> float:
    lasts = max(2, int(seconds))
    at_once = AT_ONCE if seconds > 1 else 50
    text = f"events={int((streams.STARTED_OVER + lasts) * EVENTS_A_SECOND)}"
    readers = stack.readers(ACCOUNTS)
    requests = [readers[at % len(readers)].question(text, events=True) for at in range(at_once)]
    return streams.watch(stack, stack.proxy, requests, lasts).cost


def _of_a_start(stack: Stack, _seconds: float) -> float:
    """Seconds of CPU: unlike those of the clock, other work does not lengthen them."""
    [port] = free_ports(1)
    moved = {"CHATGATE_PROXY_PORT": str(port), "CHATGATE_PROXY_URL": url_of(port)}
    with serving(
        stack.folder, stack.environ | moved, port, "/readyz", "chat_proxy", build=stack.build
    ) as service:
        return service.cpu()


COMPARED: Final = (
    Compared("CPU of the proxy a question", 0.60, _of_a_question),
    Compared("CPU of Valkey a question", 0.70, _of_redis_a_question),
    Compared("CPU of the broker a token", 0.55, _of_a_token),
    Compared(f"CPU of the proxy an event, {AT_ONCE} streams", 0.68, _of_an_event),
    Compared("CPU of the proxy's cold start", 0.85, _of_a_start),
)


def run(revision: str, *, quick: bool) -> list[Figure]:
    seconds, rounds = (1.0, 1) if quick else (3.0, 5)
    with ExitStack() as both:
        earlier = both.enter_context(stack(both.enter_context(build_of(revision))))
        present = both.enter_context(stack())
        figures = [_ratio(one, earlier, present, seconds, rounds) for one in COMPARED]
        return [*figures, *_memory(earlier, present, quick=quick)]


def _ratio(compared: Compared, earlier: Stack, present: Stack, seconds: float, rounds: int) -> Figure:
    for one in (earlier, present):
        compared.measure(one, seconds / 3)
    ratios = []
    for at in range(rounds):
        # Each build begins as often as the other: a machine that slows down favours none.
        pair = (earlier, present) if at % 2 == 0 else (present, earlier)
        costs = {id(one): compared.measure(one, seconds) for one in pair}
        ratios.append(costs[id(present)] / costs[id(earlier)])
    return Figure(NAME, compared.name, median(ratios), "×", compared.target)


def _memory(earlier: Stack, present: Stack, *, quick: bool) -> list[Figure]:
    for one in (earlier, present):
        memory.run(one, quick=quick)
    broker, proxy = (
        present_service.resident() / earlier_service.resident()
        for present_service, earlier_service in (
            (present.broker, earlier.broker),
            (present.proxy, earlier.proxy),
        )
    )
    return [
        Figure(NAME, "resident memory of the broker after load", broker, "×", 0.72),
        Figure(NAME, "resident memory of the proxy after load", proxy, "×", 0.78),
        Figure(NAME, _STREAMS.format("the earlier build's"), _after_streams(earlier, quick=quick), "×"),
        Figure(NAME, _STREAMS.format("the present build's"), _after_streams(present, quick=quick), "×", 1.2),
    ]


_STREAMS: Final = f"memory after {connections.STREAMS} streams against before, {{}}"


def _after_streams(stack: Stack, *, quick: bool) -> float:
    count, seconds = (100, 3) if quick else (connections.STREAMS, 15)
    requests = connections.slow_streams(stack, count, seconds)
    before = stack.proxy.resident()
    stack.load.call(connections.listen, stack.proxy.port, requests, 6.0 / count)
    time.sleep(RESTED)
    return stack.proxy.resident() / before
