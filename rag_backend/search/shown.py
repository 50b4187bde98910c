"""Blocks of a book as Markdown that can be read: lists with their marks, rows with their header, code in
fences."""

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from rag_backend.book.plain_text import Block
from rag_backend.search.passages import announces

MAX_SHOWN: Final = 700
"""Characters of a quotation: half a screen."""
MAX_CODE_LINES: Final = 30
AROUND: Final = 10
"""Lines of long code that are shown before and after the one that holds the words."""
MAX_ROWS: Final = 8

Score = Callable[[str], float]


def around(blocks: Sequence[Block], place: int, text: str, score: Score) -> str:
    """The block at `place` with the blocks that belong to it; `text` replaces the block's own text if that is
    long. `score` says how much of a question a text holds."""
    start, end = _window(blocks, place)
    shown = [position for position in range(start, end) if blocks[position].kind != "row"]
    pieces = [_piece(blocks, position, text if position == place else "", score) for position in shown]
    pieces = list(_indented([blocks[position] for position in shown], pieces))
    rows = [block for block in blocks[start:end] if block.kind == "row"]
    if rows:
        before = sum(block.kind != "row" for block in blocks[start : _first_row(blocks, start)])
        pieces.insert(before, "\n".join(_table(rows, score)))
    return _joined(pieces)


def _indented(blocks: Sequence[Block], pieces: Sequence[str]) -> Iterator[str]:
    """Pieces, of which items are indented below those around them that are shown too.

    Four spaces are enough below "1." and "-". Below nothing they would make code.
    """
    around: list[int] = []
    for block, piece in zip(blocks, pieces, strict=True):
        depth = len(block.label) - len(block.label.lstrip())
        if block.kind != "item":
            around.clear()
            yield piece
            continue
        while around and around[-1] >= depth:
            around.pop()
        yield "    " * len(around) + piece.lstrip()
        around.append(depth)


def _first_row(blocks: Sequence[Block], start: int) -> int:
    return next(at for at in range(start, len(blocks)) if blocks[at].kind == "row")


def _joined(pieces: Sequence[str]) -> str:
    text = ""
    for piece in filter(None, pieces):
        # Items of one list follow each other without a blank line.
        is_item = bool(_ITEM.match(piece)) and bool(_ITEM.match(text.rpartition("\n")[2]))
        text += ("\n" if is_item else "\n\n" if text else "") + piece
    return text


_ITEM: Final = re.compile(r" *(?:-|\d+\.) ")


def _window(blocks: Sequence[Block], place: int) -> tuple[int, int]:
    """The first block to be shown and the one after the last: of the same tab or note, the introduction and
    the rest of a list, table or announced code, then what follows while it is short."""
    start, end, size = place, place + 1, _size(blocks[place])
    while start > 0 and (_belongs(blocks, start) or blocks[start - 1].kind == "title"):
        size += _size(blocks[start - 1])
        if (
            size > MAX_SHOWN
            and not announces(blocks[start - 1])
            and blocks[start - 1].kind not in ("title", "row")
        ):
            break
        start -= 1
    while end < len(blocks) and blocks[end].kind != "title":
        size += _size(blocks[end])
        if size > MAX_SHOWN and not (announces(blocks[end - 1]) or blocks[end].kind == "row"):
            break
        if size > 2 * MAX_SHOWN and blocks[end].kind != "row":
            break
        end += 1
    return start, end


def _belongs(blocks: Sequence[Block], at: int) -> bool:
    """Return True if the block at `at` cannot be read without the one before it."""
    one, before = blocks[at], blocks[at - 1]
    if announces(before) or (one.kind in ("item", "row") and before.kind == one.kind):
        return True
    if one.kind == "item":
        # It is a further paragraph of the item before it.
        return (
            before.kind == "text" and at > 1 and blocks[at - 2].kind == "item" and one.label.strip() != "1."
        )
    return (
        one.kind == "text"
        and before.kind == "item"
        and at + 1 < len(blocks)
        and blocks[at + 1].kind == "item"
    )


def _size(block: Block) -> int:
    return min(len(block.text), MAX_SHOWN // 2) if block.kind == "code" else len(block.text)


def _piece(blocks: Sequence[Block], at: int, text: str, score: Score) -> str:
    block = blocks[at]
    shown = text if text and len(block.text) > MAX_SHOWN else block.text
    match block.kind:
        case "item":
            return f"{block.label or '-'} {shown}"
        case "title":
            return f"**{shown}**"
        case "code":
            return code(block, score)
    return shown


def code(block: Block, score: Score) -> str:
    """Code as a whole, or the lines around the one that holds most of the words."""
    lines = block.text.split("\n")
    if len(lines) > MAX_CODE_LINES:
        best = max(range(len(lines)), key=lambda at: (score(lines[at]), -at))
        first = max(0, min(best - AROUND, len(lines) - 2 * AROUND))
        last = min(len(lines), first + 2 * AROUND + 1)
        lines = ["..."] * (first > 0) + lines[first:last] + ["..."] * (last < len(lines))
    # A fence longer than any in the code, so that the code cannot close it.
    longest = max((len(run) for run in re.findall("`+", block.text)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([fence, *lines, fence])


def _table(rows: Sequence[Block], score: Score) -> Iterator[str]:
    """Rows as a table under their header; if there are many, those that hold most of the words."""
    kept = sorted(range(len(rows)), key=lambda at: (-score(rows[at].text), at))[:MAX_ROWS]
    for label, of_header in itertools.groupby((rows[at] for at in sorted(kept)), key=lambda row: row.label):
        cells = [row.text.split("\t") for row in of_header]
        width = max(map(len, cells))
        header = label.split("\t") if label else [""] * width
        yield _row(header, width)
        yield _row(["---"] * width, width)
        yield from (_row(one, width) for one in cells)


def _row(cells: Sequence[str], width: int) -> str:
    filled = [*cells, *[""] * (width - len(cells))][:width]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in filled) + " |"
