"""The command line of both services: how many workers; and, between a parent and a worker, its seat."""

import argparse
from dataclasses import dataclass

from edge.seat import Seat
from edge.settings import MAX_WORKERS


@dataclass(frozen=True, slots=True)
class Arguments:
    """`workers` is None where the configuration says how many."""

    workers: int | None
    seat: Seat | None


def parse(service: str, words: list[str]) -> Arguments:
    """Exits with code 2 for what is no argument."""
    parser = argparse.ArgumentParser(prog=f"python -m {service}")
    parser.add_argument(
        "--workers",
        type=_count,
        metavar="N",
        help="processes that share the port; the configuration says how many otherwise",
    )
    parser.add_argument("--seat", type=Seat.parse, help=argparse.SUPPRESS)
    given = parser.parse_args(words)
    return Arguments(given.workers, given.seat)


def _count(text: str) -> int:
    count = int(text)
    if not 1 <= count <= MAX_WORKERS:
        raise argparse.ArgumentTypeError(f"must be 1 to {MAX_WORKERS}")
    return count
