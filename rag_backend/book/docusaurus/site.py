"""The docs folders of a Docusaurus site, and the URL paths under which it serves them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from rag_backend.book.docusaurus import asking, versions
from rag_backend.book.docusaurus.asking import Loaded
from rag_backend.book.docusaurus.config import Docs, Settings, config_file, read
from rag_backend.book.docusaurus.versions import BookError, Version, slashed
from rag_backend.book.mdx import Dialect

__all__ = ["BookError", "Site", "Version", "can_be_asked", "find"]

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
        settings = self.settings
        return Dialect(not is_markdown, settings.has_math, settings.keeps_case, settings.has_emoji)

    def watched(self) -> Iterator[Path]:
        """The folders and files on which a reading depends, beside imported files."""
        yield from sorted({folder for version in self.versions for folder in version.folders})
        yield from sorted(self.folder.glob("*versions.json"))
        yield from sorted(self.settings.files)


def find(
    folder: Path, base_url: str | None = None, route: str | None = None, *, asks_docusaurus: bool = False
) -> Site:
    """The site of a folder, which is the site's own, or a docs folder of one or of none.

    `base_url` and `route` (of the first docs plugin) come before the configuration. With `asks_docusaurus`
    the site's own Docusaurus says everything, where it is there and none of the two is given. Raises
    BookError.
    """
    if not folder.is_dir():
        raise BookError(f"{folder} is not a folder. Name a docs folder, or the site folder that holds docs/.")
    site_folder = _site_folder(folder)
    asks = asks_docusaurus and base_url is None and route is None and can_be_asked(folder)
    loaded = asking.ask(site_folder) if asks and site_folder is not None else None
    if loaded is not None and site_folder is not None:
        return _loaded(folder, site_folder, loaded)
    found = _read(folder, site_folder, base_url, route)
    if not asks:
        return found
    said = "Docusaurus could not load the site; its configuration was read without it."
    return replace(found, assumed=(*found.assumed, said))


def can_be_asked(folder: Path) -> bool:
    """Return True if the site of a folder has a Docusaurus that can be asked."""
    site_folder = _site_folder(folder)
    return (
        site_folder is not None and config_file(site_folder) is not None and asking.can_be_asked(site_folder)
    )


def _read(folder: Path, site_folder: Path | None, base_url: str | None, route: str | None) -> Site:
    """The site as its files say it, without running any. Raises BookError."""
    config = config_file(site_folder) if site_folder else None
    settings = _settings(config) if config else Settings()
    if site_folder is None:
        site_folder = folder
    instances = _instances(settings, site_folder, folder, config)
    if route is not None:
        instances = [(replace(instances[0][0], route=route.strip("/")), instances[0][1]), *instances[1:]]
    assumed, asks = _assumed(config, settings, base_url, route)
    absent = [docs.path for docs in settings.docs if config and not _is_there(docs, site_folder)]
    assumed += tuple(f"The docs folder {path} is not there, and left out." for path in absent)
    base = slashed(base_url if base_url is not None else settings.base_url or "/")
    found = [
        version
        for docs, docs_folder in instances
        for version in versions.of(docs, site_folder, docs_folder, settings, base)
    ]
    root = _repository(site_folder)
    return Site(site_folder, root, base, settings, _ordered(found), config, assumed, asks)


def _loaded(folder: Path, site_folder: Path, loaded: Loaded) -> Site:
    """The site as its Docusaurus has it; the plugin of `folder` alone where that is a docs folder."""
    config = config_file(site_folder)
    read = _settings(config) if config else Settings()
    settings = replace(
        read,
        title=loaded.title,
        base_url=loaded.base_url,
        computes_base_url=False,
        trailing_slash=loaded.trailing_slash,
        locales=loaded.locales,
        markdown_format=loaded.markdown_format,
        keeps_case=loaded.keeps_case,
        has_emoji=loaded.has_emoji,
        assumed=(),
    )
    of_folder = {one.docs.plugin_id for one in loaded.versions if one.folder.resolve() == folder.resolve()}
    found = [one for one in loaded.versions if not of_folder or one.docs.plugin_id in of_folder]
    if not found:
        raise BookError(f"The site in {site_folder} has no docs. Name the folder with the chapters.")
    folders = {path.resolve() for version in found for path in version.folders}
    permalinks = {
        file: path for file, path in loaded.permalinks.items() if any(map(file.is_relative_to, folders))
    }
    root = _repository(site_folder)
    return Site(
        site_folder,
        root,
        loaded.base_url,
        settings,
        _ordered(found),
        config,
        assumed=settings.not_done,
        permalinks=permalinks,
    )


def _ordered(found: list[Version]) -> tuple[Version, ...]:
    """The versions that readers see first come first."""
    return tuple(sorted(found, key=lambda version: (bool(version.label), version.only_translated)))


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
    there = [(docs, path) for docs, path in found if path.is_dir() or _is_there(docs, site_folder)]
    if not there:
        raise BookError(f"{found[0][1]} is not a folder. Name the docs folder itself.")
    return there


def _is_there(docs: Docs, site_folder: Path) -> bool:
    """Return True if the folder of the current version is there, or the site has no current version."""
    return (site_folder / docs.path).is_dir() or versions.CURRENT not in versions.included(docs, site_folder)


def _assumed(
    config: Path | None, settings: Settings, base_url: str | None, route: str | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    assumed = [*settings.assumed, *settings.not_done]
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
