"""The command line of both services: the number of workers, and what a worker inherits from its parent."""

import argparse
from dataclasses import dataclass

from edge.config.values import MAX_WORKERS
from edge.server.inherited import Inherited


@dataclass(frozen=True, slots=True)
class Arguments:
    """`workers` is None where the configuration sets the number."""

    workers: int | None
    inherited: Inherited | None


def parse(service: str, words: list[str]) -> Arguments:
    """Parse `words`. Exits with code 2 for an unknown argument."""
    parser = argparse.ArgumentParser(prog=f"python -m {service}")
    parser.add_argument(
        "--workers",
        type=_count,
        metavar="N",
        help="processes that share the port; the configuration says how many otherwise",
    )
    parser.add_argument("--inherited", type=Inherited.parse, help=argparse.SUPPRESS)
    given = parser.parse_args(words)
    return Arguments(given.workers, given.inherited)


def _count(text: str) -> int:
    count = int(text)
    if not 1 <= count <= MAX_WORKERS:
        raise argparse.ArgumentTypeError(f"must be 1 to {MAX_WORKERS}")
    return count
