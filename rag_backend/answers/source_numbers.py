"""The numbers in brackets by which a model names its sources, taken out of its answer as it streams."""

import re
from typing import Final

_MARK = re.compile(r"[ \t]*\[(\d{1,2}(?:\s*,\s*\d{1,2})*)\](?!\()")
# Text that may become a mark when more comes; a parenthesis after a mark may make it a link.
_UNDECIDED = re.compile(r"[ \t]*(?:\[[\d\s,]{0,20}\]?)?\Z")
_FENCE: Final = "```"


class SourceNumbers:
    """`feed` returns the text without marks; `numbers` has the numbers that were seen, in their order.

    Brackets in code fences are code and stay.
    """

    def __init__(self) -> None:
        self._held = ""
        self._in_code = False
        self._numbers: dict[int, None] = {}

    @property
    def numbers(self) -> list[int]:
        return list(self._numbers)

    def feed(self, text: str) -> str:
        self._held += text
        ticks = len(self._held) - len(self._held.rstrip("`"))
        undecided = _UNDECIDED.search(self._held)
        end = len(self._held) - ticks if ticks else (undecided.start() if undecided else len(self._held))
        ready, self._held = self._held[:end], self._held[end:]
        return self._cleaned(ready)

    def rest(self) -> str:
        """The text that was held back, to be called at the end of the answer."""
        held, self._held = self._held, ""
        return self._cleaned(held)

    def _cleaned(self, text: str) -> str:
        parts = text.split(_FENCE)
        for place, part in enumerate(parts):
            if place:
                self._in_code = not self._in_code
            if not self._in_code:
                parts[place] = _MARK.sub(self._note, part)
        return _FENCE.join(parts)

    def _note(self, match: re.Match[str]) -> str:
        for number in match[1].split(","):
            self._numbers.setdefault(int(number))
        return ""
