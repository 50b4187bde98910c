"""The docs of a site as its own Docusaurus loads them, where Node and the site's packages are there.

The site's configuration and plugins are run for it, as a build runs them. Nothing is written into the site.
"""

import json
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

SECONDS: Final = 60
"""Seconds. A site of two thousand pages is loaded in ten."""
MAX_ANSWER: Final = 67_108_864
_PACKAGE: Final = Path("node_modules") / "@docusaurus" / "core" / "lib" / "server" / "site.js"

# loadPlugins writes what plugins create into generatedFilesDir, which is ours here.
_SCRIPT: Final = """
const {createRequire} = require('module');
const [site, generated, locale] = process.argv.slice(1);
const ask = createRequire(site + '/package.json');
const write = process.stdout.write.bind(process.stdout);
process.stdout.write = process.stderr.write.bind(process.stderr);
(async () => {
  const {loadContext} = ask('@docusaurus/core/lib/server/site.js');
  const {loadPlugins} = ask('@docusaurus/core/lib/server/plugins/plugins.js');
  const context = await loadContext({siteDir: site, locale: locale || undefined});
  context.generatedFilesDir = generated;
  const {plugins} = await loadPlugins(context);
  const docs = plugins.filter((plugin) => plugin.name === 'docusaurus-plugin-content-docs');
  write(JSON.stringify({
    baseUrl: context.siteConfig.baseUrl,
    locale: context.i18n.currentLocale,
    locales: context.i18n.locales,
    versions: docs.flatMap((plugin) => plugin.content.loadedVersions.map((version) => ({
      plugin: plugin.options.id,
      name: version.versionName,
      isLast: version.isLast,
      path: version.path,
      folder: version.contentPath,
      docs: version.docs.map((doc) => [doc.source, doc.permalink]),
    }))),
  }));
  process.exit(0);
})().catch((error) => { console.error(error); process.exit(1); });
"""


@dataclass(frozen=True, slots=True)
class Loaded:
    """The permalink of each document of the default locale, by its file."""

    base_url: str
    permalinks: dict[Path, str]


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
        command = [node, "-e", _SCRIPT, str(site_folder.resolve()), generated, ""]
        try:
            # The script is ours; the configuration that it loads is the owner's, as for a build.
            done = subprocess.run(  # noqa: S603
                command,
                cwd=site_folder,
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


def _loaded(said: Any, site_folder: Path) -> Loaded:
    permalinks = {
        (site_folder / source.removeprefix("@site/")).resolve(): str(permalink)
        for version in said["versions"]
        for source, permalink in version["docs"]
    }
    return Loaded(str(said["baseUrl"]), permalinks)
