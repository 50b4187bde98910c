"""The tokens that an answer took: as the model's provider tells them, or else counted as the proxy counts."""

import math
from typing import Any, Final

from rag_backend.answers.parts import Used

BYTES_PER_TOKEN: Final = 3
"""Bytes of UTF-8 that count as one token where the model does not tell
(docs/decisions/0022-dialects-and-budgets.md)."""
MAX_TOKENS: Final = 100_000_000
"""Tokens of one answer that a provider may claim; a larger number is no count."""


def counted(size_in: int, size_out: int) -> Used:
    """The tokens of so many bytes read and written."""
    return Used(math.ceil(size_in / BYTES_PER_TOKEN), math.ceil(size_out / BYTES_PER_TOKEN))


def told(chunk: dict[str, Any]) -> Used | None:
    """The tokens in the `usage` of a provider's chunk, None where it has none that can be read."""
    usage = chunk.get("usage")
    if not isinstance(usage, dict):
        return None
    counts = usage.get("prompt_tokens"), usage.get("completion_tokens")
    tokens = [one for one in counts if type(one) is int and 0 <= one <= MAX_TOKENS]
    return Used(*tokens) if len(tokens) == len(counts) else None
