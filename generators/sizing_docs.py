"""Writes into docs/deploying.md the resources that a number of readers take, by the figures of
bench/README.md.

`--check` writes nothing and ends with exit code 1 where the table is stale.
"""

import argparse
import math
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
FIGURES = ROOT / "bench" / "README.md"
TARGET = ROOT / "docs" / "deploying.md"
BEGINS, ENDS = "<!-- sizing: generators/sizing_docs.py -->\n", "<!-- /sizing -->"

ROWS = (100, 1_000, 10_000, 100_000, 1_000_000)
ASKING = 1 / 10
"""The part of the readers that asks in the busiest hour."""
SECONDS_BETWEEN_QUESTIONS = 120
ANSWER_SECONDS = 15
EVENTS_A_SECOND = 20
SESSIONS_A_READER = 2
KEPT_A_READER = 10 * 1024
"""Bytes of conversations that a reader leaves for a day: five questions, answers of 1.5 KB, their sources."""
TOKEN_SECONDS = 300
BUSY = 1 / 2
"""Part of a core that a worker should be using."""

MICRO, KIB, MIB, GIB = 1e-6, 1024, 1024**2, 1024**3
UNITS = {"": 1, "s": 1, "µs": MICRO, "bytes": 1, "KiB": KIB, "MiB": MIB}


def figure(label: str) -> float:
    """The measured number beside `label`, in seconds or bytes or as it is."""
    row = rf"^\|[^|]*\| {re.escape(label)} \| ([0-9.,]+) (\S*) "
    found = re.search(row, FIGURES.read_text("utf-8"), re.MULTILINE)
    if found is None:
        raise SystemExit(f"bench/README.md has no figure: {label}")
    return float(found[1].replace(",", "")) * UNITS[found[2]]


def render() -> Iterator[str]:
    question = figure("CPU of the proxy a request")
    event = figure("CPU of the proxy an event")
    an_answer = question + ANSWER_SECONDS * EVENTS_A_SECOND * event
    token = figure("CPU of the broker a token")
    session = figure("Redis memory of a session, 1,000,000 of them")
    stream = figure("memory of the proxy a stream, from warm idle")
    signed_in = figure("of 200 at once, signed in within 10 s") / figure(
        "until the last of them was signed in"
    )
    yield "| measured | |"
    yield "| --- | --: |"
    yield f"| processor time of the proxy, a question | {question / MICRO:.0f} µs |"
    yield f"| the same, an event of an answer | {event / MICRO:.1f} µs |"
    yield f"| processor time of the broker, a token | {token / MICRO:.0f} µs |"
    yield f"| sign-ins on two cores | {signed_in:.0f} a second |"
    yield f"| memory of the proxy, a running answer | {stream / KIB:.0f} KiB |"
    for service in ("proxy", "broker"):
        loaded = figure(f"{service}, resident after load") / MIB
        yield f"| memory of the {service}, a worker after load | {loaded:.0f} MiB |"
    yield f"| memory of Redis, a session | {session:.0f} bytes |\n"
    yield (
        f"An answer takes the proxy {question / MICRO:.0f} µs + {ANSWER_SECONDS} s × {EVENTS_A_SECOND} a "
        f"second × {event / MICRO:.1f} µs = {an_answer * 1000:.1f} ms of processor time.\n"
    )
    yield (
        "| readers signed in | questions a second | answers at once | proxy, cores in use | proxy workers "
        "| memory of the answers | broker, cores in use | Redis memory |"
    )
    yield "| --: | --: | --: | --: | --: | --: | --: | --: |"
    for readers in ROWS:
        yield f"| {' | '.join(cells(readers, an_answer, token, session, stream))} |"


def cells(readers: int, an_answer: float, token: float, session: float, stream: float) -> Iterator[str]:
    """The row for so many readers. Times are seconds, memory is bytes."""
    asking = readers * ASKING
    questions = asking / SECONDS_BETWEEN_QUESTIONS
    answers = questions * ANSWER_SECONDS
    cores, tokens = questions * an_answer, asking / TOKEN_SECONDS * token
    yield f"{readers:,}"
    yield f"{questions:,.2f}" if questions < 10 else f"{questions:,.0f}"
    yield f"{math.ceil(answers):,}"
    yield f"{cores:.3f}" if cores < 1 else f"{cores:.1f}"
    yield f"{math.ceil(cores / BUSY)}"
    yield size(answers * stream)
    yield f"{tokens:.4f}" if tokens < 0.1 else f"{tokens:.2f}"
    yield size(readers * (SESSIONS_A_READER * session + KEPT_A_READER))


def size(count: float) -> str:
    return f"{count / GIB:.1f} GiB" if count >= GIB else f"{max(1, math.ceil(count / MIB))} MiB"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    text = TARGET.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGINS)
    _, ends, after = rest.partition(ENDS)
    if not ends:
        raise SystemExit(f"{TARGET.name} lacks {BEGINS.strip()} or {ENDS}")
    made = f"{before}{BEGINS}\n{chr(10).join(render())}\n\n{ENDS}{after}"
    if not arguments.check:
        TARGET.write_text(made, encoding="utf-8")
        return 0
    if made == text:
        return 0
    print(f"{TARGET.name} is stale: run generators/{Path(__file__).name}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
