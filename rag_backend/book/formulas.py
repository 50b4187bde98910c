"""Formulas between dollars, whose braces and backslashes are TeX and neither code nor escapes."""

import re

from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

_SPAN = re.compile(r"(?<!\$)(\$+)(?!\$)(.{1,2000}?)(?<!\$)\1(?!\$)", re.DOTALL)
# A TeX command, or a group as superscript or subscript, whose braces MDX rejects outside a formula.
_EVIDENT = re.compile(r"\\[A-Za-z]|[_^]\{")
_OPENING = re.compile(r"(\${2,})[^$]*")


def inline(state: StateInline, silent: bool) -> bool:
    """Read every pair of dollars as a formula, as remark-math does."""
    return _inline(state, silent, evident=False)


def evident(state: StateInline, silent: bool) -> bool:
    """Read a pair of dollars as a formula only if its text is TeX beyond doubt: two prices are no formula."""
    return _inline(state, silent, evident=True)


def block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Read a formula from a line that begins with two dollars or more to a line of as many."""
    opening = _OPENING.fullmatch(_line(state, start).rstrip())
    if opening is None:
        return False
    close = start + 1
    while close < end and not _closes(_line(state, close).rstrip(), len(opening[1])):
        close += 1
    if silent:
        return True
    token = state.push("fence", "code", 0)
    token.info, token.map = "math", [start, close]
    token.content = state.getLines(start + 1, close, state.sCount[start], True)
    state.line = min(close + 1, end)
    return True


def _inline(state: StateInline, silent: bool, *, evident: bool) -> bool:
    match = _SPAN.match(state.src, state.pos, state.posMax) if state.src[state.pos] == "$" else None
    if match is None or (evident and not _EVIDENT.search(match[2])):
        return False
    if not silent:
        token = state.push("code_inline", "code", 0)
        token.markup, token.content = match[1], _unpadded(match[2])
    state.pos = match.end()
    return True


def _unpadded(formula: str) -> str:
    # As in inline code, one space on either side separates a dollar of the formula from the delimiters.
    padded = formula.startswith(" ") and formula.endswith(" ") and not formula.isspace()
    return formula[1:-1] if padded else formula


def _closes(line: str, dollars: int) -> bool:
    return len(line) >= dollars and not line.strip("$")


def _line(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]
