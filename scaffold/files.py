"""Writing what was generated."""

import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from .values import Refused


def write(path: Path, text: str, *, force: bool) -> None:
    """A whole new file, or none. Raises Refused for one that is there, unless `force` replaces it."""
    try:
        if not force:
            with path.open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)
            return
        if path.is_dir():
            raise IsADirectoryError
        # In the same folder, so that it can take the old one's place at once.
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", newline="\n", dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as new:
            new.write(text)
        Path(new.name).chmod(0o666 & ~_umask())
        Path(new.name).replace(path)
    except FileExistsError:
        raise Refused(f"{path} is there already. --force replaces it; another --output leaves it.") from None
    except FileNotFoundError:
        raise Refused(f"There is no folder {path.parent}. Make it first.") from None
    except IsADirectoryError:
        raise Refused(f"{path} is a folder. Name a file in it, as in {path / 'backend.py'}.") from None
    except OSError as error:
        raise Refused(f"{path} cannot be written: {error.strerror}.") from None


def write_all(
    folder: Path, texts: Mapping[str, str], twins: Callable[[str], list[str]], *, force: bool
) -> None:
    """All of the files, below `folder`, which it makes with what they need.

    Raises Refused before anything is written where one is there and `force` does not replace it, or where one
    of its `twins` is there: that would be used in its place, and is never taken away here.
    """
    here = [path for path in texts if os.path.lexists(folder / path)]
    if here and not force:
        raise Refused(
            f"{', '.join(here)}: there already, so nothing was written. --force replaces them; another"
            " --output-dir leaves them."
        )
    others = {twin: path for path in texts for twin in twins(path) if os.path.lexists(folder / twin)}
    for twin, path in others.items():
        raise Refused(f"{twin} would be used in the place of {path}. Move it away first.")
    for path, text in texts.items():
        try:
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Refused(f"{(folder / path).parent} cannot be made: {error.strerror}.") from None
        write(folder / path, text, force=force)


def _umask() -> int:
    # The process' mask can only be read by setting it.
    mask = os.umask(0)
    os.umask(mask)
    return mask
