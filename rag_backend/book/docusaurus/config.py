"""The docs plugins, addresses and locales that a docusaurus.config.* says. It is never run."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from rag_backend.book.docusaurus import js_values
from rag_backend.book.docusaurus.js_objects import keys, member
from rag_backend.book.docusaurus.js_scope import Unknown

CONFIG_NAMES: Final = tuple(f"docusaurus.config.{end}" for end in ("ts", "mts", "cts", "js", "mjs", "cjs"))
DEFAULT_ID: Final = "default"
DEFAULT_LOCALE: Final = "en"
TRANSLATIONS: Final = "i18n"
INCLUDE: Final = ("**/*.{md,mdx}",)
EXCLUDE: Final = ("**/_*.{js,jsx,ts,tsx,md,mdx}", "**/_*/**", "**/*.test.{js,jsx,ts,tsx}", "**/__tests__/**")
_DOCS_PLUGIN: Final = re.compile(r"(?:^|/)(?:plugin-)?content-docs$")


@dataclass(frozen=True, slots=True)
class VersionOptions:
    path: str | None = None
    label: str | None = None


@dataclass(frozen=True, slots=True)
class Docs:
    """One docs plugin. `path` is as written, relative to the site's folder."""

    plugin_id: str = DEFAULT_ID
    path: str = "docs"
    route: str = "docs"
    include: tuple[str, ...] = INCLUDE
    exclude: tuple[str, ...] = EXCLUDE
    strips_numbers: bool = True
    disable_versioning: bool = False
    include_current: bool = True
    only_include: tuple[str, ...] | None = None
    last_version: str | None = None
    versions: dict[str, VersionOptions] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Locale:
    """`folder` has its translations, relative to the site's folder; "" where the site translates nothing
    into it. `base_url` is None where it follows from the site's."""

    name: str
    folder: str
    base_url: str | None = None


@dataclass(frozen=True, slots=True)
class Settings:
    """`base_url` is None when the configuration does not say it; `computes_base_url` is then True if code
    makes it. The default locale is the first. `title` is "" when it is computed or missing. `files` are the
    configuration and its imports. `assumed` tells each value that was assumed, and why; `not_done` tells
    what the site does to its pages and a reading does not."""

    title: str = ""
    base_url: str | None = None
    computes_base_url: bool = False
    trailing_slash: bool | None = None
    docs: tuple[Docs, ...] = (Docs(),)
    locales: tuple[Locale, ...] = (Locale(DEFAULT_LOCALE, f"{TRANSLATIONS}/{DEFAULT_LOCALE}"),)
    markdown_format: str = "mdx"
    has_math: bool = False
    keeps_case: bool = False
    has_emoji: bool = True
    not_done: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    assumed: tuple[str, ...] = ()


def config_file(folder: Path) -> Path | None:
    return next((folder / name for name in CONFIG_NAMES if (folder / name).is_file()), None)


def read(path: Path, root: Path) -> Settings:
    """The settings of a configuration, whose imports may lie below `root`. Raises OSError,
    UnicodeDecodeError."""
    assumed: dict[str, None] = {}
    reader = _Reader(lambda note: assumed.setdefault(f"{path.name}: {note}"))
    evaluator = js_values.Evaluator(reader.note)
    settings = reader.settings(evaluator.exported(path, root), path.read_text("utf-8"))
    return replace(settings, files=tuple(evaluator.files), assumed=tuple(assumed))


