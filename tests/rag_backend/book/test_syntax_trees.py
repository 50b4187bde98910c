"""A source is parsed within a number of steps that grows with it."""

import pytest

from rag_backend.book.syntax_trees import BYTES_PER_STEP, parsed

SETTINGS = b"export const a = {b: [1, 'two', {three: 3}]};\n" * 2_000
BRACKETS = b"[" * 20_000 + b"]" * 20_000


@pytest.mark.parametrize("source", [b"", SETTINGS, BRACKETS])
@pytest.mark.parametrize("is_typescript", [True, False])
def test_a_module_is_parsed_to_its_end(source, is_typescript):
    root = parsed(source, is_typescript=is_typescript)
    assert root is not None
    assert root.end_byte == len(source)


def test_a_module_that_takes_more_steps_is_given_up_and_the_next_is_not():
    assert parsed(SETTINGS, steps=-(len(SETTINGS) // BYTES_PER_STEP)) is None
    root = parsed(b"export const a = 1;")
    assert root is not None
    assert [child.type for child in root.named_children] == ["export_statement"]
