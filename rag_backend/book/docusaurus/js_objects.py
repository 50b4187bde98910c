"""Objects of JavaScript whose members are evaluated when they are asked for."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final, Protocol

from tree_sitter import Node

from rag_backend.book.docusaurus import js_syntax
from rag_backend.book.docusaurus.js_scope import Environment, Scope, Unknown
from rag_backend.book.docusaurus.js_syntax import Change

_LATER: Final = Unknown("a later statement")


class Evaluates(Protocol):
    def value(self, node: Node, scope: Scope) -> Any:
        """The value of an expression."""

    def deeper(self) -> AbstractContextManager[bool]:
        """A level of the evaluation; False where there are too many, as objects may hold themselves."""


@dataclass(frozen=True, slots=True)
class Object:
    """An object as it is written."""

    evaluator: Evaluates
    node: Node
    scope: Scope

    def get(self, name: str) -> Any:
        """The member's value; None when there is none."""
        found: Any = None
        for child in self.node.named_children:
            if child.type == "spread_element":
                of_spread = self._of_spread(child, lambda spread: member(spread, name))
                found = found if of_spread is None else of_spread
            elif js_syntax.key(child) == name:
                found = self._member(child)
        return found

    def keys(self) -> list[str]:
        found: dict[str, None] = {}
        for child in self.node.named_children:
            if child.type == "spread_element":
                of_spread = self._of_spread(child, keys)
                found.update(dict.fromkeys(of_spread if isinstance(of_spread, list) else []))
            elif (key := js_syntax.key(child)) is not None:
                found[key] = None
        return list(found)

    def _of_spread(self, child: Node, take: Callable[[Any], Any]) -> Any:
        with self.evaluator.deeper() as goes_on:
            if not goes_on:
                return Unknown(js_syntax.text(child)[:80])
            return take(self.evaluator.value(js_syntax.inner(child), self.scope))

    def _member(self, child: Node) -> Any:
        if child.type == "pair":
            return self.evaluator.value(js_syntax.part(child, "value"), self.scope)
        if child.type == "method_definition":
            return Unknown(js_syntax.text(child)[:80], is_code=True)
        return self.evaluator.value(child, self.scope)


@dataclass(frozen=True, slots=True)
class Merged:
    """The members of several objects, as `Object.assign` puts them into one: the last one wins."""

    parts: Sequence[Any]

    def get(self, name: str) -> Any:
        found = [value for value in (member(part, name) for part in self.parts) if value is not None]
        return found[-1] if found else None

    def keys(self) -> list[str]:
        return list(dict.fromkeys(key for part in self.parts for key in keys(part)))


@dataclass(frozen=True, slots=True)
class Namespace:
    """All that a module exports, under the names by which it does."""

    exported: Callable[[str], Any]

    def get(self, name: str) -> Any:
        return self.exported(name)

    def keys(self) -> list[str]:
        return []


@dataclass(frozen=True, slots=True)
class Changed:
    """An object with the changes of its members, in their order."""

    evaluator: Evaluates
    whole: Any
    changes: Sequence[Change]
    scope: Scope

    def get(self, name: str) -> Any:
        of_member = [
            Change(change.path[1:], change.node, change.grows)
            for change in self.changes
            if change.path[0] == name
        ]
        return changed(self.evaluator, member(self.whole, name), of_member, self.scope)

    def keys(self) -> list[str]:
        return list(dict.fromkeys((*keys(self.whole), *(change.path[0] for change in self.changes))))


def changed(evaluator: Evaluates, value: Any, changes: Sequence[Change], scope: Scope) -> Any:
    """A value after statements that change it, or members of it."""
    for is_of_member, group in groupby(changes, lambda change: bool(change.path)):
        if is_of_member:
            # The statements would fail with anything else, or nothing is known of it.
            value = Changed(evaluator, value, list(group), scope) if is_object(value) else value
            continue
        for change in group:
            made = _LATER if change.node is None else evaluator.value(change.node, scope)
            grown = [*value, made] if isinstance(value, list) else _LATER
            value = grown if change.grows else made
    return value


def is_object(value: Any) -> bool:
    return isinstance(value, Object | Merged | Namespace | Changed | Mapping)


def member(value: Any, name: str) -> Any:
    """A member of an object; Unknown for a member of what is not known, None for a missing one."""
    if is_object(value) or isinstance(value, Environment):
        return value.get(name)
    return Unknown(value.source) if isinstance(value, Unknown) else None


def keys(value: Any) -> list[str]:
    return list(value.keys()) if is_object(value) else []
