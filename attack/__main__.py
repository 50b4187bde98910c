"""`python -m attack [--seconds N] [--seed N] [--from N] [search ...]`: search for inputs, floods, races and
ways around limits that real services do not withstand. Exit code 1: it found one."""

import argparse
import secrets
import signal
import sys
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Final

import uvloop

from attack import answers, bodies, floods, heads, limits, races, report
from attack.report import Found
from attack.searches import Search
from attack.stack import Stack, stack
from bench.http1 import BadAnswer

Run = Callable[[Search, Stack], Coroutine[Any, Any, Found]]
SEARCHES: Final[Mapping[str, Run]] = {
    one.NAME: one.run for one in (bodies, heads, answers, floods, races, limits)
}
SHARES: Final = {"bodies": 20, "heads": 12, "answers": 8, "floods": 16, "races": 20, "limits": 12}
"""Each search's share of the time that is left."""
SECONDS: Final = 85.0
"""The default time for the whole run, with the start of the services."""
LEAST: Final = 1.0
"""Seconds that a search gets at least, even if the start took all of the time."""


def main(
    words: Sequence[str] | None = None,
    services: Callable[[], AbstractContextManager[Stack]] = stack,
    searches: Mapping[str, Run] = SEARCHES,
) -> int:
    """`words`: the arguments, by default those of the process."""
    given = _given(words)
    names = [name for name in searches if not given.searches or name in given.searches]
    # An exception, so that the context managers end the processes that were started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    began = time.monotonic()
    faults = 0
    with services() as running:
        for at, name in enumerate(names):
            left = began + given.seconds - time.monotonic()
            seconds = max(LEAST, left * SHARES[name] / sum(SHARES[one] for one in names[at:]))
            found = _run(name, searches[name], running, Search(given.seed, seconds, given.first))
            faults += found.is_fault
            print(report.line(found), flush=True)
            for fault in report.save(found.faults, name, given.seed):
                print(fault, flush=True)
    print(f"seed {given.seed}, {time.monotonic() - began:.0f} s")
    return int(faults > 0)


def _given(words: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m attack")
    parser.add_argument("searches", nargs="*", metavar="search", help=", ".join(SEARCHES))
    parser.add_argument("--seconds", type=float, default=SECONDS, help="in all, by default %(default)s")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 32), help="of an earlier run")
    parser.add_argument("--from", type=int, default=0, dest="first", help="number of the first attempt")
    given = parser.parse_args(words)
    if unknown := set(given.searches) - set(SEARCHES):
        parser.error(f"there is no search {', '.join(sorted(unknown))}")
    return given


def _run(name: str, run: Run, running: Stack, search: Search) -> Found:
    try:
        return uvloop.run(run(search, running))
    except (BadAnswer, OSError, TimeoutError, AssertionError) as error:
        # A request that the search itself depends on has failed.
        found = Found(name)
        found.add(f"the search cannot go on: {error!r}", search.first, b"")
        return found


if __name__ == "__main__":
    sys.exit(main())
