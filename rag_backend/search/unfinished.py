"""Vectors that were made for an index which is not written yet, in a file beside it: a large book's take an
hour, and after an interruption the work need not begin again.

Each line is a digest and a vector in hexadecimal, and lines are only added. A line that a killed process cut
is no such pair, even if the next line is appended to it.
"""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

DIGEST: Final = 32
"""Bytes of a SHA-256."""


def add(index: Path, vectors: Mapping[bytes, bytes]) -> None:
    """Keep them for the index. Raises OSError."""
    index.parent.mkdir(parents=True, exist_ok=True)
    lines = "".join(f"{digest.hex()} {vector.hex()}\n" for digest, vector in vectors.items())
    with _beside(index).open("ab") as file:
        # One write, so that the lines of two builds at the same time stay whole.
        file.write(lines.encode())


def read(index: Path) -> dict[bytes, bytes]:
    """The vectors that are kept for the index, by their digests."""
    try:
        lines = _beside(index).read_bytes().splitlines(keepends=True)
    except OSError:
        return {}
    return dict(filter(None, map(_pair, lines)))


def forget(index: Path) -> None:
    """Remove them, once the index has those that it needs."""
    with suppress(FileNotFoundError):
        _beside(index).unlink()


def _beside(index: Path) -> Path:
    return index.with_name(f".{index.name}.vectors")


def _pair(line: bytes) -> tuple[bytes, bytes] | None:
    try:
        digest, vector = map(bytes.fromhex, line.decode().removesuffix("\n").split(" "))
    except ValueError:
        return None
    return (digest, vector) if line.endswith(b"\n") and len(digest) == DIGEST and vector else None
