"""Passages of a page: the units that a search finds, a model reads and a citation points at."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from rag_backend.book import plain_text
from rag_backend.book.pages import Page
from rag_backend.book.plain_text import Block, Section
from rag_backend.search.language import languages

MAX_PASSAGE: Final = 1500
"""Characters, some 300 words: a screen of text. A longer block is a passage of its own."""
SEPARATOR: Final = " › "


@dataclass(frozen=True, slots=True)
class Passage:
    """`title` is the trail of headings from the page's own, `url` a path with the heading's anchor.

    `version` is "" for the version that readers see first; `language` is the text's, of two letters.
    """

    version: str
    url: str
    title: str
    blocks: tuple[Block, ...]
    language: str = languages.DEFAULT

    @property
    def page(self) -> str:
        return self.url.partition("#")[0]

    @property
    def headings(self) -> tuple[str, str]:
        """The page's title, and the headings within the page."""
        page, _, rest = self.title.partition(SEPARATOR)
        return page, rest

    @property
    def text(self) -> str:
        return "\n".join(block.text for block in self.blocks)

    @property
    def searched(self) -> str:
        """The text by which a search finds the passage, beside its headings."""
        return "\n".join(
            f"{block.label} {block.text}" if block.label else block.text for block in self.blocks
        )


def cut(page: Page) -> Iterator[Passage]:
    """The passages of a page in their order; a heading without text of its own has none."""
    trail: dict[int, str] = {}
    anchors: set[str] = set()
    version = page.version.label
    sections = plain_text.sections(page.tokens)
    text = " ".join(block.text for section in sections for block in section.blocks if block.kind != "code")
    language = languages.of(text, page.version.locale)
    for place, section in enumerate(sections):
        trail = {level: heading for level, heading in trail.items() if level < section.level}
        # The first heading is the page's own, and its title has a place already.
        if section.level > 1 or (section.level == 1 and place > 1):
            trail[section.level] = section.heading
        label = f"{page.title} ({version})" if version else page.title
        title = SEPARATOR.join(filter(None, (label, *trail.values()))) or page.source
        url = _url(page, section, anchors)
        for blocks in _portions(section.blocks):
            yield Passage(version, url, title, tuple(blocks), language)


def _url(page: Page, section: Section, anchors: set[str]) -> str:
    # Docusaurus renders a heading of level 1 without an id, so its URL is the page's. So is that of a heading
    # whose anchor an earlier one has: `## Set-up {#install}` and `## Install` both get `install`, and a
    # browser goes to the first.
    if section.level <= 1 or not section.anchor or section.anchor in anchors:
        return page.url
    anchors.add(section.anchor)
    return f"{page.url}#{section.anchor}"


def _portions(blocks: list[Block]) -> Iterator[list[Block]]:
    portion: list[Block] = []
    size = 0
    for block in blocks:
        if portion and size + len(block.text) > MAX_PASSAGE:
            cut_at = _without_openings(portion)
            yield portion[:cut_at]
            portion = portion[cut_at:]
            size = sum(len(kept.text) for kept in portion)
        portion.append(block)
        size += len(block.text)
    if portion:
        yield portion


def _without_openings(portion: list[Block]) -> int:
    """The length of a portion without the titles and sentences at its end that announce what comes next."""
    cut_at = len(portion)
    while cut_at > 1 and (portion[cut_at - 1].kind == "title" or announces(portion[cut_at - 1])):
        cut_at -= 1
    return cut_at if cut_at > 1 or not (portion[0].kind == "title" or announces(portion[0])) else len(portion)


def announces(block: Block) -> bool:
    """Return True for a sentence that the list, table or code after it completes."""
    return block.kind in ("text", "item") and block.text.endswith((":", "：", "："))
