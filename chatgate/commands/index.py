"""Keeping the index of a book as new as the book."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn
from rich.progress import Progress as Bar

from chatgate.environment import here
from chatgate.faults import Fault
from rag_backend.book.docusaurus import site
from rag_backend.book.docusaurus.site import BookError
from rag_backend.book.pages import Progress
from rag_backend.config import ConfigError, embedding_from_environment
from rag_backend.search.index import IndexUnavailable, Summary, build, has_vectors, is_fresh

SAMPLE_QUESTION: Final = "How often should I calibrate the sensor?"
"""A question that the sample book answers."""

Book = Annotated[Path | None, typer.Option("--book", help="Folder of the pages to ask about.", metavar="DIR")]

app = typer.Typer(add_completion=False)


@app.command("index")
def index_folder(
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
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")] = False,
) -> None:
    """Index a book for the reference backend, which answers from the new one at once."""
    target = into or here().index
    base_url = settle_base_url(folder, base_url, typer.prompt, asks_docusaurus=docusaurus)
    with pages_read() as progress:
        summary = index_book(
            folder,
            target,
            base_url=base_url,
            route=route,
            origin=url,
            asks_docusaurus=docusaurus,
            progress=progress,
        )
    if as_json:
        typer.echo(json.dumps(_as_json(target, summary), ensure_ascii=False))
        return
    told, warnings = as_lines(target, summary)
    for line in warnings:
        typer.echo(line, err=True)
    for line in told:
        typer.echo(line)


@contextmanager
def pages_read() -> Iterator[Progress]:
    """A bar of the pages that were read, on a terminal, gone when all are."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("pages", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def sample_book(folder: Path) -> Path:
    """The sample book of a clone, looked for from the working folder and from this package. Raises Fault."""
    candidates = [root / "examples" / "book" for root in (folder, Path(__file__).parents[2])]
    for candidate in candidates:
        if candidate.is_dir():
            return candidate
    raise Fault("There is no sample book here, as this is no clone. Name a folder of pages with --book DIR.")


def is_stale(book: Path, index: Path) -> bool:
    """Return True if the index is missing, unreadable, of another book, or of an earlier state of this
    one: its pages, the files that they import, its configuration and list of versions."""
    try:
        return not is_fresh(index, book)
    except IndexUnavailable:
        return True


def lacks_vectors(index: Path) -> bool:
    """Return True if there is an embedding model, and the index has not all of its vectors. Raises Fault."""
    try:
        model = embedding_from_environment()
        return model is not None and not has_vectors(index, model)
    except (ConfigError, IndexUnavailable) as error:
        raise Fault(str(error)) from None


def index_book(
    book: Path,
    index: Path,
    *,
    base_url: str | None = None,
    route: str | None = None,
    origin: str = "",
    makes_vectors: bool = True,
    asks_docusaurus: bool = False,
    progress: Progress | None = None,
) -> Summary:
    """Index a book as `rag_backend.search.index.build` does. Raises Fault, and then keeps the index as it
    was."""
    try:
        return build(
            book,
            index,
            base_url=base_url,
            route=route,
            origin=origin,
            embedding=embedding_from_environment(),
            makes_vectors=makes_vectors,
            asks_docusaurus=asks_docusaurus,
            progress=progress,
        )
    except (BookError, ConfigError) as error:
        raise Fault(str(error)) from None


def settle_base_url(
    book: Path, given: str | None, ask: Callable[[str], str], *, asks_docusaurus: bool = False
) -> str | None:
    """The baseUrl to be used where the configuration computes it: `ask` is put the question at a terminal.

    Raises Fault where there is no terminal, as every citation would lead nowhere.
    """
    if given is not None:
        return given
    if asks_docusaurus and site.can_be_asked(book):
        return None
    try:
        asks = site.find(book).asks
    except BookError as error:
        raise Fault(str(error)) from None
    if "--base-url" not in asks:
        return None
    if not sys.stdin.isatty():
        raise Fault("The site's configuration computes its baseUrl. Say it with --base-url, as /docs-site/.")
    return ask("The site's baseUrl, such as / or /docs-site/")


def as_lines(index: Path, summary: Summary) -> tuple[list[str], list[str]]:
    """Describe a build for people: lines about the result, and warnings."""
    told = [f"read {line}" for line in summary.read]
    told.append(f"The first page is {summary.first_page}")
    told.append(f"{index}: {summary.pages} pages, {summary.passages} passages, {summary.seconds:.1f} s.")
    return told, [*(f"assumed: {line}" for line in summary.assumed), *summary.warnings]


def _as_json(index: Path, summary: Summary) -> dict[str, Any]:
    """Describe a build for scripts."""
    return {"index": str(index), **asdict(summary)}
