"""A document's URL path from its file name and front matter, by the rules of Docusaurus 3."""

import posixpath
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

# Dates and versions such as 2021-11-foo and 7.0-foo are names, not positions.
_NOT_A_PREFIX = re.compile(r"^[0-9]+[-_.][0-9]+")
_NUMBER_PREFIX = re.compile(r"^([0-9]+)\s*[-_.]+\s*([^-_.\s].*)$")
_INDEX_NAMES: Final = frozenset({"index", "readme"})
_PATH_CHARACTERS: Final = "/-_.!~*'();:@&=+$,"


@dataclass(frozen=True, slots=True)
class DocName:
    """`folder` is the path below the docs folder ("" at its top), `stem` the name without suffix."""

    folder: str
    stem: str
    doc_id: str | None = None
    slug: str | None = None
    strip_prefixes: bool = True


def strip_number_prefix(name: str) -> tuple[str, int | None]:
    """`01-intro` as ("intro", 1), any other name as itself and None."""
    if _NOT_A_PREFIX.match(name):
        return name, None
    match = _NUMBER_PREFIX.match(name)
    return (match[2], int(match[1])) if match else (name, None)


def doc_slug(name: DocName) -> str:
    """The path below the version's root, with a leading slash; a folder's index ends with one."""
    parts = name.folder.split("/") if name.folder else []
    kept = [strip_number_prefix(part)[0] if name.strip_prefixes else part for part in parts]
    folder = "/" + "".join(f"{part}/" for part in kept)
    if name.slug:
        return _resolve(folder, name.slug)
    if is_index(name):
        return folder
    stem = strip_number_prefix(name.stem)[0] if name.strip_prefixes else name.stem
    return folder + (name.doc_id or stem)


def is_index(name: DocName) -> bool:
    """Return True if the file is its folder's index: named index, README, or like the folder."""
    own_name = name.folder.rsplit("/", 1)[-1].lower()
    return name.stem.lower() in _INDEX_NAMES or (bool(own_name) and name.stem.lower() == own_name)


def permalink(root: str, slug: str, base_url: str, trailing_slash: bool | None) -> str:
    """The URL path of a document: percent-encoded, rooted, with no doubled slash.

    `trailing_slash` is Docusaurus' option: None leaves the path as its file gave it, and the site's own
    root keeps its slash in any case.
    """
    path = re.sub("/{2,}", "/", f"/{root}/{slug}")
    if trailing_slash is not None and path != base_url:
        path = path.rstrip("/") + "/" * trailing_slash
    return quote(path, safe=_PATH_CHARACTERS + "%")


def _resolve(folder: str, slug: str) -> str:
    resolved = posixpath.normpath(posixpath.join(folder, slug))
    ends_open = slug.endswith(("/", "/.", "/..")) or slug in (".", "..")
    return "/" + resolved.strip("/") + ("/" if ends_open and resolved.strip("/") else "")
