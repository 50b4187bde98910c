"""The docs of a site as its own Docusaurus loads them, where Node and the site's packages are there.

The site's configuration and plugins are run for it, as a build for production runs them. Nothing is written
into the site.
"""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rag_backend.book.docusaurus import doc_paths, versions
from rag_backend.book.docusaurus.config import Docs, Locale
from rag_backend.book.docusaurus.versions import Version

SECONDS: Final = 60
"""Seconds. A site of two thousand pages is loaded in ten."""
MAX_ANSWER: Final = 67_108_864
_PACKAGE: Final = Path("node_modules") / "@docusaurus" / "core" / "lib" / "server" / "site.js"

# loadPlugins writes what plugins create into generatedFilesDir, which is ours here. A build loads the
# configuration a second time, when it knows its locale.
_SCRIPT: Final = """
const {createRequire} = require('module');
const [site, generated] = process.argv.slice(1);
const ask = createRequire(site + '/package.json');
const write = process.stdout.write.bind(process.stdout);
process.stdout.write = process.stderr.write.bind(process.stderr);
(async () => {
  const {loadContext} = ask('@docusaurus/core/lib/server/site.js');
  const {loadPlugins} = ask('@docusaurus/core/lib/server/plugins/plugins.js');
  process.env.DOCUSAURUS_CURRENT_LOCALE = (await loadContext({siteDir: site})).i18n.currentLocale;
  const context = await loadContext({siteDir: site});
  context.generatedFilesDir = generated;
  const {plugins} = await loadPlugins(context);
  const docs = plugins.filter((plugin) => plugin.name === 'docusaurus-plugin-content-docs');
  const {siteConfig, i18n} = context;
  const last = [i18n.currentLocale, ...i18n.locales.filter((name) => name !== i18n.currentLocale)];
  write(JSON.stringify({
    title: siteConfig.title,
    baseUrl: siteConfig.baseUrl,
    trailingSlash: siteConfig.trailingSlash,
    format: siteConfig.markdown.format,
    keepsCase: siteConfig.markdown.anchors?.maintainCase ?? false,
    hasEmoji: siteConfig.markdown.emoji ?? true,
    locales: last.map((name) => ({name, translations: i18n.path, ...i18n.localeConfigs[name]})),
    versions: docs.flatMap(({options, content}) => content.loadedVersions.map((version) => ({
      plugin: options.id,
      include: options.include,
      exclude: options.exclude,
      stripsNumbers: options.numberPrefixParser('01-a').filename === 'a',
      name: version.versionName,
      isLast: version.isLast,
      path: version.path,
      folder: version.contentPath,
      docs: [...version.docs, ...version.drafts].map((doc) => [doc.source, doc.permalink]),
    }))),
  }));
  process.exit(0);
})().catch((error) => { console.error(error); process.exit(1); });
"""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A site as Docusaurus has it. `permalinks` are the URL paths of the documents of the default locale, by
    their files."""

    title: str
    base_url: str
    trailing_slash: bool | None
    markdown_format: str
    keeps_case: bool
    has_emoji: bool
    locales: tuple[Locale, ...]
    versions: tuple[Version, ...]
    permalinks: Mapping[Path, str]


def can_be_asked(site_folder: Path) -> bool:
    return shutil.which("node") is not None and any(
        (folder / _PACKAGE).is_file() for folder in (site_folder, *site_folder.resolve().parents)
    )


def ask(site_folder: Path) -> Loaded | None:
    """Return the site as Docusaurus loads it; None if it fails, is late, or prints anything else."""
    node = shutil.which("node")
    if node is None:
        return None
    with tempfile.TemporaryDirectory(prefix="chatgate-") as generated:
        command = [node, "-e", _SCRIPT, str(site_folder.resolve()), generated]
        try:
            # The script is ours; the configuration that it loads is the owner's, as for a build.
            done = subprocess.run(  # noqa: S603
                command,
                cwd=site_folder,
                env={**os.environ, "NODE_ENV": "production", "BABEL_ENV": "production"},
                capture_output=True,
                timeout=SECONDS,
                check=False,
                stdin=subprocess.DEVNULL,
            )
            if done.returncode or len(done.stdout) > MAX_ANSWER:
                return None
            return _loaded(json.loads(done.stdout), site_folder.resolve())
        except (OSError, subprocess.TimeoutExpired, ValueError, KeyError, TypeError):
            return None


def _loaded(said: Mapping[str, Any], site_folder: Path) -> Loaded:
    base_url, slash = versions.slashed(str(said["baseUrl"])), said.get("trailingSlash")
    locales = tuple(_locale(locale) for locale in said["locales"])
    permalinks = {
        # A version gives the paths of its documents before the option for slashes is applied.
        (site_folder / source.removeprefix("@site/")).resolve(): doc_paths.permalink(
            "", permalink, base_url, slash
        )
        for version in said["versions"]
        for source, permalink in version["docs"]
    }
    return Loaded(
        title=str(said["title"]),
        base_url=base_url,
        trailing_slash=slash,
        markdown_format=str(said["format"]),
        keeps_case=bool(said["keepsCase"]),
        has_emoji=bool(said["hasEmoji"]),
        locales=locales,
        versions=tuple(_versions(said["versions"], site_folder, locales, base_url)),
        permalinks=permalinks,
    )


def _locale(said: Mapping[str, Any]) -> Locale:
    # Docusaurus before 3.9 knows neither `translate` nor a `baseUrl` of a locale.
    folder = f"{said['translations']}/{said['path']}" if said.get("translate", True) else ""
    return Locale(str(said["name"]), folder, said.get("baseUrl"))


def _versions(
    said: list[Mapping[str, Any]], site_folder: Path, locales: tuple[Locale, ...], base_url: str
) -> Iterator[Version]:
    for number, locale in enumerate(locales):
        of_locale = versions.base_url_of(locale, base_url, is_default=number == 0)
        for version in sorted(said, key=lambda version: not version["isLast"]):
            docs = Docs(
                plugin_id=str(version["plugin"]),
                include=tuple(version["include"]),
                exclude=tuple(version["exclude"]),
                strips_numbers=bool(version["stripsNumbers"]),
            )
            yield Version(
                name=str(version["name"]),
                folder=Path(version["folder"]),
                root=of_locale + str(version["path"]).removeprefix(base_url.rstrip("/")).lstrip("/"),
                label="" if version["isLast"] else versions.label_of(str(version["name"])),
                docs=docs,
                base_url=of_locale,
                locale=locale.name,
                translated=versions.translated(site_folder, locale, docs, str(version["name"])),
                only_translated=number > 0,
            )
