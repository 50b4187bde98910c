"""Docusaurus Markdown as tokens: CommonMark with tables, footnotes, tasks, admonitions, formulas and MDX.

Tags, imports, exports and expressions are tokens of their own, so that a consumer of tokens keeps the text
between tags and decides about the tags. Nothing is executed, and every text can be parsed.
"""

import re
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Final

import emoji
from markdown_it import MarkdownIt
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from mdit_py_plugins.footnote import footnote_plugin
from mdit_py_plugins.tasklists import tasklists_plugin

from rag_backend.book import admonitions, anchors, formulas, javascript, jsx

MAX_NESTING: Final = 40
"""Levels of lists, quotes and admonitions; deeper ones stay text."""

_MODULE = re.compile(r"(?:import|export)\s")
_TITLE = re.compile(r"""title=(?:"([^"]*)"|'([^']*)'|(\S+))""")
# remark-directive reads `:name` in a text as a directive without content, `:name:` as an emoji.
_TEXT_DIRECTIVE = re.compile(r"(?<!:):[A-Za-z](?:[\w-]*[A-Za-z0-9])?(?![\w:-])")
_HIGHLIGHT = re.compile(
    r"""\s*(?://|/\*|\{/\*|<!--|\#|--|%|['‘’]|;+|rem\b|!|\*>|\(\*)\s*"""
    r"""highlight-(?:next-line|start|end)\s*(?:\*/\}?|-->|\*\))?\s*""",
    re.IGNORECASE,
)
# Docusaurus unwraps these before MDX sees them, within fences of three or four marks.
_UNWRAPPED = re.compile(r"^[ ]*(`{3,4})[ ]*mdx-code-block\n(.*?)\n[ ]*\1$", re.DOTALL | re.MULTILINE)
_DIAGRAMS: Final = frozenset({"mermaid"})
_SHORT_CODE = re.compile(r":\+1:|:-1:|:[\w-]{1,64}:")


@dataclass(frozen=True, slots=True)
class Dialect:
    """With `is_mdx` braces and modules are code, as everywhere except under `mdx: {format: md}`.

    With `has_math` the site has remark-math, so that every pair of dollars is a formula. With `keeps_case`
    anchors have their headings' capitals, and without `has_emoji` short codes are text.
    """

    is_mdx: bool = True
    has_math: bool = False
    keeps_case: bool = False
    has_emoji: bool = True


@cache
def parser(dialect: Dialect = Dialect()) -> MarkdownIt:
    """A parser whose tokens add `jsx`, `esm`, `expression`, `admonition_*` and `admonition_title_*`.

    Each `jsx` is one tag or comment. A formula is `code_inline`, or a `fence` whose info is `math`.
    """
    markdown = MarkdownIt("commonmark", {"maxNesting": MAX_NESTING}).enable(["table", "strikethrough"])
    footnote_plugin(markdown)
    tasklists_plugin(markdown)
    markdown.disable(["html_block", "html_inline"])
    stops: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote", "list"]}
    block, inline = markdown.block.ruler, markdown.inline.ruler
    block.before("fence", "admonition", admonitions.block, stops)
    block.before("fence", "tags", _mark_up if dialect.is_mdx else _tags, stops)
    block.before("fence", "formula", formulas.block, stops)
    inline.before("autolink", "jsx", _inline_tag)
    inline.before("escape", "formula", formulas.inline if dialect.has_math else formulas.evident)
    if dialect.is_mdx:
        # MDX has no indented code; without this, indented tags would be read as code.
        markdown.disable(["code"])
        block.before("fence", "module", _module)
        inline.before("autolink", "expression", _inline_expression)
    return markdown


def parse(text: str, dialect: Dialect = Dialect()) -> list[Token]:
    """The tokens of a document without its front matter; each `heading_open` has the attribute `id`."""
    if dialect.is_mdx and "mdx-code-block" in text:
        text = _UNWRAPPED.sub(r"\2", text)
    tokens = parser(dialect).parse(text.replace("\0", "\ufffd"))
    slugger = anchors.Slugger(keeps_case=dialect.keeps_case)
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            opening.attrSet("id", _heading_id(inline, slugger))
    # After the headings, because Docusaurus makes an id from the short code, not from the emoji.
    for token in tokens if dialect.has_emoji else ():
        for child in token.children or ():
            if child.type == "text" and ":" in child.content:
                child.content = _SHORT_CODE.sub(_pictured, child.content)
    return tokens


def code_text(token: Token) -> str:
    """The code of a fence as its page shows it, without the comments that mark lines for highlighting."""
    return without_marks(token.content.rstrip("\n"))


