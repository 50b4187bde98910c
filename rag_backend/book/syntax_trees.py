"""Syntax trees of JavaScript and TypeScript by tree-sitter, within bounds: its recovery from broken source
may never end.
"""

from functools import cache
from typing import Final

import tree_sitter_typescript
from tree_sitter import Language, Node, Parser

STEPS: Final = 200
BYTES_PER_STEP: Final = 15
"""Reports of progress within which a source is parsed: these, and one more for so many of its bytes. A module
of settings needs one for forty bytes, one of brackets alone one for eighteen."""


def parsed(source: bytes, *, is_typescript: bool = False, steps: int = STEPS) -> Node | None:
    """The root of a module; None where it cannot be parsed in reasonable time."""
    left = steps + len(source) // BYTES_PER_STEP

    def stops(_offset: int, _has_error: bool) -> bool:
        nonlocal left
        left -= 1
        return left < 0

    parser = _parser(is_typescript=is_typescript)
    try:
        # Progress is reported of a source that is read piece by piece alone.
        return parser.parse(lambda at, _point: source[at:], progress_callback=stops).root_node
    except ValueError:
        # It would go on with this source at the next call.
        parser.reset()
        return None


@cache
def _parser(*, is_typescript: bool) -> Parser:
    # A type assertion in angle brackets is an element in the other one.
    grammar = tree_sitter_typescript.language_typescript if is_typescript else None
    return Parser(Language((grammar or tree_sitter_typescript.language_tsx)()))
