"""A container engine of this run's own, on a socket and in a folder of its own, and clients that speak to it.

An engine that DOCKER_HOST names is used as it is. Else Debian's is installed where it is missing, which takes
root, started, and ended by its own pid; what it changed in the machine's network is put back.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.missing import cannot
from tests.processes import REPOSITORY

PACKAGES = {"dockerd": "docker.io", "docker": "docker.io", "mmdebstrap": "mmdebstrap"}
FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
COMPOSE = Path(sys.executable).with_name("docker-compose")


@dataclass(frozen=True)
class Docker:
    """`host` is the engine's address, `home` a folder without credentials and plugins."""

    host: str
    home: Path

    def __call__(self, *words: str | Path, **options: Any) -> Any:
        """`docker WORDS`; its output, or the whole failure."""
        return run(["docker", *words], self.environ, **options)

    def compose(
        self, project: str, folder: Path, environ: Mapping[str, str], *words: str, **options: Any
    ) -> Any:
        command: list[str | Path] = [
            COMPOSE,
            "--project-name",
            project,
            "--project-directory",
            folder,
            "--progress",
            "plain",
        ]
        return run([*command, *words], {**self.environ, **environ}, cwd=folder, **options)

    @property
    def environ(self) -> dict[str, str]:
        # BuildKit would want a plugin that Debian does not have.
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "DOCKER_HOST": self.host,
            "DOCKER_BUILDKIT": "0",
        }


def run(
    command: Sequence[str | Path],
    environ: Mapping[str, str],
    *,
    cwd: Path | None = None,
    check: bool = True,
    timeout: float = 240,
) -> Any:
    """The command's standard output; with `check=False` the finished process."""
    done = subprocess.run(command, env=environ, cwd=cwd, capture_output=True, text=True, timeout=timeout)
    if not check:
        return done
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


@contextmanager
def running() -> Iterator[Docker]:
    """A Docker. Skips the tests, or in CI fails them, where there can be none."""
    if not COMPOSE.exists():
        cannot("docker-compose is not beside the interpreter: its package is for Linux alone")
    # Short, because a unix socket's path has room for 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="cgd", dir="/tmp"))
    (folder / "home").mkdir()
    try:
        if named := os.environ.get("DOCKER_HOST"):
            if not shutil.which("docker"):
                cannot("DOCKER_HOST is set, but docker is not on PATH")
            yield Docker(named, folder / "home")
        else:
            _require_room()
            _install()
            with _network_as_it_was(), _daemon(folder) as host:
                yield Docker(host, folder / "home")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _require_room() -> None:
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        cannot("starting a container engine takes root on Debian; DOCKER_HOST names one that runs")
    for comm in Path("/proc").glob("[0-9]*/comm"):
        with suppress(OSError):
            if comm.read_text().strip() == "dockerd":
                cannot(f"another engine runs here (process {comm.parent.name}) and two share no network")


def _install() -> None:
    missing = sorted({package for program, package in PACKAGES.items() if not shutil.which(program)})
    if not missing:
        return
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "update", "-q"], environ)
    run(["apt-get", "install", "-qy", "--no-install-recommends", *missing], environ, timeout=300)


@contextmanager
def _network_as_it_was() -> Iterator[None]:
    forwarding = FORWARDING.read_text()
    rules = {kind: run([f"{kind}-save"], os.environ) for kind in ("iptables", "ip6tables")}
    had_bridge = Path("/sys/class/net/docker0").exists()
    try:
        yield
    finally:
        FORWARDING.write_text(forwarding)
        for kind, text in rules.items():
            # An empty table is saved as nothing, which restores nothing.
            emptied = "".join(f"*{table}\nCOMMIT\n" for table in ("filter", "nat"))
            subprocess.run([f"{kind}-restore"], input=text or emptied, text=True, check=True)
        if not had_bridge:
            subprocess.run(["ip", "link", "delete", "docker0"], check=False, capture_output=True)


@contextmanager
def _daemon(folder: Path) -> Iterator[str]:
    host = f"unix://{folder}/docker.sock"
    command: list[str | Path] = ["dockerd", "--host", host, "--pidfile", folder / "docker.pid"]
    command += ["--data-root", folder / "data", "--exec-root", folder / "exec"]
    command += ["--bip", "10.213.0.1/24", "--default-address-pool", "base=10.214.0.0/16,size=24"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + 60
        while not _answers(folder, host):
            said = (folder / "log").read_text()[-2000:]
            assert process.poll() is None, f"dockerd ended with {process.returncode}:\n{said}"
            assert time.monotonic() < deadline, f"dockerd does not answer:\n{said}"
            time.sleep(0.2)
        yield host
    finally:
        # It stops what runs in it; a kill would leave that running.
        process.terminate()
        process.wait(60)
        # Its data is a mount of its own by then, which would keep the folder from going.
        subprocess.run(["umount", folder / "data"], check=False, capture_output=True)


def _answers(folder: Path, host: str) -> bool:
    environ = Docker(host, folder / "home").environ
    return (folder / "docker.sock").exists() and subprocess.run(
        ["docker", "info"], env=environ, capture_output=True
    ).returncode == 0


def clone(folder: Path) -> Path:
    """The files that a clone of this checkout would have, as they are now, below `folder`."""
    listed = run(["git", "ls-files", "-z", "-co", "--exclude-standard"], os.environ, cwd=REPOSITORY)
    for name in filter(None, listed.split("\0")):
        if (REPOSITORY / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(REPOSITORY / name, folder / name)
    return folder
