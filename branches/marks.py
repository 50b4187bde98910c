"""Where a module branches, and its syntax tree with a mark at the beginning of every branch."""

import ast
from dataclasses import dataclass
from typing import Final

SEEN: Final = "__seen__"
"""The builtin that marks write to. A name that ends so is not mangled in a class."""

_Fork = ast.If | ast.For | ast.AsyncFor | ast.While


@dataclass(frozen=True, slots=True)
class Branch:
    """`line`: of the statement that branches. `to`: the first line of the branch; None: past the statement,
    as no case fits, a loop has ended, or an `if` without `else` did not hold."""

    line: int
    to: int | None


def marked(source: str, first: int) -> tuple[ast.Module, list[Branch]]:
    """The tree of `source`, in which the branch at place n of the list sets the byte `first` + n of SEEN."""
    marker = _Marker(first)
    tree = ast.parse(source)
    marker.visit(tree)
    return ast.fix_missing_locations(tree), marker.branches


class _Marker(ast.NodeVisitor):
    def __init__(self, first: int) -> None:
        self._first = first
        self.branches: list[Branch] = []

    def visit_If(self, node: ast.If) -> None:
        # Nothing under it is there to run.
        if ast.unparse(node.test) not in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            self._fork(node)

    def visit_For(self, node: ast.For) -> None:
        self._fork(node)

    def visit_AsyncFor(self, node: ast.AsyncFor) -> None:
        self._fork(node)

    def visit_While(self, node: ast.While) -> None:
        if isinstance(node.test, ast.Constant):
            self.generic_visit(node)
        else:
            self._fork(node)

    def visit_Match(self, node: ast.Match) -> None:
        for case in node.cases:
            case.body = self._with_mark(node, case.body)
        if not _fits_always(node.cases[-1]):
            node.cases.append(ast.match_case(ast.MatchAs(), None, self._with_mark(node, [])))
        self.generic_visit(node)

    def _fork(self, node: _Fork) -> None:
        node.body = self._with_mark(node, node.body)
        # In the tree an `elif` is an `if` in the `else`.
        node.orelse = self._with_mark(node, node.orelse)
        self.generic_visit(node)

    def _with_mark(self, node: _Fork | ast.Match, body: list[ast.stmt]) -> list[ast.stmt]:
        number = self._first + len(self.branches)
        self.branches.append(Branch(node.lineno, body[0].lineno if body else None))
        byte = ast.Subscript(ast.Name(SEEN, ast.Load()), ast.Constant(number), ast.Store())
        # A place for what looks at a running frame: the watchdog, or a profiler.
        mark = ast.copy_location(ast.Assign([byte], ast.Constant(1)), body[0] if body else node)
        return [mark, *body]


def _fits_always(case: ast.match_case) -> bool:
    return case.guard is None and _takes_all(case.pattern)


def _takes_all(pattern: ast.pattern) -> bool:
    match pattern:
        case ast.MatchAs(pattern=None):
            return True
        case ast.MatchAs(pattern=inner):
            return inner is not None and _takes_all(inner)
        case ast.MatchOr(patterns=alternatives):
            return any(map(_takes_all, alternatives))
    return False
