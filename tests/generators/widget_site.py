"""A Docusaurus site with generated widgets, built once from what their generator writes now.

The root has one for all pages, in TypeScript. Each page below /of/ has one of another mode and way to be
known, outside of Docusaurus' layout, so that it is the only one there. Addresses are changed to those of a
test, as in tests.widget.sites.
"""

import hashlib
import itertools
import shutil
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from scaffold import widget
from scaffold.widget import Options, generate
from tests.processes import alone_with
from tests.widget.sites import BOOK, BROKER, CACHE, EXAMPLE, PROXY, docusaurus, packages

SOURCES = Path(__file__).with_name("docusaurus_site")
BACKEND = "http://127.0.0.1:61002"
BASE_URL = "/book/"
PASSAGE = "The harbour's cat is called Ferdinand and sleeps on the tide table."
PAGE = """import ChatKitWidget from '../../../variants/{name}/src/components/ChatKitWidget';

export default function Page() {{
  return (
    <main>
      <article>
        <p id="passage">{passage}</p>
      </article>
      <ChatKitWidget />
    </main>
  );
}}
"""
CHAPTER = """---
title: Ask here
---
import ChatKitWidget from '@site/src/components/ChatKitWidget';

# Ask here

To [the sensors](./02-sensors.md).

<ChatKitWidget placement="inline" mode="selection_only" suggestions={['What is here?']} />
"""
WHOLE = Options(PROXY, BROKER, "docs", "both", "better-auth", "global", typescript=True)
VARIANTS = {
    f"{mode}-{auth}": Options(
        BACKEND if auth == "none" else PROXY,
        BROKER,
        "docs",
        mode,
        auth,
        "chapter",
        typescript=number % 2 == 1,
    )
    for number, (mode, auth) in enumerate(itertools.product(widget.MODES, widget.AUTHS))
}


def make(folder: Path) -> Path:
    """Writes the site's sources into `folder`, which is not there yet, with packages to build them."""
    shutil.copytree(SOURCES, folder)
    shutil.copytree(BOOK / "docs", folder / "docs")
    (folder / "docs" / "12-ask.mdx").write_text(CHAPTER)
    _write(folder, generate(WHOLE))
    for name, options in VARIANTS.items():
        _write(folder / "variants" / name, generate(options))
        page = PAGE.format(name=name, passage=PASSAGE)
        _write(folder / "src" / "pages" / "of", {f"{name}.{'tsx' if options.typescript else 'js'}": page})
    (folder / "node_modules").symlink_to(packages())
    return folder


@cache
def built() -> Path:
    """The folder of the built site. Skips without Node, and fails in CI."""
    # Before the lock below, which it takes as well.
    packages()
    with tempfile.TemporaryDirectory() as name, alone_with(EXAMPLE / "package-lock.json"):
        site = make(Path(name) / "site")
        out = CACHE / f"generated-{_state(site)}"
        if not out.exists():
            for older in CACHE.glob("generated-*"):
                shutil.rmtree(older)
            done = docusaurus(site, "build", "--out-dir", Path(name) / "build")
            assert done.returncode == 0, done.stdout + done.stderr
            CACHE.mkdir(parents=True, exist_ok=True)
            shutil.move(Path(name) / "build", out)
    return out


def put_into_place(copy: Path, broker: str, proxy: str, backend: str) -> Any:
    """Copies the built site to the folder `copy`, where its widgets ask at these addresses."""
    shutil.copytree(built(), copy)
    asked = {BROKER: broker, PROXY: proxy, BACKEND: backend}
    for script in copy.rglob("*.js"):
        text = script.read_text()
        if any(one in text for one in asked):
            for one, other in asked.items():
                text = text.replace(one, other)
            script.write_text(text)
    return copy


def _write(folder: Path, files: Mapping[str, str]) -> None:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


def _state(site: Path) -> str:
    digest = hashlib.sha256((EXAMPLE / "package-lock.json").read_bytes())
    for file in sorted(site.rglob("*")):
        if file.is_file() and "node_modules" not in file.parts:
            digest.update(str(file.relative_to(site)).encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]
