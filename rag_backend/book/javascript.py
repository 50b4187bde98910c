"""Finds the end of JavaScript within a document: strings, templates and comments may hold brackets.

Expressions are scanned, not parsed: the scanner finds the ends of code that a site builds, and leaves
anything else as text. It cannot read regular expressions with an unpaired bracket. Modules are parsed.
"""

import re
from typing import Final

from rag_backend.book import syntax_trees

MAX_EXPRESSION: Final = 20_000
"""Characters between two braces, so that a thousand open braces do not each scan to the end of the text."""
MAX_MODULE: Final = 200_000
"""Characters of an import or export: some pages have a table's data in one."""
MAX_DEPTH: Final = 50
MAX_BLANK_LINES: Final = 20
"""Blank lines of a module at which its end is tried."""

# A quotation mark that its line does not close is an apostrophe in an element's text; `://` begins no
# comment.
_QUIET: Final = r"""'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|/\*|(?<!:)//[^\n]*"""
_BRACES = re.compile(rf"{_QUIET}|[`{{}}]", re.DOTALL)
_BRACKETS_OR_BLANK_LINE = re.compile(rf"{_QUIET}|[`{{}}()\[\]]|\n[ \t]*(?=\n|\Z)", re.DOTALL)
# An element or a regular expression, in which a bracket or a quotation mark may be text.
_DECEIVES = re.compile(r"</|/>|/[^/*\n]*[\[({'\"`][^/\n]*/")
_BLANK_LINE = re.compile(r"\n[ \t]*(?=\n|\Z)")
_IN_TEMPLATE = re.compile(r"\\.|`|\$\{", re.DOTALL)
_STRING = re.compile(r"""\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|`((?:[^`\\$]|\\.)*)`)\s*""", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_OPENINGS: Final = frozenset({"{", "${", "(", "[", "`"})
_CLOSINGS: Final = frozenset({"}", ")", "]"})
_ESCAPED: Final = {"n": "\n", "t": "\t", "\n": ""}


def closing_brace(text: str, start: int, end: int) -> int:
    """The position of the brace that closes the one at `start`, or -1."""
    end = min(end, start + MAX_EXPRESSION)
    open_ones: list[str] = []
    position = start
    while len(open_ones) <= MAX_DEPTH:
        pattern = _IN_TEMPLATE if open_ones and open_ones[-1] == "`" else _BRACES
        match = pattern.search(text, position, end)
        if match is None:
            return -1
        position = _after(text, match, end)
        _open_or_close(open_ones, match[0])
        if not open_ones:
            return match.start()
    return -1


def module_end(text: str, start: int, end: int) -> int:
    """The end of an import or export that begins at `start`: a blank line outside all brackets.

    If its brackets are never closed, it ends at its first blank line. Where elements or regular expressions
    may hold brackets, it ends as in MDX: at the first blank line before which it can be parsed.
    """
    end = min(end, start + MAX_MODULE)
    scanned = _scanned_module_end(text, start, end)
    if not _DECEIVES.search(text, start, scanned) or _is_module(text[start:scanned]):
        return scanned
    for number, blank in enumerate(_BLANK_LINE.finditer(text, start, end)):
        if number >= MAX_BLANK_LINES:
            break
        if _is_module(text[start : blank.start()]):
            return blank.start()
    return scanned


def _is_module(source: str) -> bool:
    tree = syntax_trees.parsed(source.encode("utf-8", "replace"))
    return tree is not None and not tree.has_error


def _scanned_module_end(text: str, start: int, end: int) -> int:
    open_ones: list[str] = []
    first = -1
    position = start
    while len(open_ones) <= MAX_DEPTH:
        pattern = _IN_TEMPLATE if open_ones and open_ones[-1] == "`" else _BRACKETS_OR_BLANK_LINE
        match = pattern.search(text, position, end)
        if match is None:
            break
        position = _after(text, match, end)
        if match[0].startswith("\n"):
            if not open_ones:
                return match.start()
            first = match.start() if first < 0 else first
        else:
            _open_or_close(open_ones, match[0])
    return first if open_ones and first >= 0 else end


def spelled(expression: str) -> str:
    """The value of a string literal such as `"text"`; empty for any other expression."""
    match = _STRING.fullmatch(expression)
    if match is None:
        return ""
    text = next(filter(None, match.groups()), "")
    return _ESCAPE.sub(lambda escape: _ESCAPED.get(escape[1], escape[1]), text)


def _after(text: str, match: re.Match[str], end: int) -> int:
    """The position after a match. A comment that is not closed goes on to the end."""
    if match[0] != "/*":
        return match.end()
    close = text.find("*/", match.end(), end)
    return close + 2 if close >= 0 else end


def _open_or_close(open_ones: list[str], mark: str) -> None:
    ends_template = mark == "`" and open_ones[-1:] == ["`"]
    if ends_template or (mark in _CLOSINGS and open_ones):
        open_ones.pop()
    elif mark in _OPENINGS:
        open_ones.append(mark)
