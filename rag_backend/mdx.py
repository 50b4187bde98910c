"""Docusaurus Markdown as tokens: CommonMark with tables, footnotes, admonitions and MDX.

Tags, imports, exports and expressions are tokens of their own, so that a reader of tokens keeps the text
between tags and decides about the tags. Nothing is executed, and any text can be read.
"""

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from mdit_py_plugins.footnote import footnote_plugin

from rag_backend import anchors

MAX_NESTING: Final = 40
"""Levels of lists, quotes and admonitions; deeper ones stay text."""
MAX_EXPRESSION: Final = 20_000
"""Characters between two braces, so that a thousand open ones do not each read on to the end."""

# An attribute's value may hold `>` in quotes or in an expression, two braces deep as in style={{a: 1}}.
_TAG = re.compile(
    r"""</?(?:[A-Za-z][\w.:-]*(?:[^<>"'{}]|"[^"]*"|'[^']*'|\{(?:[^{}]|\{[^{}]*\})*\})*)?>|<!--.*?-->""",
    re.DOTALL,
)
_NAME = re.compile(r"<(/?)([A-Za-z][\w.:-]*)")
_ONLY_TAGS = re.compile(rf"(?:\s*(?:{_TAG.pattern}))+[ \t]*(?:\n|\Z)", re.DOTALL)
_MODULE = re.compile(r"(?:import|export)\s")
_STRING = re.compile(r"""\s*(?:'([^'\\]*)'|"([^"\\]*)"|`([^`\\$]*)`)\s*""")
_FENCE_OPEN = re.compile(r"(:{3,})\s*([A-Za-z][\w-]*)(?:\[(.*)\])?(?:\{.*\})?\s*(.*)")
_TITLE = re.compile(r"""title=(?:"([^"]*)"|'([^']*)'|(\S+))""")
# remark-directive reads `:name` in a text as a directive without content, `:name:` as an emoji.
_TEXT_DIRECTIVE = re.compile(r"(?<!:):[A-Za-z](?:[\w-]*[A-Za-z0-9])?(?![\w:-])")


def parser() -> MarkdownIt:
    """A parser whose tokens add `jsx`, `esm`, `expression`, `admonition_*` and `admonition_title_*`."""
    markdown = MarkdownIt("commonmark", {"maxNesting": MAX_NESTING}).enable(["table", "strikethrough"])
    footnote_plugin(markdown)
    # MDX has no HTML blocks, and no code by indentation, which indented tags would become.
    markdown.disable(["html_block", "html_inline", "code"])
    stops: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote", "list"]}
    markdown.block.ruler.before("fence", "admonition", _admonition, stops)
    markdown.block.ruler.before("fence", "module", _module)
    markdown.block.ruler.before("fence", "tags", _tags, stops)
    markdown.block.ruler.before("fence", "expression", _block_expression)
    markdown.inline.ruler.before("autolink", "jsx", _inline_tag)
    markdown.inline.ruler.before("autolink", "expression", _inline_expression)
    return markdown


def parse(text: str) -> list[Token]:
    """The tokens of a document without its front matter; each `heading_open` has the attribute `id`."""
    tokens = parser().parse(text.replace("\0", "\ufffd"))
    slugger = anchors.Slugger()
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            opening.attrSet("id", _heading_id(inline, slugger))
    return tokens


def code_title(token: Token) -> str:
    """The title in a code fence's opening line, or ""."""
    match = _TITLE.search(token.info)
    return next(filter(None, match.groups()), "") if match else ""


def spelled(expression: str) -> str:
    """The text that `{"text"}` stands for; an expression that is no plain string has none."""
    match = _STRING.fullmatch(expression)
    return next(filter(None, match.groups()), "") if match else ""


@dataclass(frozen=True, slots=True)
class Tag:
    name: str
    closes: bool


def tags(source: str) -> list[Tag]:
    """The tags of a `jsx` token, comments left out."""
    found = (_NAME.match(match[0]) for match in _TAG.finditer(source))
    return [Tag(match[2], bool(match[1])) for match in found if match]


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


def _line(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]


def _admonition(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    opening = _FENCE_OPEN.fullmatch(_line(state, start))
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


def _module(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    # Modules stand at the top only, as in MDX, and end with the block they are in.
    if state.level or state.sCount[start] or not _MODULE.match(_line(state, start)):
        return False
    if silent:
        return True
    after = start
    while after < end and not state.isEmpty(after):
        after += 1
    return _hidden(state, "esm", start, after)


def _tags(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    begin = state.bMarks[start] + state.tShift[start]
    if not state.src.startswith("<", begin):
        return False
    match = _ONLY_TAGS.match(state.src, begin, state.eMarks[end - 1] + 1)
    if match is None:
        return False
    if silent:
        return True
    return _hidden(state, "jsx", start, _line_after(state, match.end(), start, end))


def _block_expression(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    begin = state.bMarks[start] + state.tShift[start]
    close = _closing_brace(state.src, begin, state.eMarks[end - 1])
    if close < 0:
        return False
    after = _line_after(state, close, start, end)
    if state.src[close + 1 : state.eMarks[after - 1]].strip():
        return False
    return silent or _hidden(state, "expression", start, after)


def _line_after(state: StateBlock, position: int, start: int, end: int) -> int:
    line = start + 1
    while line < end and state.bMarks[line] < position:
        line += 1
    return line


def _hidden(state: StateBlock, kind: str, start: int, after: int) -> bool:
    token = state.push(kind, "", 0)
    token.content = state.getLines(start, after, state.blkIndent, False).strip()
    token.map, token.block = [start, after], True
    state.line = after
    return True


def _inline_tag(state: StateInline, silent: bool) -> bool:
    match = _TAG.match(state.src, state.pos, state.posMax) if state.src[state.pos] == "<" else None
    # `<https://...>` looks like a tag with a colon in its name and is a link.
    if match is None or "://" in match[0].split(maxsplit=1)[0]:
        return False
    return _inline(state, "jsx", match[0], match.end(), silent)


def _inline_expression(state: StateInline, silent: bool) -> bool:
    close = _closing_brace(state.src, state.pos, state.posMax)
    if close < 0:
        return False
    return _inline(state, "expression", state.src[state.pos + 1 : close], close + 1, silent)


def _inline(state: StateInline, kind: str, content: str, end: int, silent: bool) -> bool:
    if not silent:
        state.push(kind, "", 0).content = content
    state.pos = end
    return True


def _closing_brace(text: str, start: int, end: int) -> int:
    """Where the expression that opens at `start` closes, or -1; `{#` begins an id, not an expression."""
    if not text.startswith("{", start) or text.startswith("{#", start):
        return -1
    depth = 0
    for position in range(start, min(end, start + MAX_EXPRESSION)):
        depth += {"{": 1, "}": -1}.get(text[position], 0)
        if depth == 0:
            return position
    return -1
