"""What `chatgate up` says once everything answers."""

from collections.abc import Mapping

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from chatgate.log_lines import STYLES
from chatgate.surroundings import BACKEND, SITE, Surroundings

_VALUE = r"""sed -E 's/.*"token" *: *"([^"]*)".*/\1/'"""
"""Takes a token out of a JSON answer with what every shell has."""


def show(
    console: Console, around: Surroundings, pids: Mapping[str, int], question: str, seconds: float
) -> None:
    console.print(Text(f"\nchatgate is up, {seconds:.1f} s after the command. Ctrl-C stops it.\n", "bold"))
    console.print(_table(around, pids))
    if SITE in around.settings.sites and around.settings.sites[SITE].session_bearer:
        console.print(Text("\nSign up, get a token, ask:\n", "bold"))
        # Neither wrapped nor coloured, so that what is copied is what was meant.
        console.print(
            "\n".join(first_commands(around, question)),
            soft_wrap=True,
            markup=False,
            highlight=False,
            style="none",
        )
    console.print()


def first_commands(around: Surroundings, question: str) -> list[str]:
    """Three lines for a POSIX shell with curl. They sign up a new reader; `question` has no quotes."""
    broker, proxy = around.settings.broker.url, around.settings.proxy.url
    json = "-H 'Content-Type: application/json'"
    stream = "-H 'Accept: text/event-stream'"
    reader = (
        r"{\"name\":\"Reader\",\"email\":\"reader-$(date +%s)@example.com\","
        r"\"password\":\"a-tall-ship-and-a-star\"}"
    )
    body = f'{{"message":"{question}","session_id":"first","mode":"normal"}}'
    return [
        f'SESSION=$(curl -s {broker}/api/auth/sign-up/email {json} -d "{reader}" | {_VALUE})',
        f'TOKEN=$(curl -s {broker}/auth/token -H "Authorization: Bearer $SESSION" | {_VALUE})',
        f"curl -sN {proxy}/chat -H \"Authorization: Bearer $TOKEN\" {json} {stream} -d '{body}'",
    ]


def _table(around: Surroundings, pids: Mapping[str, int]) -> Group:
    where = {
        "valkey": around.redis_url,
        "broker": around.settings.broker.url,
        "proxy": around.settings.proxy.url,
        "backend": around.settings.backends[BACKEND].url if BACKEND in around.settings.backends else "",
        "page": f"http://127.0.0.1:{around.ports.page}",
    }
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, pid in pids.items():
        table.add_row(Text(name, STYLES[name]), Text(where[name], overflow="fold"), Text(f"pid {pid}", "dim"))
    places = f"configuration: {around.config}\ndata in {around.data_dir}"
    return Group(table, Text(places, "dim", overflow="fold"))
