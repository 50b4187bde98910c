"""Where a Docusaurus site keeps its docs, and under which URL paths it serves them."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

CONFIG_NAMES: Final = ("docusaurus.config.js", "docusaurus.config.ts", "docusaurus.config.mjs")
DEFAULT_ROUTE: Final = "docs"
CURRENT: Final = "current"

# `//` within 'https://...' begins no comment.
_COMMENT = re.compile(r"(?<![:\w'\"])//[^\n]*|/\*.*?\*/", re.DOTALL)


class BookError(Exception):
    """The book cannot be read; the message names the file and what to change."""


@dataclass(frozen=True, slots=True)
class Version:
    """One version's folder. `path` is "" for the one that readers see first, its label in URLs else."""

    name: str
    folder: Path
    path: str


@dataclass(frozen=True, slots=True)
class Site:
    """`base_url` begins and ends with a slash; `route` is Docusaurus' routeBasePath without slashes."""

    base_url: str
    route: str
    trailing_slash: bool | None
    versions: tuple[Version, ...]

    def root(self, version: Version) -> str:
        return f"{self.base_url}{self.route}/{version.path}"


def find(folder: Path, base_url: str | None = None, route: str | None = None) -> Site:
    """The site of a folder: the site's own, which holds `docs/`, or a docs folder alone.

    What is not given is read from docusaurus.config.* where it stands there as a literal, else `/` and
    `docs`. Raises BookError.
    """
    if not folder.is_dir():
        raise BookError(f"{folder} is not a folder. Name a docs folder, or the site folder that holds docs/.")
    is_site = (folder / "docs").is_dir() or _config_file(folder) is not None
    site_folder = folder if is_site or _config_file(folder.parent) is None else folder.parent
    config = _config_file(site_folder)
    text = _COMMENT.sub("", _read(config)) if config else ""
    options = _docs_options(text)
    docs = folder / (_literal(options, "path") or "docs") if is_site else folder
    if not docs.is_dir():
        raise BookError(f"{docs} is not a folder. Name the docs folder itself.")
    chosen_route = route if route is not None else _literal(options, "routeBasePath")
    return Site(
        base_url=_slashed(base_url if base_url is not None else _literal(text, "baseUrl") or "/"),
        route=(DEFAULT_ROUTE if chosen_route is None else chosen_route).strip("/"),
        trailing_slash=_flag(text, "trailingSlash"),
        versions=_versions(docs, site_folder, _literal(options, "lastVersion")),
    )


def _versions(docs: Path, site_folder: Path, last: str | None) -> tuple[Version, ...]:
    names = _version_names(site_folder / "versions.json")
    last = last or (names[0] if names else CURRENT)
    folders = {name: site_folder / "versioned_docs" / f"version-{name}" for name in names}
    for name, folder in folders.items():
        if not folder.is_dir():
            raise BookError(
                f"versions.json names {name}, but {folder} is not there. Add it or remove the name."
            )
    paths = {CURRENT: "next", **{name: name for name in names}, last: ""}
    if last not in (CURRENT, *folders):
        raise BookError(f"lastVersion is {last}, which versions.json does not name.")
    folders = {CURRENT: docs, **folders}
    first_seen_first = sorted(folders, key=lambda name: name != last)
    return tuple(Version(name, folders[name], paths[name]) for name in first_seen_first)


def _version_names(path: Path) -> list[str]:
    if not path.is_file():
        return []
    try:
        names = json.loads(_read(path))
    except ValueError:
        raise BookError(f"{path} is not JSON. It is a list of version names, the newest first.") from None
    if not isinstance(names, list) or not all(
        isinstance(n, str) and re.fullmatch(r"[^/\\]+", n) for n in names
    ):
        raise BookError(f"{path} is not a list of version names.")
    return names


def _config_file(folder: Path) -> Path | None:
    return next((folder / name for name in CONFIG_NAMES if (folder / name).is_file()), None)


def _literal(source: str, name: str) -> str | None:
    """The string that `name: '...'` gives; None when the configuration computes it."""
    match = re.search(rf"""\b{name}["']?\s*:\s*(?:"([^"\n]*)"|'([^'\n]*)'|`([^`$\n]*)`)""", source)
    return next(group for group in match.groups() if group is not None) if match else None


def _flag(source: str, name: str) -> bool | None:
    match = re.search(rf"\b{name}\s*:\s*(true|false)\b", source)
    return match[1] == "true" if match else None


def _docs_options(source: str) -> str:
    """The part of the configuration that is about docs: `path` and `routeBasePath` are the blog's too."""
    opening = re.search(r"\bdocs\s*:\s*\{", source) or re.search(r"plugin-content-docs['\"]\s*,\s*\{", source)
    if opening is None:
        return ""
    depth = 1
    for position in range(opening.end(), len(source)):
        depth += {"{": 1, "}": -1}.get(source[position], 0)
        if depth == 0:
            return source[opening.end() : position]
    return source[opening.end() :]


def _slashed(path: str) -> str:
    inner = path.strip("/")
    return f"/{inner}/" if inner else "/"


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise BookError(f"{path} cannot be read as UTF-8. Save it as UTF-8 and allow reading it.") from None
