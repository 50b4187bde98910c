"""The files of a version that are its documents, by the patterns of its plugin as Docusaurus' globby reads
them."""

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from wcmatch import glob

from rag_backend.book.docusaurus.versions import Version

SUFFIXES: Final = (".md", ".mdx")
NO_DOCS: Final = frozenset({"node_modules", ".git", ".docusaurus"})
_GLOB: Final = glob.GLOBSTAR | glob.BRACE | glob.EXTGLOB
_GLOB_IGNORED: Final = _GLOB | glob.DOTGLOB
# micromatch reads a group without a mark before it as one of which any alternative matches.
_GROUP = re.compile(r"(?<![!?*+@\\])\(([^()]*)\)")


def of(version: Version) -> Iterator[str]:
    """The paths of a version's documents below its folder."""
    include = [_expanded(_pattern(one), version.folder) for one in version.docs.include]
    exclude = [_pattern(one) for one in version.docs.exclude]
    for parent, folders, names in os.walk(version.folder):
        below = Path(parent).relative_to(version.folder)
        # fast-glob does not look into folders that begin with a dot unless a pattern says so, nor into those
        # that it is to ignore.
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".")
            and name not in NO_DOCS
            and not glob.globmatch((below / name).as_posix(), exclude, flags=_GLOB_IGNORED)
        )
        for name in sorted(names):
            source = (below / name).as_posix()
            if (
                name.endswith(SUFFIXES)
                and glob.globmatch(source, include, flags=_GLOB | glob.NEGATE)
                and not glob.globmatch(source, exclude, flags=_GLOB_IGNORED)
                and not (version.only_translated and not _is_translated(version, source))
            ):
                yield source


def _pattern(written: str) -> str:
    mark, rest = ("!", written[1:]) if written.startswith("!") and written[1:2] != "(" else ("", written)
    return mark + _GROUP.sub(r"@(\1)", rest.removeprefix("./"))


def _expanded(pattern: str, folder: Path) -> str:
    """A pattern, or all below the folder that it names."""
    is_folder = pattern.strip("/") != "" and (folder / pattern).is_dir()
    return f"{pattern.rstrip('/')}/**" if is_folder else pattern


def _is_translated(version: Version, source: str) -> bool:
    return version.translated is not None and (version.translated / source).is_file()
