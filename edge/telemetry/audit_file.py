"""The audit's file, to which several processes add lines at once. Its size is bounded: a full file is
renamed to `<name>.1`, and the newest of the renamed files stay."""

import fcntl
import os
from pathlib import Path
from typing import Final

MAX_BYTES: Final = 10 * 1_048_576
KEPT: Final = 9
"""With the file that grows they make 100 MiB: some 300,000 questions, or sign-ins."""


class CannotAudit(Exception):
    """The file cannot be written; the text names the setting and how to mend it."""


class AuditFile:
    """The file at `path`, of at most `max_bytes` octets, and the `kept` full ones before it. Its constructor
    raises CannotAudit."""

    def __init__(self, path: Path, max_bytes: int = MAX_BYTES, kept: int = KEPT) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._kept = kept
        self._is_torn = False
        try:
            self._fd = self._opened()
        except OSError as error:
            raise CannotAudit(
                f"edge.audit_file: {path} cannot be written ({error.strerror}). Name a file in a folder that "
                "this user may write to, or leave the setting out and read the audit on standard output."
            ) from None

    def write(self, line: bytes) -> None:
        """Write a whole line. Raises OSError when it is not in the file, or not whole."""
        self._follow()
        if os.fstat(self._fd).st_size + len(line) > self._max_bytes:
            self._set_aside()
        # A line that was torn, as the disk was full, must not spoil the next one.
        left = b"\n" + line if self._is_torn else line
        try:
            while left:
                left = left[os.write(self._fd, left) :]
        finally:
            self._is_torn = bool(left)

    def _opened(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def _follow(self) -> None:
        """Open the file that has the name now: another process or logrotate may have renamed the old one."""
        if not self._is_current():
            new = self._opened()
            os.close(self._fd)
            self._fd = new

    def _is_current(self) -> bool:
        try:
            return os.path.samestat(os.stat(self._path), os.fstat(self._fd))
        except FileNotFoundError:
            return False

    def _set_aside(self) -> None:
        # The lock is on the full file itself: a process that had to wait for it finds the file renamed.
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        try:
            if self._is_current():
                for age in range(self._kept, 0, -1):
                    self._move(age - 1, age)
        finally:
            fcntl.flock(self._fd, fcntl.LOCK_UN)
        self._follow()

    def _move(self, old: int, new: int) -> None:
        if (from_ := self._aged(old)).exists():
            os.replace(from_, self._aged(new))

    def _aged(self, age: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{age}") if age else self._path
