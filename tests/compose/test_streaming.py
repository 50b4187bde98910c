"""An answer that takes its time, through Caddy: it arrives as it is written, and ends with its session."""

from itertools import pairwise

import pytest

from tests.compose.slow_model import EVERY_S, WORDS
from tests.compose.stack import Reader, signed_up

pytestmark = pytest.mark.compose


@pytest.fixture(scope="module")
def slow_stack(stack):
    stack.up("model", "backend", files=["tests/compose/slow_model.yml"])
    yield stack
    stack("--file", "docker-compose.yml", "--file", "tests/compose/slow_model.yml", "rm", "-sf", "model")
    stack.up()


def test_each_event_arrives_when_it_was_written(slow_stack):
    _, token = signed_up(slow_stack, "slow@example.com")
    events = list(Reader(slow_stack.url).stream(token))
    times = [at for at, name, data in events if name == "delta" and "word" in data["text"]]
    assert len(times) == len(WORDS)
    assert times[0] < 1.5
    # One that is held back somewhere comes together with the next.
    gaps = [after - before for before, after in pairwise(times)]
    assert min(gaps) > EVERY_S / 3, gaps
    assert events[-1][1] == "done"


def test_a_sign_out_ends_an_answer_that_runs(slow_stack):
    reader, token = signed_up(slow_stack, "cut@example.com")
    events = []
    for at, name, data in Reader(slow_stack.url).stream(token):
        events.append((at, name, data))
        if name == "delta" and len(events) == 3:
            assert reader.sign_out().status_code == 200
    assert events[-1][1] == "error"
    assert events[-1][2]["code"] == "session_ended"
    assert events[-1][0] < len(WORDS) * EVERY_S
