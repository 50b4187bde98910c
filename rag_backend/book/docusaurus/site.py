"""The docs folders of a Docusaurus site, and the URL paths under which it serves them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from rag_backend.book.docusaurus import asking, versions
from rag_backend.book.docusaurus.config import Docs, Settings, config_file, read
from rag_backend.book.docusaurus.versions import BookError, Version, slashed
from rag_backend.book.mdx import Dialect

__all__ = ["BookError", "Site", "Version", "find"]

MAX_UP: Final = 3
"""Folders above a docs folder in which, and beside which, its site's configuration is looked for."""


@dataclass(frozen=True, slots=True)
class Site:
    """`base_url` begins and ends with a slash. `@site` in an import names `folder`; imports may name files
    below `root`.

    `assumed` tells each value that the configuration lacks, and the one that was assumed. `asks` has the
    options by which the owner can give unknown values; the first page's address depends on them.
    """

    folder: Path
    root: Path
    base_url: str
    settings: Settings
    versions: tuple[Version, ...]
    config: Path | None = None
    assumed: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    permalinks: Mapping[Path, str] = field(default_factory=dict)
    """Where Docusaurus was asked: the URL path of each document of the default locale by its file."""

    @property
    def trailing_slash(self) -> bool | None:
        return self.settings.trailing_slash

    def dialect(self, file: str, own_format: str | None) -> Dialect:
        """The dialect of a file; `own_format` is the format in its front matter."""
        said = own_format or self.settings.markdown_format
        is_markdown = said == "md" or (said == "detect" and file.endswith(".md"))
        return Dialect(is_mdx=not is_markdown, has_math=self.settings.has_math)

    def watched(self) -> Iterator[Path]:
        """The folders and files on which a reading depends, beside imported files."""
        yield from sorted({folder for version in self.versions for folder in version.folders})
        yield from sorted(self.folder.glob("*versions.json"))
        if self.config is not None:
            yield self.config


def find(folder: Path, base_url: str | None = None, route: str | None = None) -> Site:
    """The site of a folder, which is the site's own, or a docs folder of one or of none.

    `base_url` and `route` (of the first docs plugin) come before the configuration. Raises BookError.
    """
    if not folder.is_dir():
        raise BookError(f"{folder} is not a folder. Name a docs folder, or the site folder that holds docs/.")
    site_folder = _site_folder(folder)
    config = config_file(site_folder) if site_folder else None
    settings = _settings(config) if config else Settings()
    if site_folder is None:
        site_folder = folder
    instances = _instances(settings, site_folder, folder, config)
    if route is not None:
        instances = [(replace(instances[0][0], route=route.strip("/")), instances[0][1]), *instances[1:]]
    assumed, asks = _assumed(config, settings, base_url, route)
    absent = [docs.path for docs in settings.docs if config and not (site_folder / docs.path).is_dir()]
    assumed += tuple(f"The docs folder {path} is not there, and left out." for path in absent)
    base = slashed(base_url if base_url is not None else settings.base_url or "/")
    found = [
        version
        for docs, docs_folder in instances
        for version in versions.of(docs, site_folder, docs_folder, settings, base)
    ]
    first_seen = sorted(found, key=lambda version: (bool(version.label), version.only_translated))
    root = _repository(site_folder)
    return Site(site_folder, root, base, settings, tuple(first_seen), config, assumed, asks)


def as_loaded(found: Site) -> Site:
    """The site with the addresses that its own Docusaurus gives, where that can be asked and answers."""
    if found.config is None or not asking.can_be_asked(found.folder):
        return found
    loaded = asking.ask(found.folder)
    if loaded is None:
        said = "Docusaurus could not load the site; its configuration was read without it."
        return replace(found, assumed=(*found.assumed, said))
    return replace(
        found, base_url=slashed(loaded.base_url), permalinks=loaded.permalinks, assumed=(), asks=()
    )


def _site_folder(folder: Path) -> Path | None:
    """The folder that has a folder's configuration: the folder itself, or one near it whose docs it holds."""
    if config_file(folder) is not None or (folder / "docs").is_dir():
        return folder
    at = folder.resolve()
    root = _repository(at)
    for above in at.parents[: 1 if root == at else MAX_UP]:
        for candidate in (above, *_folders(above)):
            config = config_file(candidate)
            if config is not None and at in _docs_folders(config):
                return candidate
        if above == root:
            break
    # A docs folder of another name beside the configuration, as under a computed `path`.
    return at.parent if config_file(at.parent) is not None else None


def _folders(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir())
    except OSError:
        return []


def _docs_folders(config: Path) -> set[Path]:
    return {(config.parent / docs.path).resolve() for docs in _settings(config).docs}


def _settings(config: Path) -> Settings:
    try:
        return read(config, _repository(config.parent))
    except (OSError, UnicodeDecodeError):
        raise BookError(f"{config} cannot be read as UTF-8. Save it as UTF-8 and allow reading it.") from None


def _instances(
    settings: Settings, site_folder: Path, folder: Path, config: Path | None
) -> list[tuple[Docs, Path]]:
    """Each docs plugin with its folder. When `folder` is a docs folder, it alone is read."""
    if config is None:
        return [(settings.docs[0], folder / "docs" if (folder / "docs").is_dir() else folder)]
    found = [(docs, (site_folder / docs.path).resolve()) for docs in settings.docs]
    if folder.resolve() != site_folder.resolve():
        named = [(docs, path) for docs, path in found if path == folder.resolve()]
        found = named or [(settings.docs[0], folder)]
    there = [(docs, path) for docs, path in found if path.is_dir()]
    if not there:
        raise BookError(f"{found[0][1]} is not a folder. Name the docs folder itself.")
    return there


def _assumed(
    config: Path | None, settings: Settings, base_url: str | None, route: str | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    assumed = list(settings.assumed)
    asks: list[str] = []
    if config is None:
        if base_url is None:
            assumed.append("There is no docusaurus.config file; the baseUrl / is assumed (--base-url).")
        if route is None:
            assumed.append("There is no docusaurus.config file; the path docs is assumed (--route).")
    elif settings.base_url is None and base_url is None:
        assumed.append(f"{config.name} does not give the baseUrl; / is assumed (--base-url).")
        asks += ["--base-url"] * settings.computes_base_url
    return tuple(assumed), tuple(asks)


def _repository(folder: Path) -> Path:
    """The folder that bounds a site's imports: its repository, or itself."""
    at = folder.resolve()
    return next((above for above in (at, *at.parents) if (above / ".git").exists()), at)
