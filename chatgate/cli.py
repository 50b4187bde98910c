"""The command line. Each command calls what it is named after; a Fault is its message and exit code 1."""

import asyncio
import os
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from typer.core import TyperGroup

from chatgate import banner, book_index, check, keys, log_lines, records, sessions, up, users
from chatgate.faults import Fault
from chatgate.surroundings import for_development, here, look_around


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

app.add_typer(users.app, name="users")
app.add_typer(sessions.app, name="sessions")
app.add_typer(keys.app, name="keys")

Book = Annotated[Path | None, typer.Option("--book", help="Folder of the pages to ask about.", metavar="DIR")]


@app.command("up")
def start_stack(book: Book = None) -> None:
    """Start the whole stack for development, and show its logs until Ctrl-C."""
    begun = time.monotonic()
    around = for_development(os.environ, Path.cwd())
    folder = book or book_index.sample_book(Path.cwd())
    question = "What is this about?" if book else book_index.SAMPLE_QUESTION
    screen = _Screen(_Terminal(highlight=False))

    def ready(pids: dict[str, int]) -> None:
        banner.show(screen.console, around, pids, question, time.monotonic() - begun)
        screen.shows_logs = True

    with up.alone(around.data_dir):
        up.require_free_ports(around)
        if around.valkey is None:
            asyncio.run(records.require_redis(around))
        if book_index.is_stale(folder, around.index):
            book_index.index_book(folder, around.index)
        asyncio.run(up.run(around.valkey, up.services(around, folder), screen.hear, ready))


class _Terminal(Console):
    def on_broken_pipe(self) -> None:
        # rich would end the process from within, before the services are stopped.
        raise BrokenPipeError


class _Screen:
    """Where the stack's logs go: readable in a terminal, once the banner is there; else as they came."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.shows_logs = not console.is_terminal

    def hear(self, service: str, line: str) -> None:
        if not self.shows_logs:
            # What is said before a stack is ready matters when it does not get ready, and is told then.
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
    around = look_around(os.environ, Path.cwd(), make=False)
    if connect:
        check.connect(around)
    else:
        check.read(around)


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
) -> None:
    """Index a book for the reference backend, which answers from the new one at once."""
    target = into or here().index
    with Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), transient=True) as bar:
        task = bar.add_task("pages", total=None)
        summary = book_index.index_book(
            folder,
            target,
            base_url=base_url,
            route=route,
            origin=url,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    typer.echo(f"{target}: {summary.pages} pages, {summary.passages} passages, {summary.seconds:.1f} s.")


def main() -> None:
    app()
