"""Tags of JSX and HTML in a document, with attributes that may hold any JavaScript."""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from rag_backend.book import javascript

MAX_TAG: Final = 20_000
"""Characters of a tag, as of an expression."""

_OPENING = re.compile(r"<(/?)([A-Za-z_$][\w.:$-]*)?")
_AFTER_NAME = re.compile(r"[\s/>{]")
_BETWEEN = re.compile(r"""[^<>"'{]*""")
_ATTRIBUTE = re.compile(r"""([A-Za-z_$][\w:.-]*)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|(\{)))?|\{""")


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag of a fragment has no name. `attributes` holds those whose value is plain text."""

    name: str
    closes: bool
    is_empty: bool = False
    attributes: dict[str, str] = field(default_factory=dict)


def tag_end(text: str, start: int, end: int) -> int:
    """The end of the tag or comment that begins at `start`, or -1 when none begins there."""
    end = min(end, start + MAX_TAG)
    if text.startswith("<!--", start):
        close = text.find("-->", start + 4, end)
        return close + 3 if close >= 0 else -1
    opening = _OPENING.match(text, start, end)
    if opening is None or not _AFTER_NAME.match(text, opening.end(), end):
        return -1
    name = opening[2]
    # `<https://example.org>` looks like a tag with a colon in its name and is a link.
    if name is None or name.endswith(":"):
        return opening.end() + 1 if name is None and text.startswith(">", opening.end()) else -1
    return _end_of_attributes(text, opening.end(), end)


def read(source: str) -> Tag | None:
    """A tag as `tag_end` found it; None for a comment."""
    opening = _OPENING.match(source)
    if opening is None or source.startswith("<!--"):
        return None
    return Tag(
        name=opening[2] or "",
        closes=bool(opening[1]),
        is_empty=source.endswith("/>"),
        attributes=dict(_attributes(source, opening.end())),
    )


def _end_of_attributes(text: str, position: int, end: int) -> int:
    while position < end:
        between = _BETWEEN.match(text, position, end)
        position = between.end() if between else position
        mark = text[position] if position < end else "<"
        if mark == ">":
            return position + 1
        if mark == "<":
            return -1
        close = (
            javascript.closing_brace(text, position, end)
            if mark == "{"
            else text.find(mark, position + 1, end)
        )
        if close < 0:
            return -1
        position = close + 1
    return -1


def _attributes(source: str, position: int) -> Iterator[tuple[str, str]]:
    while match := _ATTRIBUTE.search(source, position):
        position = match.end()
        name, double, single, brace = match.groups()
        value = double if double is not None else single
        if value is not None:
            yield name, html.unescape(value)
        elif brace or name is None:
            close = javascript.closing_brace(source, position - 1, len(source))
            if close < 0:
                return
            if name is not None:
                yield name, javascript.spelled(source[position:close])
            position = close + 1
