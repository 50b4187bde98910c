"""The versions of a docs plugin, their folders and paths, by the rules of Docusaurus 3."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rag_backend.book.docusaurus.config import DEFAULT_ID, Docs, Locale, Settings

CURRENT: Final = "current"


class BookError(Exception):
    """The book cannot be read; the message names the file and what to change."""


@dataclass(frozen=True, slots=True)
class Version:
    """One version of one docs plugin in one locale.

    `root` is its URL path, `label` "" for the one that readers see first. Pages are the files of `folder`; a
    file of the same name in `translated` takes its place. With `only_translated` only the files of
    `translated` are pages.
    """

    name: str
    folder: Path
    root: str
    label: str
    docs: Docs
    base_url: str
    locale: str
    translated: Path | None = None
    only_translated: bool = False

    @property
    def folders(self) -> tuple[Path, ...]:
        """The places where a file is looked for, in their order."""
        return (self.folder,) if self.translated is None else (self.translated, self.folder)


def of(docs: Docs, site_folder: Path, folder: Path, settings: Settings, base_url: str) -> Iterator[Version]:
    """The versions of a docs plugin whose current version is in `folder`. Raises BookError."""
    names = included(docs, site_folder)
    last = docs.last_version or next((name for name in names if name != CURRENT), CURRENT)
    if last not in names:
        raise BookError(f"lastVersion is {last}, which is no version of the docs that are included.")
    for number, locale in enumerate(settings.locales):
        of_locale = base_url_of(locale, base_url, is_default=number == 0)
        for name in sorted(names, key=lambda name: name != last):
            yield _version(docs, site_folder, folder, name, last, locale, of_locale, is_default=number == 0)


def included(docs: Docs, site_folder: Path) -> list[str]:
    """The names of the versions that the site has, in the order of Docusaurus: the current one first.

    Raises BookError.
    """
    names = _names(docs, site_folder)
    if docs.only_include is None:
        return names
    missing = [name for name in docs.only_include if name not in names]
    if missing:
        raise BookError(f"onlyIncludeVersions names {missing[0]}, which is no version of the docs.")
    return [name for name in names if name in docs.only_include]


def _version(
    docs: Docs,
    site_folder: Path,
    folder: Path,
    name: str,
    last: str,
    locale: Locale,
    base_url: str,
    *,
    is_default: bool,
) -> Version:
    options = docs.versions.get(name)
    label = "" if name == last else label_of(name)
    path = label if options is None or options.path is None else options.path
    prefix = "" if docs.plugin_id == DEFAULT_ID else f"{docs.plugin_id}_"
    if name != CURRENT:
        folder = site_folder / f"{prefix}versioned_docs" / f"version-{name}"
        if not folder.is_dir():
            raise BookError(
                f"{prefix}versions.json names {name}, but {folder} is not there. Add it or remove the name."
            )
    return Version(
        name=name,
        folder=folder,
        root=re.sub("/{2,}", "/", f"{base_url}{docs.route}/{path}"),
        label=label,
        docs=docs,
        base_url=base_url,
        locale=locale.name,
        translated=translated(site_folder, locale, docs, name),
        only_translated=not is_default,
    )


def label_of(name: str) -> str:
    """The label of a version that readers do not see first, which is its path too where none is said."""
    return "next" if name == CURRENT else name


def translated(site_folder: Path, locale: Locale, docs: Docs, name: str) -> Path | None:
    """The folder of a version's pages in a locale, if there is one."""
    plugin = "docusaurus-plugin-content-docs" + ("" if docs.plugin_id == DEFAULT_ID else f"-{docs.plugin_id}")
    if not locale.folder:
        return None
    folder = site_folder / locale.folder / plugin / (name if name == CURRENT else f"version-{name}")
    return folder if folder.is_dir() else None


def base_url_of(locale: Locale, base_url: str, *, is_default: bool) -> str:
    if locale.base_url is not None:
        return slashed(locale.base_url)
    return base_url if is_default else f"{base_url}{locale.name}/"


def slashed(path: str) -> str:
    inner = path.strip("/")
    return f"/{inner}/" if inner else "/"


def _names(docs: Docs, site_folder: Path) -> list[str]:
    prefix = "" if docs.plugin_id == DEFAULT_ID else f"{docs.plugin_id}_"
    versioned = [] if docs.disable_versioning else _listed(site_folder / f"{prefix}versions.json")
    # The list may name the current version too, and then it has that place.
    is_first = docs.include_current and CURRENT not in versioned
    names = [CURRENT, *versioned] if is_first else versioned
    if not names:
        raise BookError(
            "includeCurrentVersion is false, and versions.json names no version. Nothing is left."
        )
    return names


def _listed(path: Path) -> list[str]:
    if not path.is_file():
        return []
    try:
        names = json.loads(path.read_text("utf-8"))
    except OSError:
        raise BookError(f"{path} cannot be read. Allow reading it.") from None
    except ValueError:
        raise BookError(f"{path} is not JSON. It is a list of version names, the newest first.") from None
    if not isinstance(names, list) or not all(
        isinstance(n, str) and re.fullmatch(r"[^/\\]+", n) and n not in (".", "..") for n in names
    ):
        raise BookError(f"{path} is not a list of version names.")
    return names
