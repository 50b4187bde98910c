"""The values that a JavaScript or TypeScript module exports, as far as it states them; nothing is run.

tree-sitter reads the syntax. Constants, shorthands, spreads, conditions, calls of the module's own functions,
JSON and modules beside it are followed, a value only when it is asked for. A variable of the environment
counts as unset, and production as the mode. Anything else that is computed is Unknown.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tree_sitter import Node

from rag_backend.book import syntax_trees
from rag_backend.book.docusaurus import js_calls, js_objects, js_syntax
from rag_backend.book.docusaurus.js_objects import Namespace, Object, member
from rag_backend.book.docusaurus.js_scope import Environment, Known, Module, Scope, Unknown, Unset

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
_WORDS: Final = {"true": True, "false": False, "null": None, "undefined": None}


class Evaluator:
    """`notes` is called with each assumption that a value rests on. `files` are those that were read."""

    def __init__(self, notes: Callable[[str], None]) -> None:
        self._note = notes
        self._steps = MAX_STEPS
        self._depth = 0
        self._modules: dict[Path, tuple[Module, Scope]] = {}
        self.files: dict[Path, None] = {}

    def exported(self, path: Path, root: Path, name: str = "default") -> Any:
        """The value that the module at `path` exports under `name`, all of them where it has no default.

        Raises OSError, UnicodeDecodeError.
        """
        module, scope = self._load(path, root)
        with self.deeper() as goes_on:
            return self._exported(module, scope, name) if goes_on else Unknown(f"the exports of {path.name}")

    def _exported(self, module: Module, scope: Scope, name: str) -> Any:
        path, root = module.path, module.root
        if name == js_syntax.ALL:
            return Namespace(lambda one: self.exported(path, root, one))
        for child in module.tree.named_children:
            exported = js_syntax.exported_node(child, name)
            if isinstance(exported, js_syntax.Imported):
                return self._imported(exported, module)
            if exported is not None:
                return self._changed_exports(js_calls.returned(self, exported, scope), name, scope)
        if name != "default":
            found = scope.find(name)
            return self._of(name, scope) if found else None
        if any(map(js_syntax.exports, module.tree.named_children)):
            return self.exported(path, root, js_syntax.ALL)
        return Unknown(f"the exports of {path.name}")

    def value(self, node: Node, scope: Scope) -> Any:
        with self.deeper() as goes_on:
            return self._value(node, scope) if goes_on else Unknown(js_syntax.text(node)[:80])

    @contextmanager
    def deeper(self) -> Iterator[bool]:
        """A level of the evaluation; False where there are too many, or too many were gone through."""
        self._steps -= 1
        self._depth += 1
        try:
            yield self._steps >= 0 and self._depth <= MAX_DEPTH
        finally:
            self._depth -= 1

    def items(self, node: Node, scope: Scope) -> Iterator[Any]:
        """The values of an array, or of the arguments of a call."""
        for child in node.named_children:
            if child.type == "spread_element":
                spread = self.value(js_syntax.inner(child), scope)
                yield from spread if isinstance(spread, list) else [spread]
            elif child.type != "comment":
                yield self.value(child, scope)

    def required(self, source: str, scope: Scope) -> Any:
        """The value of a module or JSON file that CommonJS requires."""
        return self._imported(js_syntax.Imported(source, "default"), scope.module)

    @property
    def folder(self) -> str:
        """The folder of the first module, in which the site's commands are run."""
        return str(next(iter(self._modules)).parent)

    def is_true(self, value: Any) -> bool | None:
        if isinstance(value, Unknown):
            return None
        if isinstance(value, Unset):
            self._note(f"{value.name} is taken as unset.")
            return False
        return bool(value) or isinstance(value, list) or js_objects.is_object(value)

    def _value(self, node: Node, scope: Scope) -> Any:
        kind = node.type
        if kind in _WRAPPERS:
            return self.value(js_syntax.inner(node), scope)
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
                return list(self.items(node, scope))
            case "identifier" | "shorthand_property_identifier":
                return self._of(js_syntax.text(node), scope)
            case "member_expression" | "subscript_expression":
                return self._member(node, scope)
            case "call_expression" | "new_expression":
                return js_calls.call(self, node, scope)
            case "binary_expression":
                return self._binary(node, scope)
            case "ternary_expression":
                return self._ternary(node, scope)
            case "unary_expression":
                return self._unary(node, scope)
        return Unknown(js_syntax.text(node)[:80], is_code=kind in js_calls.FUNCTIONS)

    def _load(self, path: Path, root: Path) -> tuple[Module, Scope]:
        path = path.resolve()
        if path not in self._modules:
            source = path.read_bytes()[:MAX_MODULE]
            source.decode("utf-8")
            # A module that cannot be parsed exports nothing that is known.
            is_typescript = path.suffix in _TYPED
            tree = syntax_trees.parsed(source, is_typescript=is_typescript) or syntax_trees.parsed(b"")
            assert tree is not None  # noqa: S101  nothing can be parsed
            module = Module(path, root, tree)
            names, changes = js_syntax.declared(module.tree), js_syntax.changes(module.tree)
            self._modules[path] = module, Scope(module, names, changes=changes)
            self.files[path] = None
        return self._modules[path]

    def _changed_exports(self, value: Any, name: str, scope: Scope) -> Any:
        """The exported value with what later statements give to members of `module.exports`."""
        if name != "default":
            return value
        changes = [
            js_syntax.Change(change.path[1:], change.node, change.grows)
            for change in scope.changes.get("module", ())
            if change.path[:1] == ("exports",) and len(change.path) > 1
        ]
        return js_objects.changed(self, value, changes, scope)

    def _of(self, name: str, scope: Scope) -> Any:
        if name == "__dirname":
            return str(scope.module.path.parent)
        found = scope.find(name)
        if found is None:
            return None if name == "undefined" else Unknown(name)
        declared, owner = found
        value = self._declared(name, declared, owner)
        return js_objects.changed(self, value, owner.changes.get(name, ()), owner)

    def _declared(self, name: str, declared: Any, owner: Scope) -> Any:
        match declared:
            case Known(value):
                return value
            case js_syntax.Imported():
                return self._imported(declared, owner.module)
            case js_syntax.Destructured(whole, key, default):
                found = self._at(self._declared(name, whole, owner), key)
                if default is not None and self._is_there(found) is False:
                    return self.value(default, owner)
                return found
        if declared.type in js_calls.FUNCTIONS:
            return Unknown(name, is_code=True)
        return self.value(declared, owner)

    def _imported(self, imported: js_syntax.Imported, module: Module) -> Any:
        if not imported.source.startswith(("./", "../")):
            return Unknown(imported.source, is_code=True)
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
            named = self.exported(path, root, name)
            if named is not None or name == "default":
                return named
            return member(self.exported(path, root), name)
        self.files[path] = None
        with path.open("rb") as file:
            whole = json.loads(file.read(MAX_MODULE))
        return whole if name in ("default", js_syntax.ALL) else member(whole, name)

    def _template(self, node: Node, scope: Scope) -> Any:
        text = ""
        for child in node.named_children:
            if child.type == "template_substitution":
                piece = self.value(js_syntax.inner(child), scope)
                if not isinstance(piece, str | int | float):
                    return Unknown(js_syntax.text(node)[:80])
                text += str(piece)
            else:
                text += js_syntax.unescaped(child)
        return text

    def _member(self, node: Node, scope: Scope) -> Any:
        written = js_syntax.text(node)
        if written == "process.env":
            return Environment()
        if written in ("import.meta.dirname", "import.meta.url"):
            path = scope.module.path
            return str(path.parent if written.endswith("dirname") else path)
        whole = self.value(js_syntax.part(node, "object"), scope)
        index = node.child_by_field_name("index")
        name = js_syntax.text(js_syntax.part(node, "property")) if index is None else self.value(index, scope)
        if isinstance(name, int):
            return self._at(whole, name)
        if name == "pathname" and isinstance(whole, str):
            # The address of a file, which is its path here.
            return whole
        found = member(whole, name) if isinstance(name, str) else Unknown(written[:80])
        # A module of ES that CommonJS requires has its default as a member.
        return whole if name == "default" and found is None else found

    def _at(self, whole: Any, key: str | int) -> Any:
        if isinstance(key, str) or isinstance(whole, Unknown):
            return member(whole, str(key))
        return whole[key] if isinstance(whole, list) and key < len(whole) else None

    def _binary(self, node: Node, scope: Scope) -> Any:
        operator = js_syntax.text(js_syntax.part(node, "operator"))
        left = self.value(js_syntax.part(node, "left"), scope)
        if operator in ("||", "??", "&&"):
            taken = self.is_true(left) if operator != "??" else self._is_there(left)
            if taken is None:
                return Unknown(js_syntax.text(node)[:80])
            return left if taken == (operator != "&&") else self.value(js_syntax.part(node, "right"), scope)
        right = self.value(js_syntax.part(node, "right"), scope)
        if any(isinstance(side, Unknown) for side in (left, right)):
            return Unknown(js_syntax.text(node)[:80])
        for side in (left, right):
            if isinstance(side, Unset):
                self.is_true(side)
        match operator:
            case "+" if isinstance(left, str) and isinstance(right, str):
                return left + right
            case "===" | "==":
                return left == right
            case "!==" | "!=":
                return left != right
        return Unknown(js_syntax.text(node)[:80])

    def _ternary(self, node: Node, scope: Scope) -> Any:
        holds = self.is_true(self.value(js_syntax.part(node, "condition"), scope))
        if holds is None:
            return Unknown(js_syntax.text(node)[:80])
        return self.value(js_syntax.part(node, "consequence" if holds else "alternative"), scope)

    def _unary(self, node: Node, scope: Scope) -> Any:
        if js_syntax.text(js_syntax.part(node, "operator")) != "!":
            return Unknown(js_syntax.text(node)[:80])
        holds = self.is_true(self.value(js_syntax.part(node, "argument"), scope))
        return Unknown(js_syntax.text(node)[:80]) if holds is None else not holds

    def _is_there(self, value: Any) -> bool | None:
        if isinstance(value, Unset):
            return self.is_true(value)
        return None if isinstance(value, Unknown) else value is not None
