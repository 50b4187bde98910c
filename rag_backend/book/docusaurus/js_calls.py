"""Calls in a configuration: of its own functions, of Node's paths, and of what puts lists and objects
together."""

import posixpath
from collections.abc import Callable, Iterator, Sequence
from pathlib import PurePath
from typing import Any, Final, Protocol

from tree_sitter import Node

from rag_backend.book.docusaurus import js_syntax
from rag_backend.book.docusaurus.js_objects import Evaluates, Merged, is_object, keys, member
from rag_backend.book.docusaurus.js_scope import Known, Scope, Unknown

FUNCTIONS: Final = frozenset({"arrow_function", "function_expression", "function_declaration"})
MAX_NAMES: Final = 20
"""Names that stand for one another until a function is found."""
_PATHS: Final = frozenset({"path", "node:path", "pathe", "upath"})


class Evaluator(Evaluates, Protocol):
    @property
    def folder(self) -> str: ...

    def items(self, node: Node, scope: Scope) -> Iterator[Any]: ...

    def required(self, source: str, scope: Scope) -> Any: ...

    def is_true(self, value: Any) -> bool | None: ...


def call(evaluator: Evaluator, node: Node, scope: Scope) -> Any:
    """The value of a call, or of `new URL`."""
    called = js_syntax.part(node, "constructor" if node.type == "new_expression" else "function")
    written = js_syntax.text(called)
    given = list(evaluator.items(js_syntax.part(node, "arguments"), scope))
    unknown = Unknown(js_syntax.text(node)[:80])
    match written, given:
        case "require", [str(source)]:
            return evaluator.required(source, scope)
        case "require.resolve" | "import.meta.resolve", [str(source)]:
            return source
        case "process.cwd", []:
            return evaluator.folder
        case "Object.assign", [_, *_]:
            return Merged(given)
        case "Object.keys" | "Object.values" | "Object.entries", [whole] if is_object(whole):
            pairs = [[key, member(whole, key)] for key in keys(whole)]
            place = {"keys": 0, "values": 1}.get(written.rpartition(".")[2])
            return pairs if place is None else [pair[place] for pair in pairs]
        case "URL", [str(path), str(base)]:
            return str(PurePath(base).parent / path)
        case "Promise.resolve" | "Object.freeze" | "fileURLToPath" | "url.fileURLToPath", [value]:
            return value
    function = _function(called, scope)
    if function is not None:
        return returned(evaluator, function[0], function[1], given)
    if called.type != "member_expression":
        return _path(written, given, unknown) if _is_of_paths(evaluator, called, scope) else unknown
    whole = evaluator.value(js_syntax.part(called, "object"), scope)
    name = js_syntax.text(js_syntax.part(called, "property"))
    if isinstance(whole, list):
        arguments = js_syntax.part(node, "arguments")
        return _of_list(evaluator, whole, name, given, _function(js_syntax.inner(arguments), scope), unknown)
    if isinstance(whole, str) and name == "concat" and all(isinstance(one, str) for one in given):
        return whole + "".join(given)
    return _path(name, given, unknown) if _is_of_paths(evaluator, called, scope) else unknown


def returned(evaluator: Evaluator, node: Node, scope: Scope, given: Sequence[Any] = ()) -> Any:
    """A value, or what a function returns in the end."""
    function = _function(node, scope)
    if function is None:
        return evaluator.value(node, scope)
    node, scope = function
    inner = Scope(scope.module, dict(_parameters(node, given)), scope)
    body = js_syntax.part(node, "body")
    if body.type != "statement_block":
        return evaluator.value(body, inner)
    inner.names |= js_syntax.declared(body)
    inner.changes = js_syntax.changes(body)
    found = _of_block(evaluator, body, inner)
    return Unknown(js_syntax.text(node)[:80]) if found is None else found[0]


def _function(node: Node, scope: Scope) -> tuple[Node, Scope] | None:
    """A function that is written here, or that a name stands for, with the scope around it."""
    for _ in range(MAX_NAMES):
        if node.type in FUNCTIONS:
            return node, scope
        if node.type == "parenthesized_expression":
            node = js_syntax.inner(node)
        found = scope.find(js_syntax.text(node)) if node.type == "identifier" else None
        if found is not None and isinstance(found[0], Node):
            node, scope = found
        elif node.type not in FUNCTIONS:
            return None
    return None