class _Reader:
    """Reads values of the kind that a member has; notes every other value, and its replacement."""

    def __init__(self, note: Callable[[str], None]) -> None:
        self.note = note

    def settings(self, config: Any, source: str) -> Settings:
        if isinstance(config, Unknown) or config is None:
            self.note("its settings are computed; the defaults of Docusaurus are assumed.")
        markdown = member(config, "markdown")
        said = self.text(markdown, "format", "mdx")
        base_url = member(config, "baseUrl")
        is_computed = base_url is not None and not isinstance(base_url, str)
        if is_computed:
            self.note(f"baseUrl is computed ({getattr(base_url, 'source', base_url)}).")
        slash, title = member(config, "trailingSlash"), member(config, "title")
        return Settings(
            title=title if isinstance(title, str) else "",
            base_url=base_url if isinstance(base_url, str) else None,
            computes_base_url=is_computed,
            trailing_slash=slash if isinstance(slash, bool) else None,
            docs=tuple(self._docs_of(config)) or (self._assumed_docs(),),
            locales=self._locales(member(config, "i18n")),
            markdown_format=said if said in ("mdx", "md", "detect") else "mdx",
            has_math="remark-math" in source,
            keeps_case=self.flag(member(markdown, "anchors"), "maintainCase", False),
            has_emoji=self.flag(markdown, "emoji", True),
            not_done=tuple(
                f"The site has a markdown.{name}; pages were read without it."
                for name in ("preprocessor", "parseFrontMatter")
                if not isinstance(markdown, Unknown) and member(markdown, name) is not None
            ),
        )

    def text(self, holder: Any, name: str, default: str) -> str:
        value = member(holder, name)
        if value is not None and not isinstance(value, str):
            self.note(f"{name} is computed ({getattr(value, 'source', value)}); {default!r} is assumed.")
        return value if isinstance(value, str) else default

    def flag(self, holder: Any, name: str, default: bool) -> bool:
        value = member(holder, name)
        if value is not None and not isinstance(value, bool):
            self.note(f"{name} is computed; {str(default).lower()} is assumed.")
        return value if isinstance(value, bool) else default

    def texts(self, holder: Any, name: str, default: tuple[str, ...]) -> tuple[str, ...]:
        value = member(holder, name)
        if value is None:
            return default
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.note(f"{name} is computed; the default of Docusaurus is assumed.")
            return default
        return tuple(value)

    def _docs_of(self, config: Any) -> Iterable[Docs]:
        for name, options in map(_named, self._entries(config, "presets")):
            docs = member(options, "docs")
            if isinstance(docs, Unknown):
                self.note(f"the docs options of {name} are computed; the defaults are assumed.")
                yield Docs()
            elif docs is not False and (docs is not None or name.endswith("classic")):
                yield self._docs(docs)
        for name, options in map(_named, self._entries(config, "plugins")):
            if _DOCS_PLUGIN.search(name):
                yield self._docs(options)

    def _assumed_docs(self) -> Docs:
        self.note("it names no docs plugin; one with the defaults of Docusaurus is assumed.")
        return Docs()

    def _entries(self, config: Any, name: str) -> Iterable[Any]:
        found = member(config, name)
        entries = found if isinstance(found, list) else [] if found is None else [found]
        for entry in entries:
            if isinstance(entry, Unknown) and not entry.is_code:
                self.note(f"{name} are computed ({entry.source}); docs in them are not read.")
            yield entry

    def _docs(self, options: Any) -> Docs:
        prefixes = member(options, "numberPrefixParser")
        if isinstance(prefixes, Unknown):
            self.note("numberPrefixParser is a function; the default's prefixes are assumed.")
        versions = member(options, "versions")
        return Docs(
            plugin_id=self.text(options, "id", DEFAULT_ID),
            path=self.text(options, "path", "docs"),
            route=self.text(options, "routeBasePath", "docs").strip("/"),
            include=self.texts(options, "include", INCLUDE),
            exclude=self.texts(options, "exclude", EXCLUDE),
            strips_numbers=prefixes is not False,
            disable_versioning=self.flag(options, "disableVersioning", False),
            include_current=self.flag(options, "includeCurrentVersion", True),
            only_include=self.texts(options, "onlyIncludeVersions", ()) or None,
            last_version=self.text(options, "lastVersion", "") or None,
            versions={name: self._version(member(versions, name)) for name in keys(versions)},
        )

    def _version(self, options: Any) -> VersionOptions:
        path, label = member(options, "path"), member(options, "label")
        if path is not None and not isinstance(path, str):
            self.note("a version's path is computed; its name is assumed.")
        return VersionOptions(
            path.strip("/") if isinstance(path, str) else None, label if isinstance(label, str) else None
        )

    def _locales(self, i18n: Any) -> tuple[Locale, ...]:
        default = self.text(i18n, "defaultLocale", DEFAULT_LOCALE)
        names = dict.fromkeys((default, *self.texts(i18n, "locales", (default,))))
        folder, configs = self.text(i18n, "path", TRANSLATIONS), member(i18n, "localeConfigs")
        return tuple(self._locale(folder, name, member(configs, name)) for name in names)

    def _locale(self, folder: str, name: str, options: Any) -> Locale:
        base_url = member(options, "baseUrl")
        if base_url is not None and not isinstance(base_url, str):
            self.note(f"the baseUrl of the locale {name} is computed; its name after the site's is assumed.")
        translations = f"{folder}/{self.text(options, 'path', name)}"
        return Locale(
            name,
            translations if self.flag(options, "translate", True) else "",
            base_url if isinstance(base_url, str) else None,
        )


def _named(entry: Any) -> tuple[str, Any]:
    """A preset or plugin, which is a name or a list of its name and its options."""
    name, options = [*entry, None, None][:2] if isinstance(entry, list) else (entry, None)
    source = name.source if isinstance(name, Unknown) else name
    return source if isinstance(source, str) else "", options
