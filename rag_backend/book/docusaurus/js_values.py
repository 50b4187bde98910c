"""The values that a JavaScript or TypeScript module exports, as far as it states them; nothing is run.

tree-sitter reads the syntax. Constants, shorthands, spreads, conditions, JSON and modules beside it are
followed, a value only when it is asked for. A variable of the environment counts as unset, and production as
the mode. Anything else that is computed is Unknown.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, Final

import tree_sitter_typescript
from tree_sitter import Language, Node, Parser

from rag_backend.book.docusaurus import js_syntax
from rag_backend.book.docusaurus.js_scope import Module, Scope, Unknown, Unset

MAX_STEPS: Final = 20_000
"""Expressions that are looked at for one configuration, which has some hundreds."""
MAX_DEPTH: Final = 60
MAX_MODULE: Final = 1_048_576
"""Bytes of a module or JSON file."""
_TYPED: Final = (".ts", ".mts", ".cts")
_SUFFIXES: Final = ("", ".ts", ".js", ".mjs", ".cjs", ".mts", ".cts", ".json", "/index.ts", "/index.js")
_WRAPPERS: Final = frozenset(
    {"parenthesized_expression", "as_expression", "satisfies_expression", "non_null_expression"}
    | {"await_expression"}
)
_FUNCTIONS: Final = frozenset({"arrow_function", "function_expression", "function_declaration"})
_WORDS: Final = {"true": True, "false": False, "null": None, "undefined": None}


@dataclass(frozen=True, slots=True)
class Object:
    """An object whose members are evaluated when they are asked for."""

    evaluator: "Evaluator"
    node: Node
    scope: Scope

    def get(self, name: str) -> Any:
        """The member's value; None when there is none."""
        found: Any = None
        for child in self.node.named_children:
            if child.type == "spread_element":
                spread = self.evaluator.value(child.named_children[0], self.scope)
                of_spread = member(spread, name)
                found = found if of_spread is None else of_spread
            elif js_syntax.key(child) == name:
                found = self._member(child)
        return found

    def keys(self) -> list[str]:
        found: dict[str, None] = {}
        for child in self.node.named_children:
            if child.type == "spread_element":
                spread = self.evaluator.value(child.named_children[0], self.scope)
                found.update(dict.fromkeys(keys(spread)))
            elif (key := js_syntax.key(child)) is not None:
                found[key] = None
        return list(found)

    def _member(self, child: Node) -> Any:
        if child.type == "pair":
            return self.evaluator.value(js_syntax.part(child, "value"), self.scope)
        if child.type == "method_definition":
            return Unknown(js_syntax.text(child)[:80])
        return self.evaluator.value(child, self.scope)


def member(value: Any, name: str) -> Any:
    """A member of an object; Unknown if the object is not known, None for a missing member."""
    if isinstance(value, Object | Mapping):
        return value.get(name)
    return value if isinstance(value, Unknown) else None


def keys(value: Any) -> list[str]:
    return value.keys() if isinstance(value, Object) else list(value) if isinstance(value, Mapping) else []


