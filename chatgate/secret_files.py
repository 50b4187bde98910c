"""The secrets of development: made once, and kept in files of the data folder that others cannot read."""

import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from chatgate.faults import Fault
from chatgate.given import Given
from edge.config.variables import variable


def variables(given: Given, named: Mapping[str, Any], data_dir: Path, *, make: bool) -> dict[str, str]:
    """The variables of the secrets that are not given. With `make` their files are made where they are
    missing; without it a missing one is made up. Raises Fault when the data folder cannot be used."""
    files = _secret_files(given, named, data_dir / "secrets")
    if make:
        make_private(data_dir)
        for file in files.values():
            _keep_secret(file, data_dir)
    return dict(_told(name, file) for name, file in files.items())


def _told(name: str, file: Path) -> tuple[str, str]:
    return (f"{name}_FILE", str(file)) if os.path.exists(file) else (name, secrets.token_hex(32))


def _secret_files(given: Given, named: Mapping[str, Any], folder: Path) -> dict[str, Path]:
    """The file of each secret that is not given, by the secret's variable."""
    secret_of: dict[tuple[str, ...], Path] = {("broker", "secret"): folder / "broker.secret"}
    for name in named.get("backends", {}):
        secret_of["backends", name, "secret"] = folder / f"backend-{name}.secret"
    return {variable(*path): file for path, file in secret_of.items() if not given.has(*path)}


def _keep_secret(file: Path, data_dir: Path) -> None:
    """Make the file unless it exists. Raises Fault when the data folder cannot be used."""
    try:
        _make_secret(file)
    except OSError as error:
        raise unusable(data_dir, error) from None


def _make_secret(file: Path) -> None:
    """Make the file once; of two processes that make it at the same moment, both use the first one's."""
    if file.exists():
        return
    make_private(file.parent)
    new = file.with_name(f".{file.name}.{os.getpid()}")
    new.touch(0o600)
    try:
        new.write_text(secrets.token_hex(32), encoding="ascii")
        # Unlike a rename, a link fails when the name is taken, and the file is complete when it appears.
        with suppress(FileExistsError):
            os.link(new, file)
    finally:
        new.unlink()


def make_private(folder: Path) -> None:
    """Make a folder that only its owner can enter. Raises Fault when it cannot be made."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise unusable(folder, error) from None


def unusable(data_dir: Path, error: OSError) -> Fault:
    return Fault(
        f"data_dir: {data_dir} cannot be used ({error.strerror or type(error).__name__}). Make it a folder "
        "that this user may write to, or name another in data_dir or CHATGATE_DATA_DIR."
    )
