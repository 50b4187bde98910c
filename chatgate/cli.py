"""The command line. Each command calls the module of its name; a Fault prints its message and exits with
1."""

import asyncio
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from typer.core import TyperGroup

from chatgate import records
from chatgate.commands import (
    ask,
    check,
    doctor,
    feedback,
    generate,
    index,
    keys,
    sessions,
    up,
    usage,
    users,
)
from chatgate.environment import for_development, here, read_environment
from chatgate.faults import Fault
from chatgate.stack import banner, log_lines


class _Commands(TyperGroup):
    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except Fault as fault:
            Console(stderr=True).print(str(fault), soft_wrap=True, markup=False, highlight=False)
            raise typer.Exit(1) from None


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A token broker and a chat proxy in front of a documentation site's AI chat.",
)


def _show_version(is_asked: bool) -> None:
    if is_asked:
        print(f"chatgate {metadata.version('chatgate')}")
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option("--version", help="Show the version and exit.", is_eager=True, callback=_show_version),
]


@app.callback()
def begin(_version: Version = False) -> None:
    """Take the options that stand before a command."""


app.add_typer(users.app, name="users")
app.add_typer(sessions.app, name="sessions")
app.add_typer(keys.app, name="keys")
app.add_typer(generate.app, name="generate")

AsJson = Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")]
Book = Annotated[Path | None, typer.Option("--book", help="Folder of the pages to ask about.", metavar="DIR")]


@app.command("up")
def start_stack(book: Book = None) -> None:
    """Start the whole stack for development, and show its logs until Ctrl-C."""
    begun = time.monotonic()
    around = for_development(os.environ, Path.cwd())
    folder = book or index.sample_book(Path.cwd())
    question = "What is this about?" if book else index.SAMPLE_QUESTION
    screen = _Screen(_Terminal(highlight=False))

    def ready(pids: dict[str, int]) -> None:
        banner.show(screen.console, around, pids, question, time.monotonic() - begun)
        screen.shows_logs = True

    with up.alone(around.data_dir):
        up.require_free_ports(around)
        if around.valkey is None:
            asyncio.run(records.require_redis(around))
        if index.is_stale(folder, around.index):
            with _pages_read() as progress:
                summary = index.index_book(folder, around.index, progress=progress)
            for line in index.as_lines(around.index, summary)[1]:
                typer.echo(line, err=True)
        asyncio.run(up.run(around.valkey, up.services(around, folder), screen.hear, ready))


class _Terminal(Console):
    def on_broken_pipe(self) -> None:
        # rich would end the process from within, before the services are stopped.
        raise BrokenPipeError


class _Screen:
    """Prints the stack's logs: readable in a terminal, once the banner is shown; as they came in a pipe."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.shows_logs = not console.is_terminal

    def hear(self, service: str, line: str) -> None:
        if not self.shows_logs:
            # Lines from before the stack is ready matter only when it fails to start, and are shown then.
            return
        if self.console.is_terminal:
            self.console.print(log_lines.readable(service, line), soft_wrap=True)
        else:
            print(line, flush=True)


@app.command("check")
def check_configuration(
    connect: Annotated[
        bool, typer.Option("--connect", help="Also reach Redis, the accounts and the backends.")
    ] = False,
) -> None:
    """Read the configuration as the services do: what is wrong with it, or what it comes to."""
    around = read_environment(os.environ, Path.cwd(), make=False)
    check.judge(around)
    if connect:
        check.connect(around)
    else:
        check.read(around)


@app.command("doctor")
def examine_site(
    site: Annotated[str, typer.Option(metavar="URL", help="Address of the site, with its base URL.")],
    broker: Annotated[str | None, typer.Option(metavar="URL", help="In place of the widget's.")] = None,
    proxy: Annotated[str | None, typer.Option(metavar="URL", help="In place of the widget's.")] = None,
    account: Annotated[
        str | None, typer.Option(metavar="EMAIL", help="Sign in, and ask a question. Asks for the password.")
    ] = None,
    guest: Annotated[bool, typer.Option("--guest", help="Ask a question as a guest.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The report as JSON.")] = False,
) -> None:
    """Look at a deployed site from outside, as a reader's browser would, and explain what is wrong."""
    raise typer.Exit(doctor.run(site, broker, proxy, account, guest=guest, as_json=as_json))


