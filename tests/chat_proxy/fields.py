"""Header fields of answers, taken apart."""

from typing import Any

from http_sfv.list import List


def parsed(text: str) -> dict[str, dict[str, Any]]:
    found = List()
    found.parse(text.encode())
    return {one.value: dict(one.params) for one in found}
