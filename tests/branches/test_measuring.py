"""A command and all that it starts are measured, however they end, and the floors are held."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from branches.__main__ import FOLDER, main

TAKES = """
import sys

def take(which):
    if which == "first":
        return 1
    elif which == "second":
        return 2
    return 3
"""
KILLED = "import os, signal; from taking import take; take('second'); os.kill(os.getpid(), signal.SIGKILL)"
LEAVES = "import os; from taking import take; take('second'); os._exit(0)"
FORKS = (
    "import os\nfrom taking import take\nif os.fork() == 0:\n    take('second')\n    os._exit(0)\nos.wait()"
)


@pytest.fixture
def root(tmp_path, monkeypatch):
    """A folder with two packages: `taking`, of whose branches half are to be taken, and `unused`."""
    for name, source in (("taking", TAKES), ("unused", "")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(source)
    (tmp_path / "taking" / "__main__.py").write_text("from taking import take\ntake('first')\n")
    (tmp_path / "unused" / "never.py").write_text("for one in ():\n    pass\n")
    (tmp_path / "pyproject.toml").write_text("[tool.branches]\ntaking = 50\nunused = 0\n")
    monkeypatch.chdir(tmp_path)
    # The package is found in it.
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path


def python(code):
    return [sys.executable, "-c", code]


def missed(root):
    return (root / FOLDER / "missed").read_text().splitlines()


def test_the_branches_of_a_process_and_of_those_that_it_starts_are_printed(root, capfd):
    code = "import subprocess, sys; from taking import take; take('first'); "
    code += "subprocess.run([sys.executable, '-c', \"from taking import take; take('second')\"], check=True)"
    assert main(python(code), root) == 0
    assert capfd.readouterr().out.splitlines() == [
        "Branches taken:",
        "taking           3 of     4    75.0 %   at least  50.0 %",
        "unused           0 of     2     0.0 %   at least   0.0 %",
        "all              3 of     6    50.0 %",
    ]
    assert missed(root) == [
        "taking/__init__.py:7 to after it",
        "unused/never.py:1 to 2",
        "unused/never.py:1 to after it",
    ]


@pytest.mark.parametrize("ends", [KILLED, LEAVES, FORKS], ids=["killed", "os._exit", "fork"])
def test_branches_are_counted_however_a_process_ends(root, ends):
    main(python(ends), root)
    assert "taking/__init__.py:7 to 8" not in missed(root)


def test_a_module_that_is_run_is_measured(root):
    main([sys.executable, "-m", "taking"], root)
    assert "taking/__init__.py:5 to 6" not in missed(root)


def test_a_share_below_its_floor_fails(root, capfd):
    assert main(python("from taking import take; take('first')"), root) == 1
    assert "taking           1 of     4    25.0 %   at least  50.0 %   below\n" in capfd.readouterr().out


@pytest.mark.parametrize(("ends", "code"), [("sys.exit(3)", 3), ("os.kill(os.getpid(), 15)", 143)])
def test_the_commands_own_failure_is_kept(root, ends, code):
    assert main(python(f"import os, sys; from taking import take; take('second'); {ends}"), root) == code


def test_an_interrupt_ends_the_command_and_the_branches_are_printed(root):
    code = "from taking import take; take('second'); print('taken', flush=True); import time; time.sleep(60)"
    words = "import sys; from pathlib import Path; from branches.__main__ import main; "
    words += "sys.exit(main(sys.argv[1:], Path.cwd()))"
    process = subprocess.Popen(
        [sys.executable, "-c", words, *python(code)],
        env=os.environ | {"PYTHONPATH": f"{Path(__file__).parents[2]}:{root}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "taken\n"
    os.killpg(process.pid, signal.SIGINT)
    printed, _ = process.communicate(timeout=20)
    assert "taking           2 of     4" in printed
    assert process.returncode == 128 + signal.SIGINT


@pytest.mark.parametrize(
    "spoils",
    [
        "os.remove('.branches/index')",
        "file = open('taking/__init__.py', 'a'); file.write(' '); file.close()",
        "import marshal; file = open('.branches/index', 'r+b'); _, *rest = marshal.load(file); file.seek(0); "
        "marshal.dump(('another', *rest), file); file.close()",
    ],
    ids=["out of reach", "changed", "another Python"],
)
def test_a_process_that_cannot_be_measured_runs_as_ever(root, spoils, capfd):
    takes = "from taking import take; print(take('first'))"
    code = (
        f"import os, subprocess, sys; {spoils}; subprocess.run([sys.executable, '-c', {takes!r}], check=True)"
    )
    main(python(code), root)
    assert "1\nBranches taken:\ntaking           0 of     4" in capfd.readouterr().out
