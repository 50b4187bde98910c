"""Two workers behind one port compared with one: the division of questions, and the cost of each question.

The load runs in a process of its own (bench/load.py), and the figures compare the processor time of the
services, so neither includes the load's share of the same cores. The number of answers a second of two
workers would say nothing, because the load, the backend and Redis use the same cores.
"""

import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from statistics import median

import psutil

from bench import load
from bench.figures import Figure
from bench.http1 import HOST
from bench.load import Plan
from bench.processes import answers, free_ports, process
from bench.stack import ACCOUNTS, Stack

NAME = "workers"
WORKERS = 2
CONNECTIONS = 32
FEW = 8
QUESTION = "How often does the station record a value?"


def run(stack: Stack, *, quick: bool) -> list[Figure]:
    seconds, rounds = (1.0, 1) if quick else (3.0, 7)
    requests = [reader.question(QUESTION) for reader in stack.readers(ACCOUNTS)]
    many = WORKERS * CONNECTIONS
    seen: dict[str, list[float]] = defaultdict(list)
    with _several(stack) as (port, metrics, parent):
        one, two = [stack.proxy.process], [parent, *parent.children()]
        for at, to in ((stack.proxy.port, one), (port, two)):
            _cost(stack, at, requests[:CONNECTIONS], to, seconds / 3)
        for _ in range(rounds):
            # Other readers in each round, or they would use up their bursts.
            requests = requests[many:] + requests[:many]
            few = requests[:CONNECTIONS]
            alone = _cost(stack, stack.proxy.port, few, one, seconds)
            before = _answered(metrics)
            together = _cost(stack, port, few, two, seconds)
            seen["share"].append(_share(before, _answered(metrics)))
            seen["cost"].append(together)
            seen["ratio"].append(together / alone)
            seen["each"].append(_cost(stack, port, requests[:many], two, seconds) / alone)
            before = _answered(metrics)
            _cost(stack, port, few[:FEW], two, seconds / 3)
            seen["few"].append(_share(before, _answered(metrics)))
        memory = parent.memory_info().rss / 2**20
    return [
        Figure(NAME, "CPU of two workers and their parent a question", median(seen["cost"]), "µs"),
        Figure(NAME, "against that of one, as many connections in all", median(seen["ratio"]), "×", 1.1),
        Figure(NAME, "against that of one, as many connections to each", median(seen["each"]), "×", 1.1),
        Figure(
            NAME, f"to the busier one of {CONNECTIONS} connections, median", median(seen["share"]), "%", 60
        ),
        Figure(NAME, f"to the busier one of {FEW} connections, median", median(seen["few"]), "%", 60),
        Figure(NAME, "memory of the parent", memory, "MiB"),
    ]


@contextmanager
def _several(stack: Stack) -> Iterator[tuple[int, int, psutil.Process]]:
    port, metrics = free_ports(2)
    environ = stack.environ | {
        "CHATGATE_PROXY_PORT": str(port),
        "CHATGATE_PROXY_METRICS_PORT": str(metrics),
    }
    command = (sys.executable, "-m", "chat_proxy", "--workers", str(WORKERS))

    def is_ready() -> bool:
        return answers(port, "/readyz") and _told(metrics, "chatgate_workers") == [WORKERS]

    with process(command, environ, stack.folder, is_ready) as parent:
        yield port, metrics, psutil.Process(parent.pid)


def _cost(
    stack: Stack, port: int, requests: list[bytes], processes: list[psutil.Process], seconds: float
) -> float:
    """Microseconds of CPU a question."""
    before = _cpu(processes)
    tally = stack.load.call(load.run, Plan(port, requests, len(requests), seconds)).require(200)
    cost: float = (_cpu(processes) - before) / tally.count * 1e6
    return cost


def _cpu(processes: list[psutil.Process]) -> float:
    spent = [one.cpu_times() for one in processes]
    return sum((times.user + times.system for times in spent), 0.0)


def _answered(metrics: int) -> list[float]:
    """The number of answers of each worker."""
    return _told(metrics, "chatgate_worker_responses_total")


def _share(before: list[float], after: list[float]) -> float:
    """Percent of the answers that the busier worker gave."""
    given = [one - other for one, other in zip(after, before, strict=True)]
    return max(given) / sum(given) * 100


def _told(metrics: int, name: str) -> list[float]:
    connection = HTTPConnection(HOST, metrics, timeout=5)
    try:
        connection.request("GET", "/metrics")
        lines = connection.getresponse().read().decode().splitlines()
    except OSError:
        return []
    finally:
        connection.close()
    return [float(line.split()[-1]) for line in lines if line.partition("{")[0].split(" ")[0] == name]
