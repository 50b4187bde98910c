"""`python -m bench [--quick] [scenario ...]`: measures, prints each figure beside its target, and after a
whole run writes bench/README.md. Exit code 1: a target was missed."""

import argparse
import signal
import sys

from bench import (
    chat,
    connections,
    dpop,
    memory,
    outage,
    refresh,
    report,
    revocation,
    rotation,
    sessions,
    sign_ins,
    start,
    streams,
    token,
    workers,
)
from bench.figures import Figure, line
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
        revocation,
        rotation,
        workers,
        outage,
        sign_ins,
        memory,
        start,
        sessions,
    )
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("scenarios", nargs="*", metavar="scenario", help=", ".join(SCENARIOS))
    parser.add_argument("--quick", action="store_true", help="a look whether it works; figures say little")
    given = parser.parse_args()
    if unknown := set(given.scenarios) - set(SCENARIOS):
        parser.error(f"there is no scenario {', '.join(sorted(unknown))}")
    # As an exception, so that what was started is ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    figures: list[Figure] = []
    with stack() as running:
        for name, scenario in SCENARIOS.items():
            if not given.scenarios or name in given.scenarios:
                for figure in scenario.run(running, quick=given.quick):
                    print(line(figure), flush=True)
                    figures.append(figure)
    if not given.scenarios and not given.quick:
        report.write(figures)
    return 0 if all(figure.is_met for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
