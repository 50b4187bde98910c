"""Rows on the standard output: a table in a terminal, tab-separated for another program."""

from collections.abc import Iterable, Sequence
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from chatgate.stack.log_lines import harmless

IDS: Final = frozenset({"id", "session", "kid", "message"})
"""Columns that are not wrapped, because an id on two lines cannot be copied."""


def show(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    console = Console(highlight=False)
    # A client sent the names and user agents, which may hold control characters.
    clean = [[harmless(cell) for cell in row] for row in rows]
    if not console.is_terminal:
        for line in (header, *clean):
            print("\t".join(line))
        return
    table = Table(box=None, pad_edge=False)
    for name in header:
        table.add_column(name, overflow="fold", no_wrap=name in IDS)
    for row in clean:
        table.add_row(*(Text(cell, overflow="fold") for cell in row))
    console.print(table)