@app.command("feedback")
def list_feedback(
    site: Annotated[str | None, typer.Option(metavar="SITE", help="Of this site alone.")] = None,
    rating: Annotated[feedback.Rating | None, typer.Option(help="These alone.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="As JSON, with the texts as they are kept.")
    ] = False,
) -> None:
    """Which answers readers found helpful, the latest first: 90 days, the newest 1,000 of a site."""
    feedback.show(here(), site, rating, as_json=as_json)


@app.command("index")
def index_book(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A docs folder, or its site's.")],
    base_url: Annotated[str | None, typer.Option(help="Stands before every path, as in /docs-site/.")] = None,
    route: Annotated[str | None, typer.Option(help="The docs' routeBasePath.")] = None,
    url: Annotated[
        str, typer.Option(help="Origin of the site, for citations that are shown elsewhere.")
    ] = "",
    into: Annotated[
        Path | None, typer.Option(help="The index; the reference backend's if left out.", metavar="FILE")
    ] = None,
    docusaurus: Annotated[
        bool, typer.Option(help="Have the site's own Docusaurus give the addresses, where it is installed.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Index a book for the reference backend, which answers from the new one at once."""
    target = into or here().index
    base_url = index.settle_base_url(folder, base_url, typer.prompt, asks_docusaurus=docusaurus)
    with _pages_read() as progress:
        summary = index.index_book(
            folder,
            target,
            base_url=base_url,
            route=route,
            origin=url,
            asks_docusaurus=docusaurus,
            progress=progress,
        )
    if as_json:
        typer.echo(json.dumps(index.as_json(target, summary), ensure_ascii=False))
        return
    told, warnings = index.as_lines(target, summary)
    for line in warnings:
        typer.echo(line, err=True)
    for line in told:
        typer.echo(line)


@contextmanager
def _pages_read() -> Iterator[Callable[[int, int], None]]:
    """A bar of the pages that were read, on a terminal, gone when all are."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("pages", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@app.command("ask")
def ask_book(
    question: Annotated[str, typer.Argument(metavar="QUESTION")],
    book: Book = None,
    as_json: AsJson = False,
) -> None:
    """Answer a question from a book without any service, and show what was found and why."""
    with ask.of_book(book, here().index) as at:
        found = ask.find(at, question)
        if as_json:
            typer.echo(json.dumps(ask.as_json(found), ensure_ascii=False))
        else:
            for line in ask.as_lines(found):
                typer.echo(line)


@app.command("evaluate")
def evaluate_book(
    questions: Annotated[Path, typer.Argument(metavar="QUESTIONS.jsonl", help="One question a line.")],
    book: Book = None,
    as_json: AsJson = False,
) -> None:
    """Measure how well a book's questions are found: hits among the first passages, refusals, times.

    A line is {"question": "...", "pages": ["intro#setup"]}, the pages being ends of paths, none for a
    question that the book does not answer.
    """
    with ask.of_book(book, here().index) as at:
        result = ask.evaluate(at, questions)
    if as_json:
        typer.echo(json.dumps(ask.result_as_json(result), ensure_ascii=False))
    else:
        for line in ask.result_as_lines(result):
            typer.echo(line)


@app.command("usage")
def list_usage(
    site: Annotated[str | None, typer.Option(metavar="SITE", help="Of this site alone.")] = None,
    by_reader: Annotated[
        bool, typer.Option("--readers", help="The users with the most tokens of this day, by id.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Questions, tokens and cost by day, backend and tier: 35 days."""
    usage.show(here(), site, by_reader=by_reader, as_json=as_json)


def main() -> None:
    app()
