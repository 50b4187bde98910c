"""The part of a passage that answers: the sentence, row or code that holds a question's words, with the
blocks that a reader needs to understand it."""

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rag_backend.book.plain_text import Block
from rag_backend.search import shown
from rag_backend.search.language import languages, words

MAX_SPAN: Final = 420
"""Characters of a quotation that a citation names: three or four sentences."""
NEAR_BEST: Final = 0.75
"""The share of the best sentence's words that a heading needs to be taken as the question."""

# A sentence ends before a capital, a digit or an opening mark, so that "e.g. this" is not cut; in scripts
# without capitals or spaces it ends at its full stop.
_SENTENCE_END = re.compile(
    r"""(?<=[.!?…])["'”’)\]]*\s+(?=[^\Wa-z_]|["'“‘(\[`])|(?<=[。！？])["'”’」』）]*\s*(?=\S)|(?<=[۔؟])\s+"""
)


@dataclass(frozen=True, slots=True)
class Extract:
    """`text` is Markdown for the reader; `quote` occurs literally in one block of the source."""

    text: str
    quote: str
    score: float


@dataclass(frozen=True, slots=True)
class Asked:
    """The weights of a question's words, as stems of `language`."""

    weights: Mapping[str, float]
    language: str = languages.DEFAULT

    def score(self, text: str) -> float:
        """The summed weights of the words that a text holds."""
        return sum(
            self.weights[stem] for stem in set(words.tokens(text, self.language)) & self.weights.keys()
        )


def of(blocks: Sequence[Block], heading: str, asked: Asked) -> Extract:
    """The part of a passage that answers best; its beginning where the heading asks the question."""
    best = found(blocks, asked)
    if best is None or asked.score(heading) >= best.score / NEAR_BEST:
        return lead(blocks, asked)
    return best


def found(blocks: Sequence[Block], asked: Asked) -> Extract | None:
    """The part of some blocks that holds most of the words, by their weights; None when none holds any."""
    candidates = [one for place in range(len(blocks)) for one in _candidates(blocks, place, asked)]
    if not candidates:
        return None
    place, quote, score = max(candidates, key=lambda one: one[2])
    return Extract(shown.around(blocks, place, quote, asked.score), quote, score)


def lead(blocks: Sequence[Block], asked: Asked) -> Extract:
    """The beginning of a passage."""
    place = next((at for at, block in enumerate(blocks) if block.kind != "title"), len(blocks) - 1)
    quote = _quote(blocks[place], asked)
    return Extract(shown.around(blocks, place, quote, asked.score), quote, 0.0)


def blocks_of(text: str) -> list[Block]:
    """A selected text as blocks, one for each of its lines."""
    return [Block("text", line) for line in map(str.strip, text.split("\n")) if line]


def opening(text: str) -> str:
    """The first sentences of a text, at most MAX_SPAN characters."""
    return _span(text, _starts(text), 0)


def sentences(text: str) -> int:
    """The number of sentences of a text, each line at least one."""
    return sum(len(_starts(block.text)) for block in blocks_of(text))


def _candidates(blocks: Sequence[Block], place: int, asked: Asked) -> Iterator[tuple[int, str, float]]:
    block = blocks[place]
    if block.kind in ("text", "item"):
        yield from _sentences(block.text, place, asked)
    elif block.kind == "title":
        # The words of a title speak for the block under it.
        under = next((at for at in range(place, len(blocks)) if blocks[at].kind != "title"), place)
        held = asked.score(block.text)
        if held:
            quote = _quote(blocks[under], asked)
            yield under, quote, asked.score(f"{block.text} {quote}") + 0.1 * held
    elif block.text.strip():
        held = asked.score(f"{block.label} {block.text}")
        if held:
            yield place, _quote(block, asked), held


def _sentences(text: str, place: int, asked: Asked) -> Iterator[tuple[int, str, float]]:
    starts = _starts(text)
    for number, start in enumerate(starts):
        end = starts[number + 1] if number + 1 < len(starts) else len(text)
        held = asked.score(text[start:end])
        if held:
            span = _span(text, starts, number)
            # The sentences after it are quoted with it, so their words count a little.
            yield place, span, held + 0.1 * asked.score(span)


def _quote(block: Block, asked: Asked) -> str:
    match block.kind:
        case "row":
            # The row as it is indexed, with its tabs: one cell alone lacks the row's meaning.
            return block.text.strip()[:MAX_SPAN].strip()
        case "code":
            lines = (line.strip() for line in block.text.split("\n"))
            # The longest of equal ones, as a short one may be a bracket.
            return max(lines, key=lambda line: (asked.score(line), len(line)))[:MAX_SPAN]
    return opening(block.text)


def _starts(text: str) -> list[int]:
    return [0, *(match.end() for match in _SENTENCE_END.finditer(text))]


def _span(text: str, starts: Sequence[int], number: int) -> str:
    """The sentences from number `number` on that fit in MAX_SPAN; if the first does not fit, it is cut."""
    start = starts[number]
    end = start + MAX_SPAN
    last = bisect_right(starts, end) - 1
    if end < len(text) and last > number:
        end = starts[last]
    return text[start:end].strip()
