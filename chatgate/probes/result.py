"""The result of asking a service that the configuration names."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Found:
    """`note` says what is wrong, or adds a remark when nothing is."""

    is_well: bool
    note: str = ""


WELL: Final = Found(True)
