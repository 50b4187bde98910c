"""An answer without a language model: the sentences, rows and code that hold a question's words."""

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rag_backend import words
from rag_backend.plain_text import Block

MAX_SPAN: Final = 420
"""Characters of a quotation: three or four sentences."""
MAX_CODE_LINES: Final = 30
_PROSE: Final = ("text", "title")

# A sentence ends before a capital, a digit or an opening mark, so that "e.g. this" is not cut.
_SENTENCE_END = re.compile(r"""(?<=[.!?…。！？])["'”’)\]]*\s+(?=[^\Wa-z_]|["'“‘(\[`])""")


@dataclass(frozen=True, slots=True)
class Extract:
    """`text` is for the reader; `quote` occurs in one block of the source exactly as it is here."""

    text: str
    quote: str
    score: float


def best(blocks: Sequence[Block], weights: Mapping[str, float]) -> Extract | None:
    """The extract that holds most of the words, by their weights; None when no block holds any."""
    extracts = [extract for place in range(len(blocks)) for extract in _extracts(blocks, place, weights)]
    return max(extracts, key=lambda extract: extract.score, default=None)


def lead(blocks: Sequence[Block], weights: Mapping[str, float]) -> Extract:
    """How a passage begins, for a question that its heading asks; `weights` choose the row to quote."""
    titles, rest = _leading_titles(blocks)
    if titles and rest:
        under = lead(rest, weights)
        return Extract("\n\n".join([*titles, under.text]), under.quote, 0.0)
    first = blocks[0]
    if first.kind in _PROSE:
        span = opening(first.text)
        return Extract(span + _continuation(blocks, 0, span), span, 0.0)
    return _leading_table_or_code(blocks, weights)


def _leading_titles(blocks: Sequence[Block]) -> tuple[list[str], Sequence[Block]]:
    titles = [block.text for block in itertools.takewhile(lambda block: block.kind == "title", blocks)]
    return titles, blocks[len(titles) :]


def _leading_table_or_code(blocks: Sequence[Block], weights: Mapping[str, float]) -> Extract:
    shown: list[str] = []
    quotes: list[str] = []
    for block in blocks:
        if block.kind != blocks[0].kind or sum(map(len, shown)) > MAX_SPAN:
            break
        shown.append(_code_text(block) if block.kind == "code" else f"- {_row_text(block)}")
        quotes.append(_code_quote(block, weights) if block.kind == "code" else _row_quote(block))
    return Extract("\n".join(shown), max(quotes, key=lambda quote: score(quote, weights)), 0.0)


def score(text: str, weights: Mapping[str, float]) -> float:
    """The summed weights of the words that a text holds."""
    return sum(weights[stem] for stem in words.stems(text) & weights.keys())


def blocks_of(text: str) -> list[Block]:
    """A selected text as blocks, one for each of its lines."""
    return [Block("text", line) for line in map(str.strip, text.split("\n")) if line]


def opening(text: str) -> str:
    """The first sentences of a text, at most MAX_SPAN characters."""
    return _span(text, [0, *(match.end() for match in _SENTENCE_END.finditer(text))], 0)


def _extracts(blocks: Sequence[Block], place: int, weights: Mapping[str, float]) -> Iterator[Extract]:
    block = blocks[place]
    if block.kind == "text":
        yield from _from_text(blocks, place, weights)
        return
    held = score(f"{block.label} {block.text}", weights)
    if not held:
        return
    if block.kind == "title":
        under = lead(blocks[place:], weights)
        yield Extract(under.text, under.quote, score(f"{block.text} {under.quote}", weights))
    elif block.kind == "row":
        yield Extract(_row_text(block), _row_quote(block), held)
    elif block.text.strip():
        before = blocks[place - 1].text + "\n\n" if place and blocks[place - 1].kind in _PROSE else ""
        yield Extract(before + _code_text(block), _code_quote(block, weights), held)


def _from_text(blocks: Sequence[Block], place: int, weights: Mapping[str, float]) -> Iterator[Extract]:
    text = blocks[place].text
    starts = [0, *(match.end() for match in _SENTENCE_END.finditer(text))]
    for number, start in enumerate(starts):
        end = starts[number + 1] if number + 1 < len(starts) else len(text)
        held = score(text[start:end], weights)
        if held:
            span = _span(text, starts, number)
            # What follows the sentence counts a little: it is shown with it.
            held += 0.1 * score(span, weights)
            yield Extract(span + _continuation(blocks, place, span), span, held)


def _span(text: str, starts: Sequence[int], number: int) -> str:
    """The sentences from one on, as many as MAX_SPAN allows, and a first one that is longer cut off."""
    start = starts[number]
    ends = [*starts[number + 1 :], len(text)]
    fitting = [end for end in ends if end - start <= MAX_SPAN]
    return text[start : fitting[-1] if fitting else start + MAX_SPAN].strip()


def _continuation(blocks: Sequence[Block], place: int, span: str) -> str:
    """The steps, rows or code that a sentence ending in a colon announces."""
    if not span.endswith(":"):
        return ""
    shown: list[str] = []
    for block in blocks[place + 1 :]:
        addition = {"row": f"- {_row_text(block)}", "code": _code_text(block)}
        shown.append(addition.get(block.kind, f"- {block.text}"))
        if block.kind == "code" or sum(map(len, shown)) > MAX_SPAN:
            break
    return "\n\n" + "\n".join(shown) if shown else ""


def _row_quote(row: Block) -> str:
    """The row as it is indexed, with its tabs: one cell alone does not say what the row says."""
    return row.text.strip()[:MAX_SPAN].strip()


def _code_quote(code: Block, weights: Mapping[str, float]) -> str:
    """The line that holds most of the words, of several the longest: the others may be a bracket."""
    lines = (line.strip() for line in code.text.split("\n"))
    return max(lines, key=lambda line: (score(line, weights), len(line)))[:MAX_SPAN]


def _row_text(row: Block) -> str:
    headers = row.label.split("\t")
    cells = row.text.split("\t")
    named = (f"{header}: {cell}" if header else cell for header, cell in zip(headers, cells, strict=False))
    return "; ".join(named) + "."


def _code_text(code: Block) -> str:
    lines = code.text.split("\n")
    shown = lines[:MAX_CODE_LINES] + ["..."] * (len(lines) > MAX_CODE_LINES)
    # A fence longer than any in the code, so that the code cannot close it.
    longest = max((len(run) for run in re.findall("`+", code.text)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([fence, *shown, fence])
