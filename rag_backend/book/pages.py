"""The pages of a book: front matter, path, title, tokens."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from markdown_it.token import Token

from rag_backend.book import front_matter, mdx, plain_text, sources
from rag_backend.book.docusaurus import doc_paths
from rag_backend.book.docusaurus.site import BookError, Site, Version
from rag_backend.book.partials import Partials

MAX_FILE: Final = 4_194_304
"""Bytes. The longest chapters of public books have some 500 KB; a larger file is no chapter."""

Progress = Callable[[int, int], None]
"""Called with the number of files read and the number of all."""
Warn = Callable[[str], None]
"""Called with a text about a part of the book that the index lacks, and how to correct that where it can be
done."""


@dataclass(frozen=True, slots=True)
class Page:
    """One document. `source` is its path below its version's folder; `url` has no origin.

    `title` is "" where the front matter says so. `imported` are the files that it shows, or would show if
    they were there. `number` is the place of its version among those of the site.
    """

    number: int
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
        return self.number, self.position, self.source


def read(site: Site, progress: Progress | None = None, warn: Warn | None = None) -> list[Page]:
    """Every page that a production build has, in the order of the sidebar. Raises BookError."""
    return sorted(each(site, progress, warn), key=lambda page: page.place)


def each(site: Site, progress: Progress | None = None, warn: Warn | None = None) -> Iterator[Page]:
    """The pages one by one, so that a large book need not be held as a whole. Raises BookError."""
    warn = warn or (lambda _: None)
    files = [
        (number, source)
        for number, version in enumerate(site.versions)
        for source in sources.of(version)
        if version.only_translated or not site.permalinks or _permalink(site, version, source)
    ]
    if not files:
        raise BookError(
            f"{site.versions[0].folder} holds no .md or .mdx file. Name the folder with the chapters."
        )
    read = {_file(site.versions[number], source).resolve() for number, source in files}
    for file in site.permalinks.keys() - read:
        warn(f"{file} is a page of the site, and left out: its name or a folder of it is none for pages.")
    first: dict[str, str] = {}
    for done, (number, source) in enumerate(files, 1):
        page = _read_page(site, number, source, warn)
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


def _permalink(site: Site, version: Version, source: str) -> str | None:
    """The path that Docusaurus gave to a document, where Docusaurus was asked."""
    if version.only_translated or not site.permalinks:
        return None
    return site.permalinks.get(_file(version, source).resolve())


def _file(version: Version, source: str) -> Path:
    return next(path for path in (folder / source for folder in version.folders) if path.is_file())


def _read_page(site: Site, number: int, source: str, warn: Warn) -> Page | None:
    version = site.versions[number]
    file = _file(version, source)
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
        number=number,
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
    """A place in the sidebar for each part of the path; parts without a number come last. The page at the
    root is the book's first, and a folder's index the folder's, which links to it."""
    if doc_paths.doc_slug(name) == "/":
        return ()
    places = [
        doc_paths.strip_number_prefix(part)[1] if name.strip_prefixes else None for part in source.split("/")
    ]
    *folders, own = (float("inf") if place is None else place for place in places)
    said = front.get("sidebar_position")
    if folders and doc_paths.is_index(name):
        own = float("-inf")
    elif isinstance(said, int | float):
        own = said
    return (*folders, own)
