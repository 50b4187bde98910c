"""Reads names, keys, strings and changes from tree-sitter's nodes of a JavaScript module."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from tree_sitter import Node

_ESCAPED: Final = {"n": "\n", "t": "\t", "r": "\r", "\n": ""}
_GROWS: Final = frozenset({"push", "unshift"})
_ASSIGNMENTS: Final = {
    "assignment_expression": "left",
    "augmented_assignment_expression": "left",
    "update_expression": "argument",
}


ALL: Final = "*"
"""The name of all that a module exports."""


@dataclass(frozen=True, slots=True)
class Imported:
    source: str
    name: str


@dataclass(frozen=True, slots=True)
class Destructured:
    """The member `key` of an object or a list, or `default` where it has none."""

    whole: Any
    key: str | int
    default: Node | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A statement's change of a value: of the member at `path` of it, or of the value itself.

    `node` is what the member becomes, or with `grows` what a list gets as one more item; None where that
    depends on more than the statement.
    """

    path: tuple[str, ...]
    node: Node | None
    grows: bool = False


def declared(block: Node) -> dict[str, Any]:
    """The names that the statements of a block declare, with their nodes."""
    found: dict[str, Any] = {}
    for statement in block.named_children:
        declaration = _declaration(statement)
        if declaration.type == "import_statement":
            found.update(_imports(declaration))
        elif declaration.type == "function_declaration":
            found[text(part(declaration, "name"))] = declaration
        elif declaration.type in ("lexical_declaration", "variable_declaration"):
            found.update(_variables(declaration))
    return found


def _declaration(statement: Node) -> Node:
    if statement.type == "export_statement":
        return statement.child_by_field_name("declaration") or statement
    return statement


def _variables(declaration: Node) -> Iterator[tuple[str, Any]]:
    for declarator in declaration.named_children:
        name, value = declarator.child_by_field_name("name"), declarator.child_by_field_name("value")
        if name is not None and value is not None:
            yield from bound(name, value)


def bound(pattern: Node, value: Any) -> Iterator[tuple[str, Any]]:
    """The names that a pattern gives to a value and to its members. Members of members have none."""
    if pattern.type == "identifier":
        yield text(pattern), value
    if pattern.type not in ("object_pattern", "array_pattern"):
        return
    place = 0
    for member in pattern.children:
        place += member.type == ","
        default = None
        target = part(member, "value") if member.type == "pair_pattern" else member
        if target.type in ("object_assignment_pattern", "assignment_pattern"):
            target, default = part(target, "left"), part(target, "right")
        if target.type in ("identifier", "shorthand_property_identifier_pattern"):
            name = text(target)
            key = text(part(member, "key")) if member.type == "pair_pattern" else name
            yield name, Destructured(value, place if pattern.type == "array_pattern" else key, default)


def _imports(statement: Node) -> Iterator[tuple[str, Imported]]:
    source = statement.child_by_field_name("source")
    clauses = [child for child in statement.named_children if child.type == "import_clause"]
    if source is None:
        return
    for clause in clauses[0].named_children if clauses else ():
        if clause.type == "identifier":
            yield text(clause), Imported(string(source), "default")
        if clause.type == "namespace_import":
            yield text(inner(clause)), Imported(string(source), ALL)
        for specifier in clause.named_children if clause.type == "named_imports" else ():
            name = text(part(specifier, "name"))
            alias = specifier.child_by_field_name("alias")
            yield text(alias) if alias is not None else name, Imported(string(source), name)


def exported_node(statement: Node, name: str) -> Node | Imported | None:
    """The value that a top-level statement exports as `name`: ES modules' or CommonJS' way."""
    if statement.type == "export_statement":
        listed = [child for child in statement.named_children if child.type == "export_clause"]
        if listed:
            return _listed(listed[0], statement.child_by_field_name("source"), name)
        # TypeScript's `export =` is the whole module, as in CommonJS.
        is_default = any(child.type in ("default", "=") for child in statement.children)
        declaration = statement.child_by_field_name("declaration")
        exported = statement.child_by_field_name("value") or declaration or inner(statement)
        return exported if is_default and name == "default" else None
    assignment = inner(statement)
    if statement.type != "expression_statement" or assignment.type != "assignment_expression":
        return None
    targets = ("module.exports",) if name == "default" else (f"module.exports.{name}", f"exports.{name}")
    return part(assignment, "right") if text(part(assignment, "left")) in targets else None


