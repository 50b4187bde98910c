"""The modules and names that an evaluation of JavaScript goes through, and stand-ins for values that are not
known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tree_sitter import Node

from rag_backend.book.docusaurus.js_syntax import Change


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that the module computes; `source` is the code that does.

    `is_code` is True for a function and for a package, which are no settings.
    """

    source: str
    is_code: bool = False


@dataclass(frozen=True, slots=True)
class Unset:
    """A variable of the environment."""

    name: str


@dataclass(frozen=True, slots=True)
class Known:
    """A value that a function was given under a name."""

    value: Any


class Environment:
    """`process.env` in a build for production, in which no other variable is known to be set."""

    def get(self, name: str) -> "str | Unset":
        return "production" if name == "NODE_ENV" else Unset(f"process.env.{name}")


@dataclass(slots=True)
class Scope:
    """The names of a module or of a function in it, and the changes that statements make to their values."""

    module: "Module"
    names: dict[str, Any] = field(default_factory=dict)
    outer: "Scope | None" = None
    changes: Mapping[str, Sequence[Change]] = field(default_factory=dict)

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
