"""One thing that is wrong: its code, what is wrong here, why it matters, and the line to change."""

from dataclasses import dataclass
from typing import Final

from chatgate.doctor.catalogue import CATALOGUE, Severity
from chatgate.stack.log_lines import harmless

MAX_TEXT: Final = 1000
"""Characters of a text that may quote what a stranger's server said."""


@dataclass(frozen=True, slots=True)
class Finding:
    """`what` is about this site, `why` is the catalogue's, `mend` names the line to change."""

    code: str
    severity: Severity
    what: str
    why: str
    mend: str


def found(code: str, what: str, mend: str) -> Finding:
    """The finding of a code of the catalogue. Texts are cleaned, as they may quote another's server."""
    kind = CATALOGUE[code]
    return Finding(code, kind.severity, _clean(what), kind.why, _clean(mend))


def _clean(text: str) -> str:
    return harmless(text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]} ...")
