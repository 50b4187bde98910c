import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_proxy import messages
from edge.problems import Problem

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
MEMBERS = st.dictionaries(
    st.sampled_from(["message", "mode", "session_id", "selected_text", "other"]),
    JSON | st.sampled_from(["normal", "selection_only", "c1", "a\u00a0b"]),
)


@given(JSON | MEMBERS)
def test_a_body_is_a_question_or_a_refusal(body):
    question = parsed(body)
    if question is None:
        return
    assert 1 <= len(question.message) <= messages.MAX_MESSAGE
    assert question.mode in messages.MODES
    if question.selected_text is None:
        assert question.mode == "normal"
    else:
        assert 1 <= len(question.selected_text) <= messages.MAX_SELECTION


def parsed(body):
    """None for a refusal; any other exception is the test's failure."""
    try:
        return messages.parse(body)
    except Problem:
        return None


@given(st.text(alphabet=st.sampled_from("a\r\n \t\u00a0\u200b\ufeff\u0301e\u1112\u1161\u2028\x1c")))
def test_normalising_twice_is_normalising_once(text):
    once = messages.normalise(text)
    assert unicodedata.is_normalized("NFC", once)
    assert not {"\u00a0", "\u200b", "\ufeff"} & set(once)
    # Taking CRLF apart cannot put a new one together but from CR CR LF.
    if "\r\r" not in text and "\r" not in once:
        assert messages.normalise(once) == once


def test_trimming_is_ecmascripts():
    # U+001C is white space to Python and not to a browser.
    assert messages.normalise("\u2028\u3000\x1ca\x85\u205f\v") == "\x1ca\x85"


@pytest.mark.parametrize("marks", ["\u0301\u0316" * 65_000, "\u0316" * 17_000 + "\u0301\u0316" * 9_000])
def test_marks_that_would_take_seconds_to_sort_are_refused_at_once(marks):
    start = time.perf_counter()
    with pytest.raises(Problem):
        messages.normalise("a" + marks)
    assert time.perf_counter() - start < 0.2