def exports(statement: Node) -> bool:
    """Return True for a top-level statement that exports something."""
    assignment = inner(statement)
    return statement.type == "export_statement" or (
        assignment.type == "assignment_expression"
        and text(part(assignment, "left")).startswith(("module.exports", "exports."))
    )


def _listed(clause: Node, source: Node | None, name: str) -> Node | Imported | None:
    for specifier in clause.named_children:
        own = part(specifier, "name")
        if text(specifier.child_by_field_name("alias") or own) == name:
            return own if source is None else Imported(string(source), text(own))
    return None


def changes(block: Node) -> dict[str, list[Change]]:
    """The changes within a block of the values that its names, and those around it, were declared with."""
    found: dict[str, list[Change]] = {}
    constants = {
        name
        for statement in block.named_children
        if (declaration := _declaration(statement)).type == "lexical_declaration"
        and text(declaration).startswith("const")
        for name, _ in _variables(declaration)
    }
    waiting = [block]
    while waiting:
        node = waiting.pop()
        waiting.extend(reversed(node.named_children))
        for name, change in _changed(node, block):
            # A constant keeps its value, so another variable of its name is meant.
            if change.path or change.grows or name not in constants:
                found.setdefault(name, []).append(change)
    return found


def _changed(node: Node, block: Node) -> Iterator[tuple[str, Change]]:
    if node.type not in _ASSIGNMENTS and node.type != "call_expression":
        return
    statement = (
        node.parent if node.parent is not None and node.parent.type == "expression_statement" else None
    )
    is_sure = statement is not None and statement.parent == block
    if node.type in _ASSIGNMENTS:
        name, *path = _path(part(node, _ASSIGNMENTS[node.type])) or [""]
        becomes = node.child_by_field_name("right") if node.type == "assignment_expression" else None
        is_sure = is_sure and bool(path) and becomes is not None and not _mentions(becomes, name)
        if name:
            yield name, Change(tuple(path), becomes if is_sure else None)
        return
    called = part(node, "function")
    name, *path = _path(called) or [""]
    if path and path[-1] in _GROWS:
        for given in part(node, "arguments").named_children:
            yield name, Change(tuple(path[:-1]), given if is_sure else None, grows=True)
    elif path and path[-1] == "splice":
        yield name, Change(tuple(path[:-1]), None)
    elif statement is not None and text(called) == "Object.assign":
        yield text(inner(part(node, "arguments"))), Change((), None, grows=True)


def _path(node: Node) -> list[str]:
    """`config.a['b']` as its parts; none for what does not begin with a name."""
    parts: list[str] = []
    while node.type in ("member_expression", "subscript_expression"):
        index = node.child_by_field_name("index")
        if index is not None and index.type != "string":
            return []
        parts.append(text(part(node, "property")) if index is None else string(index))
        node = part(node, "object")
    return [text(node), *reversed(parts)] if node.type == "identifier" else []


def _mentions(node: Node, name: str) -> bool:
    waiting = [node]
    while waiting:
        at = waiting.pop()
        if at.type in ("identifier", "shorthand_property_identifier") and text(at) == name:
            return True
        waiting.extend(at.named_children)
    return False


def key(child: Node) -> str | None:
    if child.type == "pair":
        name = part(child, "key")
        return string(name) if name.type == "string" else text(name)
    if child.type == "method_definition":
        return text(part(child, "name"))
    return text(child) if child.type == "shorthand_property_identifier" else None


def string(node: Node) -> str:
    return "".join(map(unescaped, node.named_children))


def unescaped(node: Node) -> str:
    source = text(node)
    if node.type != "escape_sequence":
        return source
    if source[1:2] in ("u", "x"):
        return chr(int(source[2:].strip("{}"), 16))
    return _ESCAPED.get(source[1:], source[1:])


def part(node: Node, name: str) -> Node:
    """A child that the grammar prescribes; where the source has an error, the node itself."""
    return node.child_by_field_name(name) or node


def inner(node: Node) -> Node:
    """The first child that is no comment, such as the value in parentheses; the node itself if it has
    none."""
    return next((child for child in node.named_children if child.type != "comment"), node)


def text(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "replace")
