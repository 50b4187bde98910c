"""The match of a pattern that has to be in a text."""

import re
from typing import AnyStr


def find(pattern: AnyStr, text: AnyStr, flags: int = 0) -> re.Match[AnyStr]:
    found = re.search(pattern, text, flags)
    assert found is not None, f"{pattern!r} is not in {text[:1000]!r}"
    return found
