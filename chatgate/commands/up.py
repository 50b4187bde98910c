"""`chatgate up`: the whole stack for development, with its logs."""

import asyncio
import os
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from chatgate import records
from chatgate.commands import index
from chatgate.environment import BACKEND, for_development
from chatgate.stack import banner, free_ports, log_lines, running

app = typer.Typer(add_completion=False)


@app.command("up")
def start_stack(
    book: index.Book = None,
    pages: Annotated[
        str, typer.Option(metavar="TEXT", help="Name these pages to ask on, instead of the plain ones.")
    ] = "",
) -> None:
    """Start the whole stack for development, and show its logs until Ctrl-C."""
    begun = time.monotonic()
    around = for_development(os.environ, Path.cwd())
    folder = book or index.sample_book(Path.cwd())
    question = "What is this about?" if book else index.SAMPLE_QUESTION
    screen = _Screen(_Terminal(highlight=False))

    def ready(pids: dict[str, int]) -> None:
        by_words = any(service.is_task for service in services)
        seconds = time.monotonic() - begun
        banner.show(screen.console, around, pids, question, seconds, by_words=by_words, pages=pages)
        screen.shows_logs = True

    with running.alone(around.data_dir):
        free_ports.require(free_ports.of_stack(around))
        if around.valkey is None:
            asyncio.run(records.require_redis(around))
        if index.is_stale(folder, around.index):
            with index.pages_read() as progress:
                summary = index.index_book(folder, around.index, makes_vectors=False, progress=progress)
            for line in index.as_lines(around.index, summary)[1]:
                typer.echo(line, err=True)
        services = running.services(around, folder)
        if BACKEND in around.settings.backends and index.lacks_vectors(around.index):
            services.append(running.vectors_task(around))
        asyncio.run(running.run(around.valkey, services, screen.hear, ready))


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
