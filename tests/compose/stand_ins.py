"""The base images, or local ones of the same names where they cannot be pulled.

A stand-in is Debian's: glibc where the official image has musl, no entry point scripts, other patch versions.
"""

import io
import re
import shutil
import tarfile
import time
from pathlib import Path

from tests.compose.engine import COMPOSE, Docker, run
from tests.missing import cannot
from tests.processes import REPOSITORY

PULL_WITHIN_S = 120
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
PACKAGES = "ca-certificates,python3,python3-venv,redis-server,busybox-static"
APPLETS = ("sh", "cp", "mv", "mkdir", "chown", "wget", "grep", "cat", "ls", "touch", "id")
# cap_net_bind_service, permitted and effective, as the official Caddy has it in its file: VFS_CAP_REVISION_2.
CAPABILITY = bytes.fromhex("0100000200040000000000000000000000000000").decode()


def names() -> dict[str, str]:
    """As the Dockerfile and docker-compose.yml have them, by the part before the colon."""
    written = (REPOSITORY / "Dockerfile").read_text() + (REPOSITORY / "docker-compose.yml").read_text()
    found = re.findall(r"(?:^FROM|image:) ((python|caddy|redis):\S+)", written, re.MULTILINE)
    return {short: name for name, short in found}


def provide(docker: Docker, folder: Path) -> bool:
    """Whether the images are stand-ins. Makes them below `folder`."""
    wanted = names()
    assert set(wanted) == {"python", "caddy", "redis"}
    if all(_pulled(docker, name) for name in wanted.values()):
        return False
    if not shutil.which("mmdebstrap"):
        cannot("the base images cannot be pulled, and there is no mmdebstrap to make stand-ins with")
    debian = _debian(folder)
    # The machine's certificates: what goes out of a build may pass a proxy with a certificate of its own.
    environ = [f"--change=ENV {name}={CERTIFICATES}" for name in ("PIP_CERT", "SSL_CERT_FILE")]
    docker("import", *environ, debian, wanted["python"])
    docker("tag", wanted["python"], wanted["redis"])
    docker("import", _caddy(folder, debian), wanted["caddy"])
    return True


def _pulled(docker: Docker, name: str) -> bool:
    if docker("image", "inspect", name, check=False).returncode == 0:
        return True
    begun = time.monotonic()
    done = docker("pull", "--quiet", name, check=False, timeout=PULL_WITHIN_S)
    return done.returncode == 0 or (time.monotonic() - begun > PULL_WITHIN_S)


def _debian(folder: Path) -> Path:
    made = folder / "debian.tar"
    hooks = (
        f'cp {CERTIFICATES} "$1"{CERTIFICATES}',
        'ln -s /usr/bin/python3 "$1"/usr/local/bin/python3',
        'ln -s /usr/bin/python3 "$1"/usr/local/bin/python',
        'rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*.bin',
    )
    command = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={PACKAGES}"]
    command += [f"--dpkgopt=path-exclude=/usr/share/{part}/*" for part in ("doc", "man", "locale")]
    command += [f"--customize-hook={hook}" for hook in hooks]
    run([*command, "bookworm", made], {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}, timeout=300)
    return made


def _caddy(folder: Path, debian: Path) -> Path:
    """Caddy and a few commands, in the shape of the official image."""
    made = folder / "caddy.tar"
    with tarfile.open(debian) as source, tarfile.open(made, "w", format=tarfile.PAX_FORMAT) as target:
        for member in source:
            if member.name.endswith("bin/busybox") and member.isfile():
                program = source.extractfile(member)
                assert program is not None
                _add(target, "bin/busybox", program.read(), mode=0o755)
        for applet in APPLETS:
            link = tarfile.TarInfo(f"bin/{applet}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            target.addfile(link)
        _add(target, "etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n")
        _add(target, str(CERTIFICATES).lstrip("/"), CERTIFICATES.read_bytes())
        binary = COMPOSE.with_name("caddy").read_bytes()
        _add(target, "usr/bin/caddy", binary, mode=0o755, capability=CAPABILITY)
        _add(target, "usr/share/caddy/index.html", b"official")
        tmp = tarfile.TarInfo("tmp")
        tmp.type, tmp.mode = tarfile.DIRTYPE, 0o1777
        target.addfile(tmp)
    return made


def _add(
    target: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644, capability: str | None = None
) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), mode
    if capability is not None:
        member.pax_headers = {"SCHILY.xattr.security.capability": capability}
    target.addfile(member, io.BytesIO(content))
