"""The modules and names that an evaluation of JavaScript goes through, and stand-ins for values that are not
known."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tree_sitter import Node


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that the module computes; `source` is the code that does."""

    source: str


@dataclass(frozen=True, slots=True)
class Unset:
    """A variable of the environment."""

    name: str


@dataclass(slots=True)
class Scope:
    """The names of a module or of a function in it."""

    module: "Module"
    names: dict[str, Any] = field(default_factory=dict)
    outer: "Scope | None" = None

    def find(self, name: str) -> tuple[Any, "Scope"] | None:
        if name in self.names:
            return self.names[name], self
        return self.outer.find(name) if self.outer else None


@dataclass(slots=True)
class Module:
    """A parsed file; `root` bounds the files that it may import."""

    path: Path
    root: Path
    tree: Node
