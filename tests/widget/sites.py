"""Docusaurus sites with the widget's plugin, built once from what their sources are now.

They are built for addresses at which no service is, which `put_into_place` changes to those of a test.
"""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from tests.node_packages import node
from tests.processes import REPOSITORY, alone_with
from tests.widget.package import put_into, stamp

EXAMPLE = REPOSITORY / "examples" / "docusaurus"
BOOK = REPOSITORY / "examples" / "book"
SOURCES = Path(__file__).with_name("docs_site")
CACHE = REPOSITORY / ".pytest_cache" / "docusaurus"
PACKAGES = EXAMPLE / "node_modules"
OF_DEVELOPMENT = PACKAGES / "@docusaurus" / "theme-mermaid"
BROKER = "http://127.0.0.1:61000"
PROXY = "http://127.0.0.1:61001"
WIDGET_OPTIONS = {"backendUrl": PROXY, "brokerUrl": BROKER, "clientId": "docs"}


@dataclass(frozen=True)
class Variant:
    """A site of `docs_site`. `differs` is for its configuration; `hostile` gives it a Root of its own."""

    name: str
    differs: dict[str, Any] = field(default_factory=dict)
    hostile: bool = False
    base_url: str = "/my-book/"

    def told(self, **widget: Any) -> dict[str, Any]:
        return {**self.differs, "widget": {**WIDGET_OPTIONS, **self.differs.get("widget", {}), **widget}}


@dataclass(frozen=True)
class Built:
    folder: Path
    base_url: str

    def page(self, path: str) -> str:
        """The HTML that a server wrote for it."""
        return (self.folder / path).read_text()


# The three ways to build, and the three settings of the slash at an address's end.
PLAIN = Variant(
    "plain",
    {"widget": {"exclude": ["/docs/legal"], "callbackPath": "signed-in/chatgate.html"}},
    hostile=True,
)
FASTER = Variant("faster", {"future": {"v4": True}, "trailingSlash": True, "extras": True})
WITHOUT = Variant("example", base_url="/book/")
"""examples/docusaurus: v4 without the newer MDX, trailingSlash false, two locales, two versions."""
ALL = (PLAIN, FASTER, WITHOUT)


@cache
def packages() -> Path:
    """Those of examples/docusaurus, with the widget as it is now. Skips without Node, and fails in CI."""
    node(EXAMPLE)
    with alone_with(EXAMPLE / "package-lock.json"):
        if not OF_DEVELOPMENT.is_dir():
            # `make site` leaves these out.
            _run(["npm", "ci"], EXAMPLE)
        put_into(PACKAGES)
    return PACKAGES


@cache
def built(name: str) -> Built:
    variant = next(one for one in ALL if one.name == name)
    # Before the lock below, which it takes as well.
    packages()
    folder = CACHE / f"{variant.name}-{_state(variant)}"
    # One at a time: a build takes all of a small machine.
    with alone_with(EXAMPLE / "package-lock.json"):
        if not folder.exists():
            for older in CACHE.glob(f"{variant.name}-*"):
                shutil.rmtree(older)
            _build(variant, folder)
    return Built(folder, variant.base_url)


def put_into_place(site: Built, copy: Path, broker: str, proxy: str) -> Path:
    """Copies a built site to the folder `copy`, where its widget asks at these addresses."""
    shutil.copytree(site.folder, copy)
    for script in copy.rglob("*.js"):
        text = script.read_text()
        if BROKER in text:
            script.write_text(text.replace(BROKER, broker).replace(PROXY, proxy))
    return copy


def docusaurus(
    folder: Path, *words: str | Path, told: Mapping[str, Any] | None = None, **environ: Any
) -> subprocess.CompletedProcess[str]:
    """Runs the command in a folder that `make_site` made, and returns the finished process."""
    command = [node(EXAMPLE), PACKAGES / "@docusaurus" / "core" / "bin" / "docusaurus.mjs", *words]
    own = {**os.environ, "DOCUSAURUS_NO_TELEMETRY": "1", "NODE_ENV": "", **environ}
    # Bundlers take a package of the same version for the same package, and the widget's changes all the time.
    own["DOCUSAURUS_NO_PERSISTENT_CACHE"] = "1"
    if told is not None:
        own["VARIANT"] = json.dumps(told)
    return subprocess.run(command, cwd=folder, env=own, capture_output=True, text=True, timeout=300)


def make_site(folder: Path, *, hostile: bool = False) -> Path:
    """Puts the sources of `docs_site` into an empty folder, with packages to build them."""
    shutil.copytree(SOURCES, folder, ignore=shutil.ignore_patterns("hostile"), dirs_exist_ok=True)
    if hostile:
        shutil.copytree(SOURCES / "hostile", folder / "src", dirs_exist_ok=True)
    (folder / "node_modules").symlink_to(packages())
    return folder


def _build(variant: Variant, out: Path) -> None:
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        made = Path(name) / "build"
        if variant is WITHOUT:
            folder = EXAMPLE
            done = docusaurus(
                folder, "build", "--out-dir", made, CHATGATE_BROKER_URL=BROKER, CHATGATE_PROXY_URL=PROXY
            )
        else:
            folder = make_site(Path(name) / "site", hostile=variant.hostile)
            done = docusaurus(folder, "build", "--out-dir", made, told=variant.told())
        assert done.returncode == 0, done.stdout + done.stderr
        shutil.move(made, out)


def _state(variant: Variant) -> str:
    digest = hashlib.sha256(repr((variant, WIDGET_OPTIONS)).encode())
    digest.update(stamp().encode())
    digest.update((EXAMPLE / "package-lock.json").read_bytes())
    folders = (EXAMPLE, BOOK / "docs") if variant is WITHOUT else (SOURCES,)
    for folder in folders:
        for file in sorted(folder.rglob("*")):
            name = file.relative_to(folder)
            if file.is_file() and name.parts[0] not in ("node_modules", "build", ".docusaurus"):
                digest.update(str(name).encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _run(command: Sequence[str | Path], folder: Path) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
