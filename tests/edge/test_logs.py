"""Lines of the log as whoever collects them gets them."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(script, stderr, **variables):
    """What a process said that logs as the services do; `log` and `written` are there."""
    begin = "import asyncio, logging, structlog\nfrom edge import logs\nwritten = logs.configure('broker')\n"
    return subprocess.run(
        [sys.executable, "-c", f"{begin}log = structlog.get_logger()\n{script}"],
        stdout=subprocess.PIPE,
        stderr=stderr,
        cwd=ROOT,
        env=os.environ | variables,
        text=True,
        check=True,
        timeout=20,
    )


def written(script):
    """The lines, parsed, and as they came."""
    said = run(script, subprocess.PIPE).stderr
    assert said.endswith("\n")
    return [json.loads(line) for line in said.splitlines()], said


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_line_is_written_in_one_piece(unbuffered):
    """What several workers write into one pipe stays apart by that alone."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with ours, theirs:
        run(
            "log.info('one', text='x' * 200); log.error('two'); logging.warning('three')",
            theirs.fileno(),
            PYTHONUNBUFFERED=unbuffered,
        )
        pieces = [ours.recv(65536) for _ in range(3)]
    assert all(piece.endswith(b"}\n") for piece in pieces)
    assert [json.loads(piece)["event"] for piece in pieces] == ["one", "two", "three"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
def test_where_no_line_can_be_written_the_work_goes_on_and_they_are_counted():
    with open("/dev/full", "w") as full:
        script = "log.info('one'); log.warning('two', audit=True); logging.warning('three'); print(written)"
        said = run(script, full).stdout
    assert "'info': 1" in said
    assert "lost=3" in said


def test_nothing_in_a_value_steers_a_terminal_or_begins_a_line():
    steering = "\x1b[2J\r\n\x9b2J\u202e\u2028\x7f"
    [line], said = written(f"log.info('one', agent={steering!r})")
    assert line["agent"] == steering
    assert [letter for letter in said if not letter.isprintable()] == ["\n"]


def test_letters_of_any_script_stay_readable():
    _, said = written("log.info('one', name='Ада 阿達 😀 é')")
    assert "Ада 阿達 😀 é" in said


@pytest.mark.parametrize("value", ["'\\ud800'", "2 ** 64", "b'x'", "object()"])
def test_a_line_is_written_whatever_is_in_it(value):
    [line], _ = written(f"log.info('one', value={value})")
    assert line["event"] == "one"


def test_a_value_is_cut():
    [line], _ = written("log.info('one', agent='x' * 1000)")
    assert line["agent"] == "x" * 256 + "…"


def test_of_an_error_of_a_task_its_type_is_told_and_not_its_text():
    script = """
async def fail():
    raise ValueError('canary')
async def main():
    asyncio.create_task(fail())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
asyncio.run(main())
import gc; gc.collect()
"""
    [line], said = written(script)
    assert line["event"] == "Task exception was never retrieved"
    assert line["error"].startswith("ValueError at ")
    assert "canary" not in said


def test_of_an_application_that_does_not_start_the_type_of_the_error_is_told():
    script = """
import traceback
try:
    raise ValueError('canary')
except ValueError:
    logging.getLogger('uvicorn.error').error(traceback.format_exc())
"""
    [line], said = written(script)
    assert line["error"] == "ValueError"
    assert "canary" not in said
