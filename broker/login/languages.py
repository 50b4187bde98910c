"""The languages of the broker's own pages, and the choice of one for a reader.

The page that opens the sign-in names its reader's languages in `ui_locales` (OpenID Connect Core 3.1.2.1).
Next come those of the browser (RFC 9110 12.5.4). If neither names one that is here, the page is English.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Final, Literal
from urllib.parse import unquote_plus

from starlette.datastructures import Headers
from starlette.types import Scope

UI_LOCALES: Final = re.compile(r"[A-Za-z0-9]{1,8}(?:[ -][A-Za-z0-9]{1,8}){0,23}")
"""Language tags (RFC 5646 2.1) separated by a space. Any other value counts as not sent: a request must not
fail because of its languages (OpenID Connect Core 3.1.2.1)."""
MAX_ACCEPTED: Final = 512
"""Characters of Accept-Language; a browser sends some fifty, and a longer field is ignored."""

_IN_QUERY: Final = re.compile(rb"(?:^|&)ui_locales=([A-Za-z0-9%+-]{1,256})(?:&|$)")
_RANGE: Final = re.compile(r"\s*([A-Za-z0-9-]{1,64})\s*(?:;\s*q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)\s*)?")
_TRADITIONAL: Final = frozenset({"hant", "tw", "hk", "mo"})
"""Scripts and regions of Chinese whose readers cannot use the simplified script."""


@dataclass(frozen=True, slots=True)
class Language:
    """`tag` and `direction` are for the HTML attributes `lang` and `dir`."""

    tag: str
    direction: Literal["ltr", "rtl"]
    texts: Mapping[str, str]


def _read(tag: str) -> Language:
    found = tomllib.loads(_FOLDER.joinpath(f"{tag}.toml").read_text(encoding="utf-8"))
    return Language(tag, found["direction"], found["texts"])


_FOLDER: Final = resources.files("broker.login").joinpath("texts")
TAGS: Final = ("en", "de", "es", "fr", "ar", "ur", "zh-Hans", "ja")
LANGUAGES: Final[Mapping[str, Language]] = {tag: _read(tag) for tag in TAGS}
ENGLISH: Final = LANGUAGES["en"]
_BY_PRIMARY: Final = {tag.partition("-")[0]: language for tag, language in LANGUAGES.items()}


def asked_for(scope: Scope) -> Language:
    """The language for a request's query and headers, even if the rest of the request is invalid."""
    found = _IN_QUERY.search(scope["query_string"])
    ui_locales = unquote_plus(found.group(1).decode()) if found else ""
    accepted = ",".join(Headers(scope=scope).getlist("accept-language"))
    return choose(ui_locales, accepted)


def choose(ui_locales: str, accept_language: str) -> Language:
    """The first supported language among those that the site names, then those that the browser accepts."""
    named = ui_locales.split(" ") if UI_LOCALES.fullmatch(ui_locales) else []
    for tag in (*named, *_accepted(accept_language)):
        language = _lookup(tag)
        if language is not None:
            return language
    return ENGLISH


def _accepted(header: str) -> Iterator[str]:
    """The ranges of Accept-Language, the preferred first."""
    weighted = []
    for part in header.split(",") if len(header) <= MAX_ACCEPTED else []:
        found = _RANGE.fullmatch(part)
        if found is not None:
            weighted.append((float(found.group(2) or 1), found.group(1)))
    # Sorting is stable, so languages of equal weight stay in their order.
    return (tag for weight, tag in sorted(weighted, key=lambda one: -one[0]) if weight > 0)


def _lookup(tag: str) -> Language | None:
    primary, *others = tag.lower().split("-")
    if primary == "zh" and _TRADITIONAL & set(others) and "hans" not in others:
        return None
    return _BY_PRIMARY.get(primary)
