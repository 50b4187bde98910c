import contextlib
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokens.strict_json import MAX_INTEGER, MAX_VALUES, NotStrictJSON, has_more_values, loads

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-MAX_INTEGER, MAX_INTEGER)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(VALUES, st.booleans())
def test_a_standard_writers_output_is_read_back(value, ascii_only):
    assert loads(json.dumps(value, ensure_ascii=ascii_only).encode(), max_depth=64) == value


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(raw):
    with contextlib.suppress(NotStrictJSON):
        loads(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b'{"a":1}x',
        b'{"a":1,"a":1}',
        b'{"a":1,"\\u0061":2}',
        b'[{"b":{"c":1,"c":2}}]',
        b"NaN",
        b"[Infinity]",
        b"[-Infinity]",
        b"1e400",
        b"[-1e400]",
        b"9007199254740992",
        b"1" * 5000,
        b'"\\ud800"',
        b'{"\\udfff":1}',
        b'["\\ud83d x"]',
        b"\xef\xbb\xbf{}",
        b'"\xff"',
        b'"\xed\xa0\x80"',
        '{"a":1}'.encode("utf-16"),
        '{"a":1}'.encode("utf-32-le"),
        b"[" * 9 + b"]" * 9,
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
)
def test_an_ambiguous_request_is_refused(raw):
    with pytest.raises(NotStrictJSON):
        loads(raw)


@pytest.mark.parametrize("end", ["", "\\", '"', "]"])
def test_an_open_string_is_walked_through_once(end):
    raw = ("[[],[],[],[],[],[],[],[],[]," + '"' + '\\"' * 131_072 + end).encode()
    began = time.process_time()
    with pytest.raises(NotStrictJSON):
        loads(raw)
    assert time.process_time() - began < 0.1


def test_brackets_inside_strings_are_not_depth():
    assert loads(b'["[[[[[[[[[[[[\\"{{{{"]') == ['[[[[[[[[[[[["{{{{']


@pytest.mark.parametrize(
    ("value", "count"),
    [
        ([0] * (MAX_VALUES - 1), MAX_VALUES),
        ([0] * MAX_VALUES, MAX_VALUES + 1),
        ({str(number): 0 for number in range(MAX_VALUES // 2)}, MAX_VALUES + 1),
        ([{}] * (MAX_VALUES // 2), MAX_VALUES + 1),
        (["{}[],:" * 10_000 + '\\"' * 10_000], 2),
    ],
)
def test_values_are_counted_and_what_is_in_a_string_is_one(value, count):
    raw = json.dumps(value).encode()
    assert has_more_values(raw, MAX_VALUES) == (count > MAX_VALUES)
    if count > MAX_VALUES:
        with pytest.raises(NotStrictJSON):
            loads(raw)
    else:
        assert loads(raw) == value


@pytest.mark.parametrize(
    "raw",
    [b"[" + b"{}," * 87_000 + b"{}]", b"[" + b"1," * 130_000, b'{"a":"' + b'",' * 87_000, b'"' * 262_144],
)
def test_many_values_cost_no_more_than_their_bytes(raw):
    began = time.thread_time()
    with pytest.raises(NotStrictJSON):
        loads(raw)
    assert time.thread_time() - began < 0.01


@given(st.lists(st.sampled_from([*'{}[],:"1', "\\", '\\"', '"a"', '"a":', "1.5", "12345678901234567890"])))
def test_the_standard_parser_reads_the_same(fragments):
    raw = "".join(fragments).encode()
    with contextlib.suppress(NotStrictJSON):
        assert loads(raw) == json.loads(raw)


def test_a_surrogate_pair_is_one_character():
    assert loads(b'"\\ud83d\\ude00"') == "\U0001f600"
