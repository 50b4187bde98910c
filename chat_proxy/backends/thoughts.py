"""A model's thoughts between `<think>` and `</think>`, taken out of its answer as it streams.

As rag_backend/answers/thoughts.py: the reference backend imports nothing of the services, nor they of it.
"""

import re
from typing import Final

_BLANK = re.compile(r"\s*")
_OPENING = re.compile(r"<think(?:ing)?>", re.IGNORECASE)
_CLOSING = re.compile(r"</think(?:ing)?>\s*", re.IGNORECASE)
_FENCES: Final = ("```", "~~~")
_MARKERS: Final = ("<think>", "<thinking>", *_FENCES)
_LONGEST: Final = len("</thinking>")


class Thoughts:
    """`feed` returns the text without thoughts. A thought begins a line; in a code fence the tag is code.

    A thought that is never closed goes on to the end.
    """

    def __init__(self) -> None:
        self._held = ""
        # The part of `_held` that is read: cutting it at each line would take time quadratic in its length.
        self._at = 0
        self._is_thinking = False
        self._follows_thought = False
        self._is_in_line = False
        self._is_in_code = False

    def feed(self, text: str) -> str:
        self._held += text
        return self._read(is_end=False)

    def rest(self) -> str:
        """The text that was held back, to be called at the end of the answer."""
        return self._read(is_end=True)

    def _read(self, *, is_end: bool) -> str:
        said: list[str] = []
        while self._at < len(self._held) and self._step(said, is_end):
            pass
        self._held, self._at = self._held[self._at :], 0
        return "".join(said)

    def _step(self, said: list[str], is_end: bool) -> bool:
        """Read on; False when more text has to come first."""
        if self._is_thinking:
            return self._skip_thought()
        if self._is_in_line:
            self._say_line(said, self._at)
            return True
        start = self._start_of_line()
        opening = None if self._is_in_code else _OPENING.match(self._held, start)
        if opening is not None:
            if not self._follows_thought:
                said.append(self._held[self._at : start])
            self._at = opening.end()
            self._is_thinking = True
            return True
        if not is_end and _may_become_marker(self._held[start : start + _LONGEST]):
            return False
        self._is_in_code ^= self._held.startswith(_FENCES, start)
        if self._follows_thought:
            # The blank lines after a thought do not belong to the answer.
            self._at, self._follows_thought = start, False
        self._say_line(said, start)
        return True

    def _start_of_line(self) -> int:
        blank = _BLANK.match(self._held, self._at)
        return blank.end() if blank else self._at

    def _skip_thought(self) -> bool:
        closing = _CLOSING.search(self._held, self._at)
        if closing is None:
            self._at = max(self._at, len(self._held) - _LONGEST)
            return False
        self._at = closing.end()
        self._is_thinking, self._follows_thought = False, True
        return True

    def _say_line(self, said: list[str], start: int) -> None:
        end = self._held.find("\n", start) + 1
        self._is_in_line = not end
        end = end or len(self._held)
        said.append(self._held[self._at : end])
        self._at = end


def _may_become_marker(start: str) -> bool:
    return any(marker.startswith(start.lower()) for marker in _MARKERS)
