"""The text of a document as its page shows it, without mark-up, block by block."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from markdown_it.token import Token

from rag_backend import mdx

Kind = Literal["text", "title", "code", "row"]


@dataclass(frozen=True, slots=True)
class Block:
    """A paragraph, list item, title, code block or table row. A `title` is an admonition's or a summary: it
    belongs to the block after it. `label` is a code's title, a row's header cells.

    In a row, and in its label, cells are separated by tabs.
    """

    kind: Kind
    text: str
    label: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """What stands between two headings. `level` 0 and no anchor: what stands before the first."""

    level: int
    heading: str
    anchor: str
    blocks: list[Block]


def content_title(tokens: Sequence[Token]) -> str:
    """The text of a first heading of level 1, which Docusaurus takes as the page's title, or ""."""
    for token, inline in pairwise(tokens):
        if token.type == "hr":
            break
        if token.type == "heading_open":
            return inline_text(inline) if token.tag == "h1" else ""
    return ""


def sections(tokens: Sequence[Token]) -> list[Section]:
    """A document cut at its headings, wherever they stand."""
    found = [Section(0, "", "", [])]
    header = ""
    index = 0
    while index < len(tokens):
        token = tokens[index]
        index += 1
        if token.type == "heading_open":
            anchor = str(token.attrs["id"])
            found.append(Section(int(token.tag[1]), inline_text(tokens[index]), anchor, []))
            index += 1
        elif token.type == "tr_open":
            cells, index = _cells(tokens, index)
            if tokens[index - 2].type == "th_close":
                header = cells
            else:
                found[-1].blocks.append(Block("row", cells, header))
        elif token.type == "fence":
            found[-1].blocks.append(Block("code", token.content.rstrip("\n"), mdx.code_title(token)))
        elif token.type == "inline":
            found[-1].blocks.extend(_texts(token, tokens[index - 2]))
    return found


def inline_text(token: Token) -> str:
    return " ".join(_lines(token))


def _texts(token: Token, before: Token) -> Iterator[Block]:
    is_title = before.type == "admonition_title_open" or _ends_a_summary(token)
    for line in _lines(token):
        yield Block("title" if is_title else "text", line)
        # A summary's line ends at its closing tag.
        is_title = False


def _ends_a_summary(token: Token) -> bool:
    return any(
        child.type == "jsx" and child.content.startswith("</summary") for child in token.children or ()
    )


def _cells(tokens: Sequence[Token], index: int) -> tuple[str, int]:
    cells: list[str] = []
    while tokens[index].type != "tr_close":
        if tokens[index].type == "inline":
            cells.append(inline_text(tokens[index]))
        index += 1
    return "\t".join(cells), index + 1


def _lines(token: Token) -> Iterator[str]:
    text = "".join(_shown(child) for child in token.children or [])
    for line in text.split("\n"):
        collapsed = " ".join(line.split())
        if collapsed:
            yield collapsed


def _shown(token: Token) -> str:
    match token.type:
        case "text" | "text_special":
            return token.content
        case "code_inline":
            return token.content
        case "softbreak":
            return " "
        case "hardbreak":
            return "\n"
        case "jsx":
            return "\n" if token.content.startswith(("<br", "</summary")) else ""
        case "expression":
            return mdx.spelled(token.content)
    return ""
