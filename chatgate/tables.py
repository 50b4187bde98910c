"""Rows on the standard output: a table in a terminal, tab-separated where another program reads them."""

from collections.abc import Iterable, Sequence
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from chatgate.log_lines import harmless

IDS: Final = frozenset({"id", "session", "kid"})
"""Columns that stay in one piece, as an id in two cannot be copied."""


def show(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    console = Console(highlight=False)
    # Names and user agents are what a client sent.
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
