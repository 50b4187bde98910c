"""Lines of the log as a collector gets them."""

import json
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from edge.telemetry.audit_file import AuditFile, CannotAudit

ROOT = Path(__file__).parents[3]


def run(script, stderr, *, stdout=subprocess.PIPE, audit_file=None, **variables):
    """Run `script` in a process that logs as the services do, and has `log` and `written`."""
    given = "None" if audit_file is None else f"Path({str(audit_file)!r})"
    begin = (
        "import asyncio, logging, structlog\nfrom pathlib import Path\nfrom edge.telemetry import logs\n"
        f"written = logs.configure('broker', {given})\n"
    )
    return subprocess.run(
        [sys.executable, "-c", f"{begin}log = structlog.get_logger()\n{script}"],
        stdout=stdout,
        stderr=stderr,
        cwd=ROOT,
        env=os.environ | variables,
        text=True,
        check=True,
        timeout=20,
    )


def events(text):
    return [json.loads(line)["event"] for line in text.splitlines()]


def written(script):
    """The lines, parsed, and as they came."""
    said = run(script, subprocess.PIPE).stderr
    assert said.endswith("\n")
    return [json.loads(line) for line in said.splitlines()], said


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_line_is_written_in_one_piece(unbuffered):
    """Only this keeps the lines of several workers apart in one pipe."""
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
        script = "log.info('one'); log.warning('two', audit=True); logging.warning('three')"
        script += "; import os; os.dup2(kept, 1); print(written)"
        said = run(f"import os; kept = os.dup(1); os.dup2(2, 1)\n{script}", full).stdout
    assert "'info': 1" in said
    assert "lost=3" in said


AUDITED = "log.info('one', audit=True); log.info('two')"


def test_the_audit_is_a_stream_of_its_own():
    said = run(AUDITED, subprocess.PIPE)
    assert (events(said.stdout), events(said.stderr)) == (["one"], ["two"])


def test_the_audit_is_a_file_of_its_own_where_one_is_named(tmp_path):
    path = tmp_path / "audit.jsonl"
    for _ in range(2):
        said = run(AUDITED, subprocess.PIPE, audit_file=path)
        assert (said.stdout, events(said.stderr)) == ("", ["two"])
    assert events(path.read_text()) == ["one", "one"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no /dev/full")
def test_lines_that_are_no_audit_are_in_the_log():
    with open("/dev/full", "w") as full:
        said = run(AUDITED, subprocess.PIPE, stdout=full)
    assert events(said.stderr) == ["one", "two"]


def test_a_full_file_of_the_audit_is_set_aside_and_the_newest_ones_stay(tmp_path):
    path = tmp_path / "audit.jsonl"
    first, second = [AuditFile(path, max_bytes=20, kept=2) for _ in range(2)]
    for number in range(4):
        for file in (first, second):
            file.write(b'{"n":%d}\n' % number)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["audit.jsonl", "audit.jsonl.1", "audit.jsonl.2"]
    assert path.with_name("audit.jsonl.2").read_text() == '{"n":1}\n{"n":1}\n'
    assert path.read_text() == '{"n":3}\n{"n":3}\n'


def test_the_audit_goes_on_in_a_new_file_where_the_old_one_was_moved(tmp_path):
    path = tmp_path / "audit.jsonl"
    file = AuditFile(path)
    file.write(b"{}\n")
    path.rename(tmp_path / "moved")
    file.write(b"[]\n")
    assert path.read_text() == "[]\n"
    assert (tmp_path / "moved").read_text() == "{}\n"


LINES = 400
WRITER = """
from pathlib import Path
from edge.telemetry.audit_file import AuditFile
file = AuditFile(Path({path!r}), max_bytes=2_000, kept=1_000)
for number in range({lines}):
    file.write(b'{{"writer":{writer},"n":%d}}\\n' % number)
"""


def test_no_line_of_several_processes_is_lost_or_torn_while_files_are_set_aside(tmp_path):
    path = str(tmp_path / "audit.jsonl")
    scripts = [WRITER.format(path=path, lines=LINES, writer=writer) for writer in range(3)]
    writers = [subprocess.Popen([sys.executable, "-c", script], cwd=ROOT) for script in scripts]
    assert [one.wait(60) for one in writers] == [0, 0, 0]
    files = list(tmp_path.iterdir())
    assert len(files) >= 10
    found = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    told = {(one["writer"], one["n"]) for one in found}
    assert len(found) == len(told) == 3 * LINES


def test_a_file_that_cannot_be_written_names_the_setting(tmp_path):
    with pytest.raises(CannotAudit) as raised:
        AuditFile(tmp_path / "nowhere" / "audit.jsonl")
    assert str(raised.value).startswith("edge.audit_file: ")


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


def test_an_error_of_a_task_tells_its_type_and_not_its_text():
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


def test_an_application_that_does_not_start_tells_the_type_of_its_error():
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
