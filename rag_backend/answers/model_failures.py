"""The failures of a language model, and the parts of its provider's error that may be logged."""

import re
from collections.abc import Mapping
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

import orjson

MAX_ERROR_BODY: Final = 65_536
"""Bytes. A provider's error has a few hundred; a larger body, such as a page of HTML, holds no error
members."""
BUSY: Final = frozenset({429, 503, 529})
"""Too many requests; unavailable (a model that is being loaded); Anthropic's "overloaded"."""
DEFAULT_WAIT: Final = 10
MAX_WAIT: Final = 3600
"""Seconds of Retry-After: the default when a provider gives none, and the largest that is passed on."""

# A code is a name. Any other text may be the question, which providers quote in their messages.
_NAME = re.compile(r"[A-Za-z0-9_.\-\[\]]{1,64}")


class ModelFailed(Exception):
    """The model gave no whole answer; the message says why, and holds nothing of question or answer.

    `provider` has `status`, `code`, `type` and `param` as far as the provider gave them.
    """

    def __init__(self, reason: str, provider: Mapping[str, str | int] | None = None) -> None:
        super().__init__(reason)
        self.provider = dict(provider or {})


class ModelBusy(ModelFailed):
    """The provider takes no more questions for `retry_after` seconds."""

    def __init__(self, provider: Mapping[str, str | int], retry_after: int) -> None:
        super().__init__("it takes no more questions just now", provider)
        self.retry_after = retry_after


def refused(status: int, headers: Mapping[str, str], body: bytes) -> ModelFailed:
    """The failure for an answer that is no stream of chunks. `headers` must ignore the case of names."""
    provider: dict[str, str | int] = {"status": status, **named(body)}
    if status in BUSY:
        return ModelBusy(provider, _wait(headers))
    media_type = headers.get("Content-Type", "").partition(";")[0]
    return ModelFailed(f"it answered with {media_type or 'no type'} where a stream was asked for", provider)


def named(error: Any) -> dict[str, str]:
    """`code`, `type` and `param` of an error, parsed or still JSON; a value that is no name is left out."""
    if isinstance(error, bytes):
        try:
            error = orjson.loads(error)
        except orjson.JSONDecodeError:
            return {}
    if isinstance(error, list) and error:
        # Gemini's OpenAI-style endpoint answers with a list of one.
        error = error[0]
    members = error.get("error", error) if isinstance(error, dict) else None
    if not isinstance(members, dict):
        return {}
    # vLLM and Gemini give a number as the code.
    found = {name: str(members[name]) for name in ("code", "type", "param") if members.get(name) is not None}
    return {name: value for name, value in found.items() if _NAME.fullmatch(value)}


def _wait(headers: Mapping[str, str]) -> int:
    value = headers.get("Retry-After", "").strip()
    if value.isascii() and value.isdigit():
        seconds = int(value[:9])
    else:
        # RFC 9110 10.2.3 allows a date; the provider's own clock says how far away it is.
        try:
            until = parsedate_to_datetime(value) - parsedate_to_datetime(headers.get("Date", ""))
        except (ValueError, TypeError):
            return DEFAULT_WAIT
        seconds = -(-until // timedelta(seconds=1))
    return min(max(seconds, 1), MAX_WAIT)
