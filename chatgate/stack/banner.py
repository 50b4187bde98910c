"""The banner that `chatgate up` shows once every service answers."""

from collections.abc import Mapping
from typing import Final

from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from chatgate.environment import BACKEND, CALLBACK_PATH, SITE, Environment, loopback, origin_at
from chatgate.stack.log_lines import STYLES
from edge.server.metrics_listener import HOST

_VALUE = r"""sed -E 's/.*"token" *: *"([^"]*)".*/\1/'"""
"""Extracts a token from a JSON answer with a tool that every system has."""


_BY_WORDS: Final = (
    "\nAnswers are found by words until the index has its vectors, which are made meanwhile: "
    "the log says when."
)


def show(
    console: Console,
    around: Environment,
    pids: Mapping[str, int],
    question: str,
    seconds: float,
    *,
    by_words: bool,
    pages: str = "",
) -> None:
    console.print(Text(f"\nchatgate is up, {seconds:.1f} s after the command. Ctrl-C stops it.\n", "bold"))
    console.print(_table(around, pids))
    if by_words:
        console.print(_BY_WORDS, soft_wrap=True)
    if SITE in around.settings.sites:
        console.print(Text(f"\n{where_to_ask(around, pages)}", "bold"), soft_wrap=True)
    if SITE in around.settings.sites and around.settings.sites[SITE].session_bearer:
        console.print(Text("\nOr with curl: sign up, get a token, ask.\n", "bold"))
        # Neither wrapped nor coloured, so that a developer can copy the commands exactly.
        console.print(
            "\n".join(first_commands(around, question)),
            soft_wrap=True,
            markup=False,
            highlight=False,
            style="none",
        )
    console.print()


def where_to_ask(around: Environment, pages: str) -> str:
    """The line about `pages`, or about the plain pages where that is empty."""
    if pages:
        return f"Ask about the book on its pages: {pages}"
    for origin in loopback(around.ports.page):
        if not _unregistered(around, origin):
            return f"Ask about the book on its pages: {origin}"
    page = origin_at(around, around.ports.page)
    return (
        f"The plain pages at {page} cannot ask yet: add {' and '.join(_unregistered(around, page))} in "
        f"{around.config}. The site's own are at {' '.join(around.settings.sites[SITE].origins)}."
    )


def _unregistered(around: Environment, origin: str) -> list[str]:
    """The entries that the site lacks for the plain pages at `origin`. Guests ask without a sign-in."""
    site = around.settings.sites[SITE]
    lacking = [] if origin in site.origins else [f"{origin} to sites.{SITE}.origins"]
    callback = f"{origin}{CALLBACK_PATH}"
    if not site.guests and callback not in site.redirect_uris:
        lacking.append(f"{callback} to sites.{SITE}.redirect_uris")
    return lacking


def first_commands(around: Environment, question: str) -> list[str]:
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


def _page(around: Environment) -> str:
    return f"http://127.0.0.1:{around.ports.page}"


def _table(around: Environment, pids: Mapping[str, int]) -> Group:
    where = {
        "valkey": around.redis_url,
        "broker": around.settings.broker.url,
        "proxy": around.settings.proxy.url,
        "backend": around.settings.backends[BACKEND].url if BACKEND in around.settings.backends else "",
        "page": _page(around),
    }
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, pid in pids.items():
        table.add_row(Text(name, STYLES[name]), Text(where[name], overflow="fold"), Text(f"pid {pid}", "dim"))
    places = [f"configuration: {around.config}", f"data in {around.data_dir}"]
    if listening := metrics(around):
        places.append(f"metrics at {', '.join(listening)}")
    return Group(table, Text("\n".join(places), "dim", overflow="fold"))


def metrics(around: Environment) -> list[str]:
    """The addresses of the services' metrics, each with its service."""
    ports = {"broker": around.settings.broker.metrics_port, "proxy": around.settings.proxy.metrics_port}
    return [f"http://{HOST}:{port}/metrics ({name})" for name, port in ports.items() if port]
