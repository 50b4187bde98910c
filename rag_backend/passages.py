"""A page cut into passages: what a search finds, a model reads and a citation points at."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from rag_backend import plain_text
from rag_backend.book import Page
from rag_backend.plain_text import Block, Section

MAX_PASSAGE: Final = 1500
"""Characters, some 300 words: a screen of text. A block that is longer alone is a passage alone."""
SEPARATOR: Final = " › "


@dataclass(frozen=True, slots=True)
class Passage:
    """`title` is the trail of headings from the page's own, `url` a path with the heading's anchor.

    `version` is "" for the version that readers see first.
    """

    version: str
    url: str
    title: str
    blocks: tuple[Block, ...]

    @property
    def text(self) -> str:
        return "\n".join(block.text for block in self.blocks)


def cut(page: Page) -> Iterator[Passage]:
    """The passages of a page in their order; a heading without text of its own has none."""
    trail: dict[int, str] = {}
    for section in plain_text.sections(page.tokens):
        trail = {level: heading for level, heading in trail.items() if level < section.level}
        if section.level > 1:
            trail[section.level] = section.heading
        label = (f"{page.title} ({page.version.path})",) if page.version.path else (page.title,)
        title = SEPARATOR.join((*label, *filter(None, trail.values())))
        for blocks in _portions(section.blocks):
            yield Passage(page.version.path, _url(page, section), title, tuple(blocks))


def _url(page: Page, section: Section) -> str:
    # Docusaurus renders a heading of level 1 without an id: its place is the page's top.
    return f"{page.url}#{section.anchor}" if section.level > 1 and section.anchor else page.url


def _portions(blocks: list[Block]) -> Iterator[list[Block]]:
    portion: list[Block] = []
    size = 0
    for block in blocks:
        if portion and size + len(block.text) > MAX_PASSAGE:
            # A title goes with the block under it.
            cut_at = len(portion) - (len(portion) > 1 and portion[-1].kind == "title")
            yield portion[:cut_at]
            portion = portion[cut_at:]
            size = sum(len(kept.text) for kept in portion)
        portion.append(block)
        size += len(block.text)
    if portion:
        yield portion