def _parameters(function: Node, given: Sequence[Any]) -> Iterator[tuple[str, Any]]:
    single = function.child_by_field_name("parameter")
    listed = js_syntax.part(function, "parameters").named_children if single is None else [single]
    for place, parameter in enumerate(one for one in listed if one.type != "comment"):
        value = given[place] if place < len(given) else None
        default = parameter.child_by_field_name("value")
        pattern = parameter.child_by_field_name("pattern") or parameter
        if value is None and default is not None:
            yield from js_syntax.bound(pattern, default)
        else:
            yield from js_syntax.bound(pattern, Known(value))


def _of_block(evaluator: Evaluator, block: Node, scope: Scope) -> tuple[Any] | None:
    """The value that the statements of a function return; None where they end without one."""
    statements = block.named_children if block.type in ("statement_block", "else_clause") else [block]
    for statement in statements:
        if statement.type == "return_statement":
            value = js_syntax.inner(statement)
            return (None,) if value == statement else (returned(evaluator, value, scope),)
        if statement.type == "if_statement" and _returns(statement):
            condition = js_syntax.part(statement, "condition")
            holds = evaluator.is_true(evaluator.value(condition, scope))
            if holds is None:
                return (Unknown(js_syntax.text(statement)[:80]),)
            branch = statement.child_by_field_name("consequence" if holds else "alternative")
            found = _of_block(evaluator, branch, scope) if branch is not None else None
            if found is not None:
                return found
        elif statement.type != "function_declaration" and _returns(statement):
            # A loop, a switch or a try.
            return (Unknown(js_syntax.text(statement)[:80]),)
    return None


def _returns(node: Node) -> bool:
    """Return True if a statement may end its function."""
    waiting = [node]
    while waiting:
        at = waiting.pop()
        if at.type == "return_statement":
            return True
        waiting.extend(child for child in at.named_children if child.type not in FUNCTIONS)
    return False


def _of_list(
    evaluator: Evaluator,
    whole: list[Any],
    method: str,
    given: list[Any],
    function: tuple[Node, Scope] | None,
    unknown: Unknown,
) -> Any:
    match method:
        case "filter" if given == [Unknown("Boolean")]:
            return [one for one in whole if evaluator.is_true(one) is not False]
        case "concat":
            return [*whole, *(one for many in given for one in (many if isinstance(many, list) else [many]))]
        case "flat" if not given:
            return [one for many in whole for one in (many if isinstance(many, list) else [many])]
        case "map" | "flatMap" if function is not None:
            made = [returned(evaluator, *function, given=(one, place)) for place, one in enumerate(whole)]
            return made if method == "map" else _of_list(evaluator, made, "flat", [], None, unknown)
        case "join" if all(isinstance(one, str) for one in (*whole, *given)):
            return (given[0] if given else ",").join(whole)
    return unknown


def _is_of_paths(evaluator: Evaluator, called: Node, scope: Scope) -> bool:
    """Return True for a function of Node's `path`, whole or imported by its name."""
    whole = js_syntax.part(called, "object") if called.type == "member_expression" else called
    value = evaluator.value(whole, scope)
    # `import * as path` declares no name here.
    return isinstance(value, Unknown) and value.source in _PATHS


_OF_PATHS: Final[dict[str, Callable[..., str]]] = {
    "join": lambda *parts: _joined(parts),
    "resolve": lambda *parts: str(PurePath(*parts)),
    "dirname": lambda path: str(PurePath(path).parent),
    "normalize": lambda path: _joined([path]),
}


def _path(name: str, given: list[Any], unknown: Unknown) -> Any:
    if not given or name not in _OF_PATHS or not all(isinstance(part, str) for part in given):
        return unknown
    try:
        return _OF_PATHS[name](*given)
    except TypeError:
        return unknown


def _joined(parts: Sequence[str]) -> str:
    """As Node's `path.join`, which keeps a last slash."""
    whole = "/".join(filter(None, parts))
    normal = posixpath.normpath(whole) if whole else "."
    # POSIX, and not Node, knows a root of two slashes.
    normal = normal[1:] if normal.startswith("//") else normal
    return f"{normal}/" if whole.endswith("/") and not normal.endswith("/") else normal
