"""The README's transcript, replayed in a shell against a stack that `chatgate up` started."""

import re
import signal
import subprocess
import sys

import pytest

from tests.chatgate.processes import short_folder, until
from tests.ports import free_ports
from tests.system.stack import ROOT, own_environment

pytestmark = pytest.mark.system

DEFAULT_PORTS = {"BROKER": "8000", "PROXY": "8001", "BACKEND": "8002", "PAGE": "3000"}


def transcript():
    """The README's console block as (command, expected output) pairs."""
    [block] = re.findall(r"```console\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    parts = re.split(r"^\$ (.*)\n", block, flags=re.MULTILINE)[1:]
    return list(zip(parts[::2], parts[1::2], strict=True))


def pattern(expected):
    """`…` stands for anything, a line of its own for any lines."""
    text = re.escape(expected.strip())
    any_lines = re.escape("\n…\n")
    return text.replace(any_lines, r"\n(?:.*\n)*").replace("…", ".*")


@pytest.fixture
def ports():
    return dict(zip(DEFAULT_PORTS, map(str, free_ports(4)), strict=True))


def moved(text, ports):
    for name, port in DEFAULT_PORTS.items():
        text = text.replace(f"127.0.0.1:{port}", f"127.0.0.1:{ports[name]}")
    return text


def test_the_readme_says_what_happens(ports):
    with short_folder() as folder:
        environ = own_environment() | {f"CHATGATE_{name}_PORT": port for name, port in ports.items()}
        environ |= {f"CHATGATE_{name}_METRICS_PORT": "0" for name in ("BROKER", "PROXY")}
        log = (folder / "log").open("wb")
        stack = subprocess.Popen(
            [sys.executable, "-m", "chatgate", "up"], cwd=folder, env=environ, stdout=log, stderr=log
        )
        try:
            until(lambda: "Ctrl-C stops it" in (folder / "log").read_text(), 30)
            pairs = transcript()
            assert len(pairs) == 5
            mark = "---next command---"
            script = f"\necho; echo {mark}\n".join(moved(command, ports) for command, _ in pairs)
            done = subprocess.run(
                ["bash", "-eu"], input=script, cwd=folder, capture_output=True, text=True, timeout=60
            )
            assert done.returncode == 0, done.stderr
            outputs = done.stdout.split(mark)
            assert len(outputs) == len(pairs)
            for (command, expected), output in zip(pairs, outputs, strict=True):
                wanted = pattern(moved(expected, ports))
                assert re.fullmatch(wanted, output.strip()), f"{command}\n{output}"
        finally:
            stack.send_signal(signal.SIGINT)
            assert stack.wait(20) == 0
            log.close()


def test_the_readme_names_only_what_is_there():
    text = (ROOT / "README.md").read_text()
    links = re.findall(r"\]\(([^)#:]+)\)", text)
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(re.findall(r"(?:`|^)make ([\w-]+)", text, re.MULTILINE)) <= set(targets)
