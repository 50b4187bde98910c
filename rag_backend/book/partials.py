"""Partials: the content of an imported document replaces the element that shows it, as in Docusaurus."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from markdown_it.token import Token

from rag_backend.book import jsx
from rag_backend.book.docusaurus.site import BookError
from rag_backend.book.jsx import Tag

MAX_DEPTH: Final = 5
MAX_SHOWN: Final = 200
"""Partials in one page, with those in partials: a book has a handful."""

_IMPORT = re.compile(
    r"""\bimport\s+(?:(?P<name>[A-Za-z_$][\w$]*)|\{\s*default\s+as\s+(?P<alias>[A-Za-z_$][\w$]*)[^}]*\})"""
    r"""\s*(?:,\s*(?:\{[^}]*\}|\*\s*as\s+[\w$]+)\s*)?from\s+['"](?P<source>[^'"\n]+\.mdx?)['"]"""
)
_PROPERTY = re.compile(r"""\s*props(?:\.(?P<dotted>[\w$]+)|\[(['"])(?P<quoted>[^'"]+)\2\])\s*""")
_SITE: Final = "@site/"
# Formatters of Markdown write `\_`, which in a string of JavaScript is an underscore.
_ESCAPE = re.compile(r"\\(.)")

Parse = Callable[[Path], list[Token]]


class Partials:
    """The partials of one page of the site in `folder`, whose files lie below one of `roots`.

    `parse` gives a document's tokens, without its front matter. `warn` is called for each part that the page
    shows and that cannot be read. `files` are those that were read, and those that were missing.
    """

    def __init__(
        self, folder: Path, roots: Sequence[Path], parse: Parse, warn: Callable[[str], None]
    ) -> None:
        self._folder = folder.resolve()
        self._roots = [root.resolve() for root in roots]
        self._parse = parse
        self._warn = warn
        self._left = MAX_SHOWN
        self.files: dict[Path, None] = {}

    def shown(self, tokens: Sequence[Token], file: Path, depth: int = 0) -> list[Token]:
        """The tokens of `file` with those of its partials. Raises what `parse` raises."""
        sources = dict(_imports(tokens))
        if not sources:
            return list(tokens)
        shown: list[Token] = []
        for token in tokens:
            named = [tag for tag in _elements(token) if tag.name in sources]
            if token.type != "jsx" or not named:
                shown.append(token)
            for tag in named:
                shown.extend(self._read(sources[tag.name], tag, file, depth))
        return shown

    def _read(self, source: str, tag: Tag, file: Path, depth: int) -> list[Token]:
        partial = self._found(source, file)
        if partial is None:
            self._warn(f"the imported {source} is not read. It is no file of this site.")
            return []
        if depth >= MAX_DEPTH or not self._left:
            self._warn(
                f"the imported {source} is not read. It is the {MAX_DEPTH}th within another, or one too many."
            )
            return []
        self._left -= 1
        try:
            return self.shown(_given(self._parse(partial), tag), partial, depth + 1)
        except BookError as error:
            self._warn(f"the imported {source} is not read. {error}")
            return []

    def _found(self, source: str, file: Path) -> Path | None:
        """The file that an import names. None for a file outside the site or in a package."""
        if source.startswith(_SITE):
            path = self._folder / source.removeprefix(_SITE)
        elif source.startswith(("./", "../")):
            path = file.parent / source
        else:
            return None
        path = path.resolve()
        if not any(map(path.is_relative_to, self._roots)):
            return None
        self.files[path] = None
        return path if path.is_file() else None


def _imports(tokens: Sequence[Token]) -> Iterator[tuple[str, str]]:
    for token in tokens:
        if token.type == "esm":
            for match in _IMPORT.finditer(token.content):
                yield match["name"] or match["alias"], _ESCAPE.sub(r"\1", match["source"])


def _given(tokens: list[Token], tag: Tag) -> list[Token]:
    """The tokens of a document with the texts that its element gives it."""
    for token in tokens:
        for part in (token, *(token.children or ())):
            match = _PROPERTY.fullmatch(part.content) if part.type == "expression" else None
            if match is not None:
                text = tag.attributes.get(match["dotted"] or match["quoted"], "")
                part.content = json.dumps(text, ensure_ascii=False)
    return tokens


def _elements(token: Token) -> Iterator[Tag]:
    """The elements that a token opens, or those within a paragraph."""
    for part in (token, *(token.children or ())):
        tag = jsx.read(part.content) if part.type == "jsx" else None
        if tag is not None and not tag.closes:
            yield tag