def without_marks(code: str) -> str:
    """Code without the comments that mark lines for highlighting."""
    return "\n".join(line for line in code.split("\n") if not _HIGHLIGHT.fullmatch(line))


def is_diagram(token: Token) -> bool:
    """Return True for a fence whose page shows a drawing in place of the source."""
    return token.info.split(maxsplit=1)[:1] != [] and token.info.split(maxsplit=1)[0] in _DIAGRAMS


def code_title(token: Token) -> str:
    """The title in a code fence's opening line, or ""."""
    match = _TITLE.search(token.info)
    return next(filter(None, match.groups()), "") if match else ""


def _pictured(match: re.Match[str]) -> str:
    return emoji.emojize(match[0], language="alias")


def _heading_id(inline: Token, slugger: anchors.Slugger) -> str:
    children = inline.children or []
    last = children[-1] if children else None
    if last is not None and last.type in ("expression", "jsx"):
        explicit = anchors.comment_id(last.content)
        if explicit:
            children.pop()
            if children and children[-1].type == "text":
                children[-1].content = children[-1].content.rstrip()
            return explicit
    text, explicit = anchors.split_classic_id("".join(map(_slug_text, children)))
    if explicit is None or last is None:
        return slugger.slug(text)
    last.content = anchors.split_classic_id(last.content)[0]
    return explicit


def _slug_text(token: Token) -> str:
    match token.type:
        case "text":
            return _TEXT_DIRECTIVE.sub("", token.content)
        case "code_inline" | "text_special" | "expression" | "image":
            return token.content
        case "softbreak":
            return "\n"
    return ""


def _module(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    # As in MDX, modules stand at the top level only.
    begin = state.bMarks[start]
    if state.level or state.sCount[start] or not _MODULE.match(state.src, begin):
        return False
    if silent:
        return True
    close = javascript.module_end(state.src, begin, state.eMarks[end - 1])
    _push(state, "esm", state.src[begin:close].strip())
    state.line = _line_after(state, close, start, end)
    return True


def _mark_up(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    return _only_mark_up(state, start, end, silent, is_mdx=True)


def _tags(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    return _only_mark_up(state, start, end, silent, is_mdx=False)


def _only_mark_up(state: StateBlock, start: int, end: int, silent: bool, *, is_mdx: bool) -> bool:
    """Read tags and expressions with nothing after them on their line; each may span several lines, even
    blank ones."""
    position, last = state.bMarks[start] + state.tShift[start], state.eMarks[end - 1]
    if not state.src.startswith(("<", "{") if is_mdx else "<", position):
        return False
    found: list[tuple[str, str]] = []
    while position < last and state.src[position] != "\n":
        close = _piece_end(state.src, position, last, is_mdx)
        if close < 0:
            return False
        source = state.src[position:close]
        found.append(("jsx", source) if source[0] == "<" else ("expression", source[1:-1]))
        position = state.skipSpaces(close)
    if not silent:
        for kind, content in found:
            _push(state, kind, content)
        state.line = _line_after(state, position, start, end)
    return True


def _piece_end(text: str, start: int, end: int, is_mdx: bool) -> int:
    if text[start] == "<":
        return jsx.tag_end(text, start, end)
    return _expression_end(text, start, end) if is_mdx else -1


def _expression_end(text: str, start: int, end: int) -> int:
    # `{#` begins a heading's id.
    if not text.startswith("{", start) or text.startswith("{#", start):
        return -1
    close = javascript.closing_brace(text, start, end)
    return close + 1 if close >= 0 else -1


def _line_after(state: StateBlock, position: int, start: int, end: int) -> int:
    line = start + 1
    while line < end and state.bMarks[line] < position:
        line += 1
    return line


def _push(state: StateBlock, kind: str, content: str) -> None:
    token = state.push(kind, "", 0)
    token.content, token.block = content, True


def _inline_tag(state: StateInline, silent: bool) -> bool:
    if state.src[state.pos] != "<":
        return False
    close = jsx.tag_end(state.src, state.pos, state.posMax)
    return close >= 0 and _inline(state, "jsx", state.src[state.pos : close], close, silent)


def _inline_expression(state: StateInline, silent: bool) -> bool:
    close = _expression_end(state.src, state.pos, state.posMax)
    return close >= 0 and _inline(state, "expression", state.src[state.pos + 1 : close - 1], close, silent)


def _inline(state: StateInline, kind: str, content: str, end: int, silent: bool) -> bool:
    if not silent:
        state.push(kind, "", 0).content = content
    state.pos = end
    return True
