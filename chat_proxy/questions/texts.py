r"""The normalisation of a reader's text, by a rule that a browser can follow to the letter.

The widget counts and sends the normalised text, and the tests of both read tests/vectors/texts.json.

- A text with half of a surrogate pair is refused.
- In a selection, CRLF and CR become LF, NBSP (U+00A0) becomes a space, ZERO WIDTH SPACE (U+200B) and U+FEFF
  are dropped, and the rest is composed (NFC). A message stays as it was typed.
- Then BLANK is removed from both ends of either. In ECMAScript that is all of
  `/[\s\u001c-\u001f\u0085\u200b]/`: the characters that `trim` removes, and those that `trim` leaves there
  but Python's `strip`, and so a backend, removes. `trim` alone, or an expression for each end, will not do:
  remove one character after the other from either end while it is of that class.
- A selection is refused if it then has MAX_JOINED + 1 characters of JOINING in a row. In ECMAScript they
  match `/[\p{M}\u1160-\u11ff\ud7b0-\ud7fb]{31}/u`.

Lengths are then counted in Unicode code points. The rule is idempotent.
"""

import unicodedata
from collections.abc import Generator
from itertools import chain
from typing import Final

BLANK: Final = "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff" + "".join(
    map(chr, range(0x2000, 0x200C))
)
COMPOSED_FROM: Final = 4
"""The most code points that NFC composes into one, as an omega with breathing, accent and iota."""
MAX_JOINED: Final = 30
"""Marks in one run: UAX 15 (Stream-Safe Text Format) calls 30 enough for any language. A run has no place
where it can be cut, and the standard library sorts it by insertion: 65,000 take 9 s."""
MAX_SENT: Final = 65_536
"""Code points of a text as it was sent, before anything is removed."""
PIECE: Final = 1_000
"""Code points that are composed in one turn of the event loop. The costliest take 0.6 µs each (measured)."""

_WITH_MARKS: Final = (
    # Unicode 16 has no marks elsewhere, and a scan of all code points would take a third of a second.
    *(range(0x300, 0x3100), range(0xA600, 0xAC00), range(0xFB00, 0xFE30), range(0x10000, 0x12000)),
    *(range(0x13430, 0x13460), range(0x16000, 0x17000), range(0x1BC00, 0x1F000), range(0xE0100, 0xE01F0)),
)
_MARKS: Final = (one for one in map(chr, chain(*_WITH_MARKS)) if unicodedata.category(one).startswith("M"))
_HANGUL: Final = map(chr, (*range(0x1160, 0x1200), *range(0xD7B0, 0xD7FC)))
JOINING: Final = frozenset((*_MARKS, *_HANGUL))
"""Marks, and the vowels and finals of Hangul: NFC may move them, or join them to the character before
them."""

_TOO_MANY: Final = b"\x01" * (MAX_JOINED + 1)
_LONGEST_RUN: Final = COMPOSED_FROM * (MAX_JOINED + 2)
"""Code points: a longer run of JOINING has more than MAX_JOINED left, however NFC composes it."""


def message(text: str) -> str | None:
    """A message normalised; None for half of a surrogate pair or more than MAX_SENT code points."""
    return text.strip(BLANK) if len(text) <= MAX_SENT and _is_whole(text) else None


def selection(text: str, most: int, piece: int = PIECE) -> Generator[None, None, str | None]:
    """A selection normalised. Returns None for half of a surrogate pair and for too long a run of JOINING,
    and for a text that is not ASCII if more than `most` code points are left of it.

    Yields between pieces of `piece` code points, where the event loop may serve others: composing takes up
    to 0.3 µs a code point, and up to four may make one.
    """
    if len(text) > MAX_SENT or not _is_whole(text):
        return None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.isascii():
        return text.strip(BLANK)
    # NFC neither makes nor composes blanks, so they can be removed before it.
    text = text.replace("\xa0", " ").replace("\u200b", "").replace("\ufeff", "").strip(BLANK)
    if len(text) > COMPOSED_FROM * most:
        return None
    return (yield from _composed(text, most, piece))


def _is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _composed(text: str, most: int, size: int) -> Generator[None, None, str | None]:
    pieces: list[str] = []
    length = start = 0
    while start < len(text):
        yield
        end = _end_of_piece(text, start, size)
        if end is None:
            return None
        piece = unicodedata.normalize("NFC", text[start:end])
        length += len(piece)
        if length > most or _TOO_MANY in bytes(map(JOINING.__contains__, piece)):
            return None
        pieces.append(piece)
        start = end
    return "".join(pieces)


def _end_of_piece(text: str, start: int, size: int) -> int | None:
    """The end of a piece of `size` or a few more, before a character that joins none before it; None in a run
    longer than _LONGEST_RUN."""
    end = start + size
    if end + _LONGEST_RUN > len(text):
        return len(text)
    return next((at for at in range(end, end + _LONGEST_RUN) if text[at] not in JOINING), None)
