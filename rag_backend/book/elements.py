"""The elements around a text in a document: the titles that they show, and the texts that they hide."""

import re
from typing import Final

from rag_backend.book import jsx
from rag_backend.book.jsx import Tag

LINES: Final = frozenset(
    {
        "br",
        "summary",
        "li",
        "dt",
        "dd",
        "td",
        "th",
        "tr",
        "thead",
        "tbody",
        "tfoot",
        "p",
        "pre",
        "div",
        "section",
        "figcaption",
    }
    | {"ul", "ol", "dl", "table", "TabItem", "Admonition", "CodeBlock"}
)
"""Elements whose text begins a line of its own."""
UNSEEN: Final = frozenset({"script", "style", "template"})
MAX_OPEN: Final = 200
"""Elements nested in each other; deeper ones are read as if they stood beside the innermost."""

# The members in `values={[{label: 'Windows', value: 'win'}]}` of Tabs, in either order and with any quote.
_MEMBER = re.compile(r"""\b(label|value)["']?\s*:\s*(?:'([^'\n]*)'|"([^"\n]*)"|`([^`$]*)`)""")
_VALUES = re.compile(r"\bvalues\s*=\s*\{")
_OBJECT = re.compile(r"\{[^{}]*\}")


class Elements:
    """The elements that are open; the caller passes every tag in order."""

    def __init__(self) -> None:
        self._open: list[Tag] = []
        self._labels: list[dict[str, str]] = []
        self._titles: list[str] = []

    @property
    def hides(self) -> bool:
        """True if the page does not show text at this place."""
        return any(tag.name in UNSEEN for tag in self._open)

    @property
    def are_code(self) -> bool:
        return bool(self._open) and self._open[-1].name == "CodeBlock"

    @property
    def code_title(self) -> str:
        return self._open[-1].attributes.get("title", "") if self.are_code else ""

    def pass_tag(self, source: str) -> Tag | None:
        tag = jsx.read(source)
        if tag is None:
            return None
        if tag.closes:
            self._close(tag.name)
        else:
            self._enter(tag, source)
        return tag

    def titles(self) -> list[str]:
        """The titles of the tags passed since the last call, which the page shows before their text."""
        titles, self._titles = self._titles, []
        return titles

    def _enter(self, tag: Tag, source: str) -> None:
        if tag.name == "Tabs":
            self._labels.append(_labels(source))
        title = self._title(tag)
        if title:
            self._titles.append(title)
        if not tag.is_empty and len(self._open) < MAX_OPEN:
            self._open.append(tag)

    def _title(self, tag: Tag) -> str:
        attributes = tag.attributes
        if tag.name == "Admonition":
            return attributes.get("title", "").strip()
        if tag.name != "TabItem":
            return ""
        value = attributes.get("value", "")
        labels = self._labels[-1] if self._labels else {}
        return (attributes.get("label") or labels.get(value) or value).strip()

    def _close(self, name: str) -> None:
        if name == "Tabs" and self._labels:
            self._labels.pop()
        # HTML's own elements may be left open, such as <br> and <img>.
        for place in range(len(self._open) - 1, -1, -1):
            if self._open[place].name == name:
                del self._open[place:]
                return


def _labels(source: str) -> dict[str, str]:
    """The labels that Tabs give to the values of their items."""
    values = _VALUES.search(source)
    labels: dict[str, str] = {}
    for found in _OBJECT.finditer(source, values.end()) if values else ():
        members = {match[1]: match[2] or match[3] or match[4] or "" for match in _MEMBER.finditer(found[0])}
        if "value" in members and "label" in members:
            labels[members["value"]] = members["label"]
    return labels
