"""The questions that may be asked. The cases of tests/vectors/texts.json are the widget's too."""

import itertools
import json
import time
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat_proxy.questions import messages, texts
from edge.http.problems import Problem
from rag_backend.answers import questions

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
MEMBERS = st.dictionaries(
    st.sampled_from(["message", "mode", "session_id", "selected_text", "other"]),
    JSON | st.sampled_from(["normal", "selection_only", "c1", "a\u00a0b"]),
)
VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "texts.json").read_text())
AWKWARD = st.text(
    alphabet=st.sampled_from(
        "a\r\n \t\u00a0\u200b\ufeff\u0301\u0316e\u1112\u1161\u2028\x1c\u0f73\u0f71\u0344\u2000"
    )
)


# Jamo, letters that NFC takes apart, marks of several planes and some that it joins to each other.
COMPOSED = st.text(
    alphabet=st.sampled_from(
        "ae\u0301\u0316\u0345\u0338\u03c9\u0313\u1112\u1161\u11ab\uac00\u0995\u09c7\u09be\u0f73\u0f71\u0344"
        "\u304b\u3099\uf900\u0958\U0001d15e\U0001e94a\U00011099\U000110ba\U000e0100\u1fa6\u212b"
    ),
    max_size=60,
)


def whole(pieces):
    return "".join(piece * count for piece, count in pieces)


def at_once(steps):
    """The return value of a generator, however often it yields before."""
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return done.value


def selection(text, piece=texts.PIECE):
    return at_once(texts.selection(text, messages.MAX_SELECTION, piece))


def turns(steps):
    """Seconds of each turn; a refusal ends the last."""
    spent = []
    done = False
    while not done:
        began = time.thread_time()
        try:
            next(steps)
        except (StopIteration, Problem):
            done = True
        spent.append(time.thread_time() - began)
    return spent


def joined_at_most(text, most):
    runs = itertools.groupby(text, key=lambda one: one in texts.JOINING)
    return all(len(list(run)) <= most for joins, run in runs if joins)


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
        return at_once(messages.parse(body))
    except Problem:
        return None


def asked(kind, text):
    return {"message": text} if kind == "messages" else {"message": "x", "selected_text": text}


@pytest.mark.parametrize(
    ("kind", "case"),
    [pytest.param(kind, case, id=f"{kind}: {case['name']}") for kind in VECTORS for case in VECTORS[kind]],
)
def test_a_text_is_normalised_as_the_vectors_say(kind, case):
    question = parsed(asked(kind, whole(case["text"])))
    assert (question is not None) == case["valid"] == (case["normalised"] is not None)
    if question is None:
        return
    left = question.message if kind == "messages" else question.selected_text
    assert left == whole(case["normalised"])
    # A normalised text stays as it is when the widget, this proxy or a backend normalises it again.
    assert parsed(asked(kind, left)) == question
    sent = {"message": question.message, "mode": "normal", "selected_text": question.selected_text}
    taken = questions.parse(json.dumps(sent).encode())
    assert (taken.message, taken.selected_text or None) == (question.message, question.selected_text)


def test_the_cases_have_a_name_each():
    for cases in VECTORS.values():
        names = [case["name"] for case in cases]
        assert len(names) == len(set(names)) > 30


@given(AWKWARD)
def test_normalising_twice_is_normalising_once(text):
    once = selection(text)
    if once is None:
        assert not joined_at_most(text, texts.MAX_JOINED)
        return
    assert unicodedata.is_normalized("NFC", once)
    assert not {"\r", "\u00a0", "\u200b", "\ufeff"} & set(once)
    assert selection(once) == once


@given(st.lists(COMPOSED, min_size=1, max_size=8), st.integers(1, 30), st.integers(1, 40))
def test_a_text_composed_piece_by_piece_is_what_the_standard_makes_of_it(parts, times, size):
    text = "".join(parts) * times
    composed = unicodedata.normalize("NFC", text)
    is_good = len(composed) <= messages.MAX_SELECTION and joined_at_most(composed, texts.MAX_JOINED)
    expected = composed if is_good and len(text) <= texts.MAX_SENT else None
    assert selection(text, size) == expected


def test_nothing_joins_what_stands_before_it_but_what_is_named():
    for one in map(chr, range(0x110000)):
        first = unicodedata.normalize("NFD", one)[0]
        assert (one in texts.JOINING) == (first in texts.JOINING)
        if unicodedata.category(one).startswith("M") or unicodedata.combining(one):
            assert one in texts.JOINING


@given(st.text())
def test_the_trimmed_characters_are_those_of_ecmascript_and_python(text):
    left = texts.message(text)
    assert left is not None
    assert left == left.strip() == left.strip("\ufeff\u200b")
    assert left in text


@pytest.mark.parametrize(
    "unit",
    [
        "a\u0301\u0316",
        "a" + "\u0345" * 15 + "\u0316" * 15,
        "\u0301\u0316",
        "\u03c9\u0313\u0342\u0345",
        "\u1fa6",
        "\u304b\u3099",
        "\uf900",
        "\U0002f800",
        "\U0001d164",
        "\U00011099\U000110ba",
        "\u0f40\u0f73",
        "\u0f73",
        "\u1161",
        "\u09c7\u09be",
        "\U000e0100",
        "\ufb2c",
    ],
    ids=ascii,
)
def test_a_selection_holds_the_event_loop_for_two_milliseconds_at_most(unit):
    text = (unit * texts.MAX_SENT)[: texts.COMPOSED_FROM * messages.MAX_SELECTION - 2]
    # An accent alone keeps a text from being taken as composed without a look.
    body = {"message": "a", "selected_text": f"e{text}\u0301"}
    longest = min(max(turns(messages.parse(body))) for _ in range(5))
    assert longest < 0.002
