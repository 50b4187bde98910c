"""Reads names, keys and strings from tree-sitter's nodes of a JavaScript module."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from tree_sitter import Node

_ESCAPED: Final = {"n": "\n", "t": "\t", "r": "\r", "\n": ""}


@dataclass(frozen=True, slots=True)
class Imported:
    source: str
    name: str


def declared(block: Node) -> dict[str, Any]:
    """The names that the statements of a block declare, with their nodes."""
    found: dict[str, Any] = {}
    for statement in block.named_children:
        inner = statement
        if statement.type == "export_statement":
            inner = statement.child_by_field_name("declaration") or statement
        if inner.type == "import_statement":
            found.update(_imports(inner))
        elif inner.type == "function_declaration":
            found[text(part(inner, "name"))] = inner
        elif inner.type in ("lexical_declaration", "variable_declaration"):
            found.update(_variables(inner))
    return found


def _variables(declaration: Node) -> Iterator[tuple[str, Any]]:
    for declarator in declaration.named_children:
        name, value = declarator.child_by_field_name("name"), declarator.child_by_field_name("value")
        if name is not None and value is not None and name.type == "identifier":
            yield text(name), value


def _imports(statement: Node) -> Iterator[tuple[str, Imported]]:
    source = statement.child_by_field_name("source")
    clauses = [child for child in statement.named_children if child.type == "import_clause"]
    if source is None:
        return
    for clause in clauses[0].named_children if clauses else ():
        if clause.type == "identifier":
            yield text(clause), Imported(string(source), "default")
        for specifier in clause.named_children if clause.type == "named_imports" else ():
            name = text(part(specifier, "name"))
            alias = specifier.child_by_field_name("alias")
            yield text(alias) if alias is not None else name, Imported(string(source), name)


def exported_node(statement: Node, name: str) -> Node | None:
    """The node that a top-level statement exports as `name`: ES modules' or CommonJS' way."""
    if statement.type == "export_statement" and name == "default":
        is_default = any(child.type == "default" for child in statement.children)
        exported = statement.child_by_field_name("value") or statement.child_by_field_name("declaration")
        return exported if is_default else None
    if (
        statement.type != "expression_statement"
        or statement.named_children[0].type != "assignment_expression"
    ):
        return None
    assignment = statement.named_children[0]
    targets = ("module.exports",) if name == "default" else (f"module.exports.{name}", f"exports.{name}")
    return part(assignment, "right") if text(part(assignment, "left")) in targets else None


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


def text(node: Node) -> str:
    return (node.text or b"").decode("utf-8", "replace")
