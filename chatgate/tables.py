"""Rows on the standard output: a table in a terminal, tab-separated where another program reads them."""

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from chatgate.log_lines import harmless


def show(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    console = Console(highlight=False)
    # Names and user agents are what a client sent.
    clean = [[harmless(cell) for cell in row] for row in rows]
    if not console.is_terminal:
        for line in (header, *clean):
            print("\t".join(line))
        return
    table = Table(*header, box=None, pad_edge=False)
    for row in clean:
        table.add_row(*(Text(cell, overflow="fold") for cell in row))
    console.print(table)
