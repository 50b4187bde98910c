"""A document's tokens as HTML: headings with their anchors, links between documents resolved."""

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final
from urllib.parse import urlsplit

from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from rag_backend.book import javascript, jsx, mdx, plain_text
from rag_backend.book.pages import Page
from rag_backend.book.sources import SUFFIXES

# These tags are written without attributes: a plain page needs none.
PLAIN_TAGS: Final = frozenset(
    (
        "details",
        "summary",
        "kbd",
        "sub",
        "sup",
        "br",
        "hr",
        "b",
        "i",
        "em",
        "strong",
        "mark",
        "abbr",
        "s",
        "u",
    )
)
ADMONITIONS: Final = frozenset(("note", "tip", "info", "warning", "danger"))
ALIASES: Final[Mapping[str, str]] = {"caution": "warning", "important": "info", "success": "tip"}


@dataclass(frozen=True, slots=True)
class Heading:
    level: int
    anchor: str
    text: str


def headings(page: Page) -> list[Heading]:
    """The headings of levels 2 and 3, for a page's table of contents."""
    return [
        Heading(section.level, section.anchor, section.heading)
        for section in plain_text.sections(page.tokens)
        if section.level in (2, 3)
    ]


def render(page: Page, urls: Mapping[str, str]) -> str:
    """The page's body. `urls` maps each document's path below the docs folder to its URL path."""
    markdown = mdx.parser()
    renderer = _Renderer(page, urls)
    return renderer.render(_unwrapped(page.tokens), markdown.options, {})


class _Renderer(RendererHTML):
    def __init__(self, page: Page, urls: Mapping[str, str]) -> None:
        super().__init__()
        self._page = page
        self._urls = urls

    def heading_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        token = tokens[idx]
        # As in Docusaurus, the page's title has no anchor: it stands at the top of the page.
        anchor = "" if token.tag == "h1" else f' id="{escape(str(token.attrs["id"]))}"'
        return f"<{token.tag}{anchor}>"

    def heading_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return f"</{tokens[idx].tag}>\n"

    def admonition_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        kind = ALIASES.get(tokens[idx].info, tokens[idx].info)
        shown = kind if kind in ADMONITIONS else "note"
        title = (
            ""
            if tokens[idx + 1].type == "admonition_title_open"
            else f"<p><strong>{shown.title()}</strong></p>"
        )
        return f'<div class="admonition {shown}">{title}\n'

    def admonition_title_open(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
    ) -> str:
        return "<p><strong>"

    def admonition_title_close(
        self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
    ) -> str:
        return "</strong></p>\n"

    def table_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        # Focusable, so that a wide table can be scrolled by keys.
        return '<div class="table" tabindex="0"><table>\n'

    def table_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return "</table></div>\n"

    def th_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return _cell("th", tokens[idx])

    def td_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return _cell("td", tokens[idx])

    def fence(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        title = mdx.code_title(tokens[idx])
        caption = f"<figcaption>{escape(title)}</figcaption>" if title else ""
        code = escape(mdx.code_text(tokens[idx]), quote=False)
        return f'<figure>{caption}<pre tabindex="0"><code>{code}</code></pre></figure>\n'

    def link_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return f'<a href="{escape(_href(str(tokens[idx].attrs["href"]), self._page, self._urls))}">'

    def expression(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return escape(javascript.spelled(tokens[idx].content))

    def esm(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return ""

    def jsx(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        tag = jsx.read(tokens[idx].content)
        return "" if tag is None else _plain_tag(tag)


def _cell(tag: str, token: Token) -> str:
    # markdown-it gives the alignment as a style attribute, which the page's policy refuses.
    alignment = str(token.attrs.get("style", "")).rpartition(":")[2]
    return f'<{tag} class="{escape(alignment)}">' if alignment else f"<{tag}>"


def _plain_tag(tag: jsx.Tag) -> str:
    if tag.name not in PLAIN_TAGS:
        return ""
    return f"</{tag.name}>" if tag.closes else f"<{tag.name}>"


def _href(href: str, page: Page, urls: Mapping[str, str]) -> str:
    parts = urlsplit(href)
    if parts.scheme or parts.netloc or not parts.path.endswith(SUFFIXES):
        return href
    target = posixpath.normpath(posixpath.join(posixpath.dirname(page.source), parts.path))
    return urls.get(target, href) + (f"#{parts.fragment}" if parts.fragment else "")


def _unwrapped(tokens: Sequence[Token]) -> list[Token]:
    """The tokens without the paragraph around a summary: a browser would end the summary at it."""
    kept: list[Token] = []
    inside = False
    for place, token in enumerate(tokens):
        if token.type == "paragraph_open" and _is_summary(tokens[place + 1]):
            inside = True
        elif token.type == "paragraph_close" and inside:
            inside = False
        else:
            kept.append(token)
    return kept


def _is_summary(inline: Token) -> bool:
    children = inline.children or []
    return bool(children) and children[0].type == "jsx" and children[0].content.startswith("<summary")
