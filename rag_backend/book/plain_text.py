"""The text of a document as its page shows it, without mark-up, block by block."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal

from markdown_it.token import Token

from rag_backend.book import javascript, jsx, mdx
from rag_backend.book.elements import LINES, Elements

Kind = Literal["text", "item", "title", "code", "row"]


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, list item, title, code block or table row. A `title` is a tab's, an admonition's or a
    summary: it belongs to the block after it.

    `label` is a code's title, a row's header cells, an item's mark: "-" or its number, such as "2.", after
    two spaces for each list around its own. Later paragraphs of an item are of kind "text". In a row, and in
    its label, cells are separated by tabs.
    """

    kind: Kind
    text: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """The blocks between two headings. Those before the first heading have `level` 0 and no anchor."""

    level: int
    heading: str
    anchor: str
    blocks: list[Block]


def content_title(tokens: Sequence[Token]) -> str:
    """The text of the first heading if it is of level 1, which Docusaurus takes as the page's title, or
    ""."""
    for token, inline in pairwise(tokens):
        if token.type == "hr":
            break
        if token.type == "heading_open":
            return inline_text(inline) if token.tag == "h1" else ""
    return ""


def sections(tokens: Sequence[Token]) -> list[Section]:
    """A document cut at its headings, nested ones included."""
    reader = _Reader()
    index = 0
    while index < len(tokens):
        index = reader.read(tokens, index)
    reader.end_row()
    return reader.found


def inline_text(token: Token) -> str:
    """A heading's or a cell's text in one line."""
    return " ".join(block.text for block in _Reader().lines(token))


@dataclass(slots=True)
class _Reader:
    """Reads tokens one by one. `cells` are those of a row of HTML that is open, and `label` the mark of a
    list item whose text has not begun."""

    found: list[Section] = field(default_factory=lambda: [Section(0, "", "", [])])
    elements: Elements = field(default_factory=Elements)
    header: str = ""
    lists: list[int | None] = field(default_factory=list)
    label: str = ""
    cells: list[str] | None = None
    has_data: bool = False

    def read(self, tokens: Sequence[Token], index: int) -> int:
        """Read the token at `index` with those that belong to it; the index of the next one."""
        token = tokens[index]
        if token.type == "jsx":
            self.pass_tag(token.content)
            self._put(Block("title", title) for title in self.elements.titles())
        elif self.elements.hides:
            return index + 1
        elif token.type == "heading_open":
            anchor = str(token.attrs["id"])
            self.found.append(Section(int(token.tag[1]), inline_text(tokens[index + 1]), anchor, []))
            return index + 2
        elif token.type == "tr_open":
            return self._row(tokens, index + 1)
        elif token.type in ("fence", "code_block"):
            if not mdx.is_diagram(token):
                self._put([Block("code", mdx.code_text(token), mdx.code_title(token))])
        elif token.type == "expression":
            self._put(self._spelled(token.content))
        elif token.type == "inline":
            self._put(self._texts(token, tokens[index - 1]))
        else:
            self._pass_list(token)
        return index + 1

    def lines(self, token: Token) -> Iterator[Block]:
        """The lines of a paragraph, titles included, without white space that a page does not show."""
        text = ""
        for child in token.children or ():
            if child.type == "jsx":
                tag = jsx.read(child.content)
                if tag is not None and tag.name in LINES:
                    yield from self._line(text, is_title=tag.closes and tag.name == "summary")
                    text = ""
                # The line already has its place before its element ends.
                self.pass_tag(child.content)
                yield from (Block("title", title) for title in self.elements.titles())
            elif child.type == "hardbreak":
                yield from self._line(text)
                text = ""
            elif not self.elements.hides:
                text += _shown(child)
        yield from self._line(text)

    def pass_tag(self, source: str) -> None:
        tag = self.elements.pass_tag(source)
        if tag is None:
            return
        if tag.name in ("tr", "table", "thead", "tbody", "tfoot"):
            self.end_row()
            if tag.name == "tr" and not tag.closes:
                self.cells, self.has_data = [], False
            elif tag.name == "table":
                self.header = ""
        elif tag.name in ("td", "th") and not tag.closes and self.cells is not None:
            self.cells.append("")
            self.has_data = self.has_data or tag.name == "td"
        elif tag.name == "li" and not tag.closes:
            self.label = "-"

    def end_row(self) -> None:
        """The row of HTML that was open, if any, as a block; a row of headers labels the rows after it."""
        cells, self.cells = self.cells, None
        if not cells or not any(cells):
            return
        if self.has_data:
            self._put([Block("row", "\t".join(cells), self.header)])
        else:
            self.header = "\t".join(cells)

    def _put(self, blocks: Iterator[Block] | Sequence[Block]) -> None:
        for block in blocks:
            if self.cells:
                # Text between two cells belongs to neither, and no page shows it.
                self.cells[-1] = " ".join([*filter(None, [self.cells[-1]]), *block.text.split()])
            else:
                self.found[-1].blocks.append(block)
                self.label = ""

    def _row(self, tokens: Sequence[Token], index: int) -> int:
        cells: list[str] = []
        begin = index
        while tokens[index].type != "tr_close":
            if tokens[index].type in ("td_open", "th_open"):
                cells.append("")
            elif tokens[index].type == "inline":
                # A cell may show an imported document, whose paragraphs are in it too.
                cells[-1] = " ".join(filter(None, (cells[-1], inline_text(tokens[index]))))
            index += 1
        row = "\t".join(cells)
        if tokens[begin].type == "th_open":
            self.header = row
        else:
            self._put([Block("row", row, self.header)])
        return index + 1

    def _pass_list(self, token: Token) -> None:
        match token.type:
            case "ordered_list_open":
                self.lists.append(int(token.attrs.get("start", 1)))
            case "bullet_list_open":
                self.lists.append(None)
            case "ordered_list_close" | "bullet_list_close":
                self.lists.pop()
            case "list_item_open":
                number = self.lists[-1]
                self.label = "  " * (len(self.lists) - 1) + ("-" if number is None else f"{number}.")
                if number is not None:
                    self.lists[-1] = number + 1

    def _spelled(self, expression: str) -> Iterator[Block]:
        text = javascript.spelled(expression)
        if self.elements.are_code:
            yield Block("code", mdx.without_marks(text.strip("\n")), self.elements.code_title)
        elif text.strip():
            yield self._text_block(" ".join(text.split()))

    def _texts(self, token: Token, before: Token) -> Iterator[Block]:
        is_title = before.type == "admonition_title_open"
        for line in self.lines(token):
            yield Block("title", line.text) if is_title else line

    def _line(self, text: str, *, is_title: bool = False) -> Iterator[Block]:
        collapsed = " ".join(text.split())
        if collapsed:
            yield Block("title", collapsed) if is_title else self._text_block(collapsed)

    def _text_block(self, text: str) -> Block:
        label, self.label = self.label, ""
        return Block("item", text, label) if label else Block("text", text)


def _shown(token: Token) -> str:
    match token.type:
        case "text" | "text_special" | "code_inline":
            return token.content
        case "softbreak":
            return " "
        case "expression":
            return javascript.spelled(token.content)
    return ""
