"""Docusaurus' admonitions: `:::note[Title]` to `:::`, with any blocks between them."""

import re

from markdown_it.rules_block import StateBlock

_OPENING = re.compile(r"(:{3,})\s*([A-Za-z][\w-]*)(?:\[(.*)\])?(?:\{.*\})?\s*(.*)")


def _line(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]


def block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    opening = _OPENING.fullmatch(_line(state, start))
    if opening is None or (opening[3] is None and opening[4].startswith(("[", "{"))):
        return False
    if silent:
        return True
    close = start + 1
    while close < end and not _closes(_line(state, close), len(opening[1])):
        close += 1
    token = state.push("admonition_open", "div", 1)
    token.info, token.map, token.block = opening[2], [start, close], True
    _admonition_title(state, (opening[3] or opening[4]).strip())
    outer, state.lineMax, state.parentType = (state.lineMax, state.parentType), close, "admonition"
    state.md.block.tokenize(state, start + 1, close)
    state.lineMax, state.parentType = outer
    state.push("admonition_close", "div", -1).info = opening[2]
    state.line = min(close + 1, end)
    return True


def _admonition_title(state: StateBlock, title: str) -> None:
    if not title:
        return
    state.push("admonition_title_open", "p", 1)
    inline = state.push("inline", "", 0)
    inline.content, inline.children = title, []
    state.push("admonition_title_close", "p", -1)


def _closes(line: str, colons: int) -> bool:
    bare = line.rstrip()
    return len(bare) >= colons and not bare.strip(":")
