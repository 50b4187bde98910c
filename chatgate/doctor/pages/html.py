"""A page's HTML, as far as the doctor needs it: what it loads, its policies, and the widget's element."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final
from urllib.parse import urljoin, urlsplit

MAX_ELEMENTS: Final = 20_000
"""Elements that are looked at; what a page has beyond them is passed over."""
TAG: Final = "chatgate-widget"
_PIECE: Final = 65_536
_SOURCES: Final = {
    "script": "src",
    "img": "src",
    "iframe": "src",
    "audio": "src",
    "video": "src",
    "source": "src",
    "embed": "src",
    "object": "data",
}
_LOADED: Final = frozenset(
    {"stylesheet", "icon", "preload", "modulepreload", "prefetch", "preconnect", "dns-prefetch", "manifest"}
)


@dataclass(frozen=True, slots=True)
class Loaded:
    """Something that the page loads by itself, with its absolute address; `kind` is the element's name, or
    the `rel` of a link."""

    kind: str
    url: str


@dataclass(slots=True)
class Document:
    """`policies` are those of meta elements. `element` has the attributes of the first widget."""

    loaded: list[Loaded] = field(default_factory=list)
    inline_scripts: list[str] = field(default_factory=list)
    policies: list[str] = field(default_factory=list)
    element: dict[str, str] | None = None

    def addresses(self, kind: str) -> list[str]:
        return [one.url for one in self.loaded if one.kind == kind]


def read(text: str, url: str) -> Document:
    """The document at `url`."""
    parser = _Parser(url)
    for at in range(0, len(text), _PIECE):
        parser.feed(text[at : at + _PIECE])
        if parser.elements > MAX_ELEMENTS:
            break
    return parser.found


class _Parser(HTMLParser):
    def __init__(self, url: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found = Document()
        self._base = url
        self.elements = 0
        self._script: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements += 1
        if self.elements > MAX_ELEMENTS:
            return
        attributes = {name: value or "" for name, value in attrs}
        if tag == "base" and attributes.get("href"):
            self._base = urljoin(self._base, attributes["href"])
        if tag == TAG and self.found.element is None:
            self.found.element = attributes
        if tag == "meta" and attributes.get("http-equiv", "").lower() == "content-security-policy":
            self.found.policies.append(attributes.get("content", ""))
        if tag == "script" and "src" not in attributes:
            self._script = []
        self.found.loaded += self._loads(tag, attributes)

    def handle_data(self, data: str) -> None:
        if self._script is not None:
            self._script.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "script" and self._script is not None:
            self.found.inline_scripts.append("".join(self._script))
            self._script = None

    def _loads(self, tag: str, attributes: dict[str, str]) -> Iterator[Loaded]:
        source = attributes.get(_SOURCES.get(tag, ""), "")
        if source:
            yield from self._at(tag, source)
        for rel in attributes.get("rel", "").lower().split() if tag == "link" else ():
            if rel in _LOADED:
                yield from self._at(rel, attributes.get("href", ""))

    def _at(self, kind: str, address: str) -> Iterator[Loaded]:
        try:
            url = urljoin(self._base, address.strip())
            is_remote = urlsplit(url).scheme in ("http", "https")
        except ValueError:
            return
        if is_remote:
            yield Loaded(kind, url)