class Evaluator:
    """`notes` is called with each assumption that a value rests on."""

    def __init__(self, notes: Callable[[str], None]) -> None:
        self._note = notes
        self._steps = MAX_STEPS
        self._depth = 0
        self._modules: dict[Path, tuple[Module, Scope]] = {}

    def exported(self, path: Path, root: Path, name: str = "default") -> Any:
        """The value that the module at `path` exports under `name`. Raises OSError, UnicodeDecodeError."""
        module, scope = self._load(path, root)
        for child in module.tree.named_children:
            if (value := js_syntax.exported_node(child, name)) is not None:
                return self._called(value, scope)
        return self._of(name, scope) if name != "default" else None

    def value(self, node: Node, scope: Scope) -> Any:
        self._steps -= 1
        if self._steps < 0 or self._depth > MAX_DEPTH:
            return Unknown(js_syntax.text(node)[:80])
        self._depth += 1
        try:
            return self._value(node, scope)
        finally:
            self._depth -= 1

    def _value(self, node: Node, scope: Scope) -> Any:
        kind = node.type
        if kind in _WRAPPERS:
            return self.value(node.named_children[0], scope)
        if kind in _WORDS:
            return _WORDS[kind]
        match kind:
            case "string":
                return js_syntax.string(node)
            case "template_string":
                return self._template(node, scope)
            case "number":
                written = js_syntax.text(node)
                return int(written) if written.isdecimal() else Unknown(written)
            case "object":
                return Object(self, node, scope)
            case "array":
                return list(self._items(node, scope))
            case "identifier" | "shorthand_property_identifier":
                return self._of(js_syntax.text(node), scope)
            case "member_expression":
                return self._member(node, scope)
            case "call_expression":
                return self._call(node, scope)
            case "binary_expression":
                return self._binary(node, scope)
            case "ternary_expression":
                return self._ternary(node, scope)
            case "unary_expression":
                return self._unary(node, scope)
        return Unknown(js_syntax.text(node)[:80])

    def _load(self, path: Path, root: Path) -> tuple[Module, Scope]:
        path = path.resolve()
        if path not in self._modules:
            source = path.read_bytes()[:MAX_MODULE]
            source.decode("utf-8")
            grammar = tree_sitter_typescript.language_typescript if path.suffix in _TYPED else None
            language = Language((grammar or tree_sitter_typescript.language_tsx)())
            module = Module(path, root, Parser(language).parse(source).root_node)
            scope = Scope(module)
            scope.names.update(js_syntax.declared(module.tree))
            self._modules[path] = module, scope
        return self._modules[path]

    def _of(self, name: str, scope: Scope) -> Any:
        if name == "__dirname":
            return str(scope.module.path.parent)
        found = scope.find(name)
        if found is None:
            return None if name == "undefined" else Unknown(name)
        declared, owner = found
        if isinstance(declared, js_syntax.Imported):
            return self._imported(declared, owner.module)
        if declared.type in _FUNCTIONS:
            return Unknown(name)
        return self.value(declared, owner)

    def _imported(self, imported: js_syntax.Imported, module: Module) -> Any:
        if not imported.source.startswith(("./", "../")):
            return Unknown(imported.source)
        for suffix in _SUFFIXES:
            path = (module.path.parent / f"{imported.source}{suffix}").resolve()
            if path.is_file() and path.is_relative_to(module.root.resolve()):
                try:
                    return self._of_file(path, module.root, imported.name)
                except (OSError, ValueError):
                    break
        return Unknown(imported.source)

    def _of_file(self, path: Path, root: Path, name: str) -> Any:
        if path.suffix != ".json":
            whole = self.exported(path, root)
            named = None if name == "default" else self.exported(path, root, name)
            return whole if name == "default" else member(whole, name) if named is None else named
        with path.open("rb") as file:
            whole = json.loads(file.read(MAX_MODULE))
        return whole if name == "default" else member(whole, name)

    def _items(self, node: Node, scope: Scope) -> Iterator[Any]:
        for child in node.named_children:
            if child.type == "spread_element":
                spread = self.value(child.named_children[0], scope)
                yield from spread if isinstance(spread, list) else [spread]
            elif child.type != "comment":
                yield self.value(child, scope)

    def _template(self, node: Node, scope: Scope) -> Any:
        text = ""
        for child in node.named_children:
            if child.type == "template_substitution":
                piece = self.value(child.named_children[0], scope)
                if not isinstance(piece, str | int | float):
                    return Unknown(js_syntax.text(node)[:80])
                text += str(piece)
            else:
                text += js_syntax.unescaped(child)
        return text

    def _member(self, node: Node, scope: Scope) -> Any:
        written = js_syntax.text(node)
        if written == "process.env.NODE_ENV":
            return "production"
        if written.startswith("process.env."):
            return Unset(written)
        if written == "import.meta.dirname":
            return str(scope.module.path.parent)
        return member(
            self.value(js_syntax.part(node, "object"), scope),
            js_syntax.text(js_syntax.part(node, "property")),
        )

    def _call(self, node: Node, scope: Scope) -> Any:
        called = js_syntax.part(node, "function")
        given = list(self._items(js_syntax.part(node, "arguments"), scope))
        match js_syntax.text(called).rpartition(".")[2]:
            case "resolve" | "join" if given and all(isinstance(part, str) for part in given):
                return str(PurePath(*given)) if "require" not in js_syntax.text(called) else given[0]
            case "require" if given and isinstance(given[0], str):
                return self._imported(js_syntax.Imported(given[0], "default"), scope.module)
            case "assign":
                return Unknown(js_syntax.text(node)[:80])
        found = scope.find(js_syntax.text(called))
        if found and isinstance(found[0], Node) and found[0].type in _FUNCTIONS:
            return self._called(found[0], found[1])
        return Unknown(js_syntax.text(node)[:80])

    def _called(self, node: Node, scope: Scope) -> Any:
        """A value, or what a function returns in the end."""
        found = scope.find(js_syntax.text(node)) if node.type == "identifier" else None
        if found is not None and isinstance(found[0], Node):
            return self._called(found[0], found[1])
        if node.type not in _FUNCTIONS:
            return self.value(node, scope)
        body = js_syntax.part(node, "body")
        if body.type != "statement_block":
            return self.value(body, scope)
        inner = Scope(scope.module, js_syntax.declared(body), scope)
        returns = [child for child in body.named_children if child.type == "return_statement"]
        if not returns or not returns[-1].named_children:
            return Unknown(js_syntax.text(node)[:80])
        return self._called(returns[-1].named_children[0], inner)

    def _binary(self, node: Node, scope: Scope) -> Any:
        operator = js_syntax.text(js_syntax.part(node, "operator"))
        left = self.value(js_syntax.part(node, "left"), scope)
        if operator in ("||", "??", "&&"):
            taken = self._is_true(left) if operator != "??" else self._is_there(left)
            if taken is None:
                return Unknown(js_syntax.text(node)[:80])
            return left if taken == (operator != "&&") else self.value(js_syntax.part(node, "right"), scope)
        right = self.value(js_syntax.part(node, "right"), scope)
        if any(isinstance(side, Unknown) for side in (left, right)):
            return Unknown(js_syntax.text(node)[:80])
        for side in (left, right):
            if isinstance(side, Unset):
                self._is_true(side)
        match operator:
            case "+" if isinstance(left, str) and isinstance(right, str):
                return left + right
            case "===" | "==":
                return left == right
            case "!==" | "!=":
                return left != right
        return Unknown(js_syntax.text(node)[:80])

    def _ternary(self, node: Node, scope: Scope) -> Any:
        holds = self._is_true(self.value(js_syntax.part(node, "condition"), scope))
        if holds is None:
            return Unknown(js_syntax.text(node)[:80])
        return self.value(js_syntax.part(node, "consequence" if holds else "alternative"), scope)

    def _unary(self, node: Node, scope: Scope) -> Any:
        if js_syntax.text(js_syntax.part(node, "operator")) != "!":
            return Unknown(js_syntax.text(node)[:80])
        holds = self._is_true(self.value(js_syntax.part(node, "argument"), scope))
        return Unknown(js_syntax.text(node)[:80]) if holds is None else not holds

    def _is_true(self, value: Any) -> bool | None:
        if isinstance(value, Unknown):
            return None
        if isinstance(value, Unset):
            self._note(f"{value.name} is taken as unset.")
            return False
        return bool(value) or isinstance(value, list | Object)

    def _is_there(self, value: Any) -> bool | None:
        if isinstance(value, Unset):
            return self._is_true(value)
        return None if isinstance(value, Unknown) else value is not None
