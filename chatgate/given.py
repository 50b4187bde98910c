"""The settings that the operator gave, before the gaps are filled."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from chatgate.faults import Fault
from edge.config.variables import variable


class Given:
    """Settings from the variables and from the operator's own file; the variables win."""

    def __init__(self, environ: Mapping[str, str], file: Mapping[str, Any]) -> None:
        self._environ = environ
        self._file = file

    def has(self, *path: str) -> bool:
        name = variable(*path)
        return (
            bool(self._environ.get(name))
            or f"{name}_FILE" in self._environ
            or self._in_file(path) is not None
        )

    def value(self, key: str, default: str) -> str:
        return str(self._environ.get(variable(key)) or self._in_file((key,)) or default)

    def port(self, default: int, *path: str) -> int:
        name = variable(*path)
        text = self._environ.get(name) or self._in_file(path) or default
        with suppress(ValueError):
            if 1 <= int(text) <= 65535:
                return int(text)
        raise Fault(f"{name} is {text!r}: a port is a number from 1 to 65535. Correct it or unset it.")

    def _in_file(self, path: tuple[str, ...]) -> Any:
        found: Any = self._file
        for part in path:
            found = found.get(part) if isinstance(found, Mapping) else None
        return found
