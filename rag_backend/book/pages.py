"""The pages of a book: front matter, path, title, tokens."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from markdown_it.token import Token
from wcmatch import glob

from rag_backend.book import front_matter, mdx, plain_text
from rag_backend.book.docusaurus import doc_paths
from rag_backend.book.docusaurus.site import BookError, Site, Version
from rag_backend.book.partials import Partials

SUFFIXES: Final = (".md", ".mdx")
MAX_FILE: Final = 4_194_304
"""Bytes. The longest chapters of public books have some 500 KB; a larger file is no chapter."""
NO_DOCS: Final = frozenset({"node_modules", ".git", ".docusaurus"})
_GLOB: Final = glob.GLOBSTAR | glob.BRACE | glob.EXTGLOB
_GLOB_IGNORED: Final = _GLOB | glob.DOTGLOB

Progress = Callable[[int, int], None]
"""Called with the number of files read and the number of all."""
Warn = Callable[[str], None]
"""Called with a text about a part of the book that the index lacks, and how to correct that where it can be
done."""


@dataclass(frozen=True, slots=True)
class Page:
    """One document. `source` is its path below its version's folder; `url` has no origin.

    `title` is "" where the front matter says so. `imported` are the files that it shows parts of.
    """

    version: Version
    source: str
    url: str
    title: str
    position: tuple[float, ...]
    listed: bool
    tokens: list[Token]
    imported: tuple[Path, ...] = ()

    @property
    def place(self) -> tuple[Any, ...]:
        """Its place in the book, by which pages are sorted."""
        return bool(self.version.label), self.version.only_translated, self.position, self.source


def read(site: Site, progress: Progress | None = None, warn: Warn | None = None) -> list[Page]:
    """Every page that a production build has, in the order of the sidebar. Raises BookError."""
    return sorted(each(site, progress, warn), key=lambda page: page.place)


def each(site: Site, progress: Progress | None = None, warn: Warn | None = None) -> Iterator[Page]:
    """The pages one by one, so that a large book need not be held as a whole. Raises BookError."""
    warn = warn or (lambda _: None)
    files = [
        (version, source)
        for version in site.versions
        for source in _sources(version)
        if version.only_translated or not site.permalinks or _permalink(site, version, source)
    ]
    if not files:
        raise BookError(
            f"{site.versions[0].folder} holds no .md or .mdx file. Name the folder with the chapters."
        )
    first: dict[str, str] = {}
    for done, (version, source) in enumerate(files, 1):
        page = _read_page(site, version, source, warn)
        if page is not None:
            # Docusaurus warns of two pages at one path too, and serves the first.
            if first.setdefault(page.url, source) == source:
                yield page
            else:
                warn(
                    f"{first[page.url]} and {source} both have the path {page.url}, and the first is"
                    " served. Change one slug."
                )
        if progress is not None:
            progress(done, len(files))


def _sources(version: Version) -> Iterator[str]:
    """The paths of a version's documents below its folder."""
    docs = version.docs
    for parent, folders, names in os.walk(version.folder):
        # fast-glob does not look into folders that begin with a dot unless a pattern says so.
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name not in NO_DOCS)
        below = Path(parent).relative_to(version.folder)
        for name in sorted(names):
            source = (below / name).as_posix()
            if (
                name.endswith(SUFFIXES)
                and glob.globmatch(source, docs.include, flags=_GLOB | glob.NEGATE)
                and not glob.globmatch(source, docs.exclude, flags=_GLOB_IGNORED)
                and not (version.only_translated and not _is_translated(version, source))
            ):
                yield source


def _permalink(site: Site, version: Version, source: str) -> str | None:
    """The path that Docusaurus gave to a document, where Docusaurus was asked."""
    if version.only_translated or not site.permalinks:
        return None
    return site.permalinks.get((version.folder / source).resolve())


def _is_translated(version: Version, source: str) -> bool:
    return version.translated is not None and (version.translated / source).is_file()


def _read_page(site: Site, version: Version, source: str, warn: Warn) -> Page | None:
    file = next(path for path in (folder / source for folder in version.folders) if path.is_file())
    front, body = _read_document(file)
    if front_matter.flag(front, "draft"):
        warn(f"{source} is a draft, and left out.")
        return None
    name = _doc_name(source, front, strips_numbers=version.docs.strips_numbers)
    own = mdx.parse(body, _dialect(site, file, front))

    def parse(partial: Path) -> list[Token]:
        front, body = _read_document(partial)
        return mdx.parse(body, _dialect(site, partial, front))

    partials = Partials(
        site.folder, (site.root, *version.folders), parse, lambda fault: warn(f"{source}: {fault}")
    )
    # An empty title stays empty, as in Docusaurus.
    title = front_matter.text(front, "title", may_be_empty=True)
    return Page(
        version=version,
        source=source,
        url=_permalink(site, version, source)
        or doc_paths.permalink(version.root, doc_paths.doc_slug(name), version.base_url, site.trailing_slash),
        title=(plain_text.content_title(own) or name.doc_id or _stem(name)) if title is None else title,
        position=_position(source, front, name),
        listed=not front_matter.flag(front, "unlisted"),
        tokens=partials.shown(own, file),
        imported=tuple(partials.files),
    )


def _read_document(file: Path) -> tuple[dict[str, Any], str]:
    try:
        if file.stat().st_size > MAX_FILE:
            raise BookError(
                f"{file} has more than {MAX_FILE} bytes. Split it, or move it out of the docs folder."
            )
        return front_matter.split(file.read_text("utf-8-sig"))
    except UnicodeDecodeError:
        raise BookError(f"{file} is not UTF-8. Save it as UTF-8.") from None
    except OSError as error:
        raise BookError(f"{file} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise BookError(f"{file}: {error}. Mend what stands between its first two lines of ---.") from None


def _dialect(site: Site, file: Path, front: dict[str, Any]) -> mdx.Dialect:
    own = front.get("mdx")
    said = own.get("format") if isinstance(own, dict) else None
    return site.dialect(file.name, said if said in ("mdx", "md", "detect") else None)


def _doc_name(source: str, front: dict[str, Any], *, strips_numbers: bool) -> doc_paths.DocName:
    path = Path(source)
    return doc_paths.DocName(
        folder="" if path.parent == Path() else path.parent.as_posix(),
        stem=path.stem,
        doc_id=front_matter.text(front, "id"),
        slug=front_matter.text(front, "slug"),
        strip_prefixes=strips_numbers and front_matter.flag(front, "parse_number_prefixes") is not False,
    )


def _stem(name: doc_paths.DocName) -> str:
    return doc_paths.strip_number_prefix(name.stem)[0] if name.strip_prefixes else name.stem


def _position(source: str, front: dict[str, Any], name: doc_paths.DocName) -> tuple[float, ...]:
    """A place in the sidebar for each part of the path; parts without a number come last."""
    places = [
        doc_paths.strip_number_prefix(part)[1] if name.strip_prefixes else None for part in source.split("/")
    ]
    own = front.get("sidebar_position")
    if isinstance(own, int | float):
        return (*(float("inf") if place is None else place for place in places[:-1]), own)
    return tuple(float("inf") if place is None else place for place in places)
