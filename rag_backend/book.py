"""The pages of a book: front matter, path, title, tokens."""

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml
from markdown_it.token import Token

from rag_backend import doc_paths, mdx, plain_text
from rag_backend.site import BookError, Site, Version

SUFFIXES: Final = (".md", ".mdx")
MAX_FILE: Final = 4_194_304
"""Bytes. The longest chapters of public books have some 500 KB; a larger file is no chapter."""

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)^---[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)

Progress = Callable[[int, int], None]
"""Called with the number of files read and the number of all."""


@dataclass(frozen=True, slots=True)
class Page:
    """One document. `source` is its path below its version's folder; `url` has no origin."""

    version: Version
    source: str
    url: str
    title: str
    position: tuple[float, ...]
    listed: bool
    tokens: list[Token]


def read(site: Site, progress: Progress | None = None) -> list[Page]:
    """Every page that a production build has, in the order of the sidebar. Raises BookError."""
    files = [(version, file) for version in site.versions for file in _files(version.folder)]
    if not files:
        raise BookError(
            f"{site.versions[0].folder} holds no .md or .mdx file. Name the folder with the chapters."
        )
    pages: dict[str, Page] = {}
    for done, (version, file) in enumerate(files, 1):
        page = _read_page(site, version, file)
        if page is not None:
            if page.url in pages:
                raise BookError(
                    f"{file} and {pages[page.url].source} both have the path {page.url}. Change one slug."
                )
            pages[page.url] = page
        if progress is not None:
            progress(done, len(files))
    return sorted(pages.values(), key=lambda page: (bool(page.version.path), page.position, page.source))


def split_front_matter(text: str) -> tuple[dict[str, Any], str]:
    """The front matter's members and the text after it. Raises ValueError when it is no YAML mapping."""
    match = _FRONT_MATTER.match(text)
    if match is None:
        return {}, text
    try:
        members = yaml.safe_load(match[1])
    except (yaml.YAMLError, ValueError, RecursionError):
        raise ValueError("the front matter is not YAML") from None
    if members is None:
        members = {}
    if not isinstance(members, dict):
        raise ValueError("the front matter is not a mapping of names to values")
    return members, text[match.end() :]


def _files(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        # As Docusaurus excludes them by default: partials, and tests beside the text.
        folders[:] = sorted(name for name in folders if not name.startswith((".", "_")))
        for name in sorted(names):
            if name.endswith(SUFFIXES) and not name.startswith((".", "_")) and ".test." not in name:
                yield Path(parent, name)


def _read_page(site: Site, version: Version, file: Path) -> Page | None:
    try:
        if file.stat().st_size > MAX_FILE:
            raise BookError(
                f"{file} has more than {MAX_FILE} bytes. Split it, or move it out of the docs folder."
            )
        text = file.read_text("utf-8-sig")
        front, body = split_front_matter(text)
    except UnicodeDecodeError:
        raise BookError(f"{file} is not UTF-8. Save it as UTF-8.") from None
    except OSError as error:
        raise BookError(f"{file} cannot be read: {error.strerror}.") from None
    except ValueError as error:
        raise BookError(f"{file}: {error}. Mend what stands between its first two lines of ---.") from None
    if front.get("draft") is True:
        return None
    source = file.relative_to(version.folder).as_posix()
    name = _doc_name(source, front)
    tokens = mdx.parse(body)
    return Page(
        version=version,
        source=source,
        url=doc_paths.permalink(
            site.root(version), doc_paths.doc_slug(name), site.base_url, site.trailing_slash
        ),
        title=_text(front, "title") or plain_text.content_title(tokens) or name.doc_id or _stem(name),
        position=_position(source, front),
        listed=front.get("unlisted") is not True,
        tokens=tokens,
    )


def _doc_name(source: str, front: dict[str, Any]) -> doc_paths.DocName:
    path = Path(source)
    return doc_paths.DocName(
        folder="" if path.parent == Path() else path.parent.as_posix(),
        stem=path.stem,
        doc_id=_text(front, "id"),
        slug=_text(front, "slug"),
        strip_prefixes=front.get("parse_number_prefixes") is not False,
    )


def _stem(name: doc_paths.DocName) -> str:
    return doc_paths.strip_number_prefix(name.stem)[0] if name.strip_prefixes else name.stem


def _text(front: dict[str, Any], member: str) -> str | None:
    value = front.get(member)
    # YAML reads `title: 2026` as a number, and Docusaurus takes it as the text it looks like.
    return str(value).strip() or None if isinstance(value, str | int | float) and value is not True else None


def _position(source: str, front: dict[str, Any]) -> tuple[float, ...]:
    """A place in the sidebar for each part of the path; parts without a number come last."""
    places = [doc_paths.strip_number_prefix(part)[1] for part in source.split("/")]
    own = front.get("sidebar_position")
    if isinstance(own, int | float):
        return (*(float("inf") if place is None else place for place in places[:-1]), own)
    return tuple(float("inf") if place is None else place for place in places)
