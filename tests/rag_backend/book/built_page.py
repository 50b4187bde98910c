"""The text of a page that Docusaurus built: a line for each paragraph, item, title, row or block of code."""

from html.parser import HTMLParser

INLINE = {"a", "b", "code", "del", "em", "i", "kbd", "s", "span", "strong", "sub", "sup", "u"}
WITHOUT_END = {"br", "hr", "img", "input"}
UNSEEN = {"button", "script", "style", "svg", "template", "header"}
DEFAULT_TITLES = {"note", "tip", "info", "warning", "danger"}

Element = tuple[str, list[str], dict[str, str | None]]


def lines(html: str) -> list[str]:
    """The lines of the document itself, without the page's title, which is in its `header`."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return [line for line in reader.lines if line not in DEFAULT_TITLES]


class _Reader(HTMLParser):
    """The element of class `markdown` is the document's. A tab's label is read above its panel."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self._open: list[Element] = []
        self._text = ""
        # None outside of a row.
        self._cells: list[str] | None = None
        self._labels: list[list[str]] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        of = dict(attributes)
        if tag in WITHOUT_END:
            self._end_line(tag == "br")
            return
        names = (of.get("class") or "").split()
        self._open.append((tag, names, of))
        if tag == "tr":
            self._flush()
            self._cells = []
        elif self._ends_line(tag):
            self._flush()
        if of.get("role") == "tablist":
            self._labels.append([])
        elif of.get("role") == "tabpanel":
            self.lines.append(self._labels[-1].pop(0))

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag in WITHOUT_END:
            self._end_line(tag == "br")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            assert self._cells is not None
            self._cells.append(" ".join(self._text.split()))
            self._text = ""
        elif tag == "tr":
            assert self._cells is not None
            self.lines.append("\t".join(self._cells))
            self._cells = None
        elif self._ends_line(tag):
            self._flush()
        self._open.pop()

    def handle_data(self, data: str) -> None:
        if any("markdown" in names for _, names, _ in self._open) and not any(map(_is_aid, self._open)):
            self._text += data

    def _is_within(self, name: str) -> bool:
        return any(tag == name for tag, _, _ in self._open)

    def _ends_line(self, tag: str) -> bool:
        # Lines of code are elements of their own.
        return tag not in INLINE and self._cells is None and (tag == "pre" or not self._is_within("pre"))

    def _end_line(self, is_break: bool) -> None:
        if is_break and self._is_within("pre"):
            self._text += "\n"
        elif is_break:
            self._flush()

    def _flush(self) -> None:
        text = self._text.strip("\n") if self._is_within("pre") else " ".join(self._text.split())
        self._text = ""
        if text.strip():
            is_label = any(of.get("role") == "tab" for _, _, of in self._open)
            (self._labels[-1] if is_label else self.lines).append(text)


def _is_aid(element: Element) -> bool:
    """Return True for an element that the theme adds for navigation, and for one that no reader sees."""
    tag, names, attributes = element
    return (
        tag in UNSEEN
        or bool({"hash-link", "sr-only"} & set(names))
        or bool({"data-footnote-ref", "data-footnote-backref"} & set(attributes))
    )
