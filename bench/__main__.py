"""`python -m bench [--quick] [scenario ...]`: measures, prints each figure beside its target, and after a
whole run writes bench/README.md. `--against REV` compares with an earlier revision instead, `--peers` with
other servers. Exit code 1: a target was missed."""

import argparse
import signal
import sys

from bench import against, report
from bench.figures import Figure, line
from bench.peers import comparison, programs
from bench.scenarios import (
    better_auth,
    chat,
    connections,
    dpop,
    memory,
    outage,
    parsers,
    refresh,
    retrieval,
    revocation,
    rotation,
    sessions,
    sign_ins,
    start,
    streams,
    token,
    widget,
    workers,
)
from bench.stack import stack

SCENARIOS = {
    one.NAME: one
    for one in (
        chat,
        dpop,
        streams,
        connections,
        token,
        refresh,
        better_auth,
        revocation,
        rotation,
        workers,
        outage,
        sign_ins,
        parsers,
        memory,
        start,
        sessions,
        widget,
        retrieval,
    )
}


def main() -> int:
    given = _given()
    # An exception, so that the context managers end the processes that were started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if given.peers or given.against is not None:
        return _compared(given)
    figures: list[Figure] = []
    with stack() as running:
        for name, scenario in SCENARIOS.items():
            if not given.scenarios or name in given.scenarios:
                for figure in scenario.run(running, quick=given.quick):
                    print(line(figure), flush=True)
                    figures.append(figure)
    if not given.scenarios and not given.quick:
        report.write(figures)
    return _verdict(figures)


def _given() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("scenarios", nargs="*", metavar="scenario", help=", ".join(SCENARIOS))
    parser.add_argument("--quick", action="store_true", help="a look whether it works; figures say little")
    comparisons = parser.add_mutually_exclusive_group()
    comparisons.add_argument(
        "--against", metavar="REV", help="compare with the build of that revision, in turn"
    )
    comparisons.add_argument(
        "--peers", action="store_true", help="compare with other servers that are here, in turn"
    )
    parser.add_argument("--install", action="store_true", help="with --peers: get the pinned ones first")
    given = parser.parse_args()
    if unknown := set(given.scenarios) - set(SCENARIOS):
        parser.error(f"there is no scenario {', '.join(sorted(unknown))}")
    if given.scenarios and (given.peers or given.against is not None):
        parser.error("--against and --peers have comparisons of their own and take no scenarios")
    if given.install and not given.peers:
        parser.error("--install is for --peers")
    return given


def _compared(given: argparse.Namespace) -> int:
    """The comparisons, with the load of the machine that others make before and after."""
    if given.install:
        programs.install()
    print(report.load_average("before"), flush=True)
    figures: list[Figure] = []
    if given.peers:
        comparison.run(quick=given.quick)
    else:
        figures = against.run(given.against, quick=given.quick)
        print("\n".join(map(line, figures)))
    print(report.load_average("after"))
    return _verdict(figures)


def _verdict(figures: list[Figure]) -> int:
    return 0 if all(figure.is_met for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
