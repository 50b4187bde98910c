"""`chatgate up`, from the command to a stack that answers: on a new data folder, and on the same one
again."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from bench.figures import Figure
from bench.processes import ROOT, answers, free_ports, own_environment
from bench.stack import Stack

NAME = "start"
TARGET = 5.0
GIVE_UP = 60.0


def run(_stack: Stack, *, quick: bool) -> list[Figure]:
    fresh: list[float] = []
    again: list[float] = []
    for _ in range(1 if quick else 3):
        # A short name, because a unix socket's path has room for 107 bytes.
        folder = Path(tempfile.mkdtemp(prefix="cgup"))
        try:
            fresh.append(_seconds(folder))
            again.append(_seconds(folder))
        finally:
            shutil.rmtree(folder)
    return [
        Figure(NAME, "`chatgate up` ready, new data folder, median of the runs", median(fresh), "s", TARGET),
        Figure(NAME, "`chatgate up` ready, the folder of an earlier run", median(again), "s", TARGET),
    ]


def _seconds(folder: Path) -> float:
    ports = free_ports(4)
    names = ("BROKER", "PROXY", "BACKEND", "PAGE")
    environ = own_environment() | {
        "CHATGATE_DATA_DIR": str(folder),
        "CHATGATE_BROKER_METRICS_PORT": "0",
        "CHATGATE_PROXY_METRICS_PORT": "0",
        **{f"CHATGATE_{name}_PORT": str(port) for name, port in zip(names, ports, strict=True)},
    }
    paths = ("/readyz", "/readyz", "/readyz", "/")
    begun = time.monotonic()
    up = subprocess.Popen(
        [sys.executable, "-m", "chatgate", "up", "--book", str(ROOT / "examples" / "book")],
        cwd=folder,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        # The command prints this once every service answers; the services are asked all the same.
        assert up.stdout is not None
        os.set_blocking(up.stdout.fileno(), False)
        said = b""
        while b"chatgate is up" not in said:
            if up.poll() is not None or time.monotonic() - begun > GIVE_UP:
                raise AssertionError(f"no stack:\n{said.decode()[-3000:]}")
            said += up.stdout.read() or b""
            time.sleep(0.01)
        seconds = time.monotonic() - begun
        assert all(answers(port, path) for port, path in zip(ports, paths, strict=True))
        return seconds
    finally:
        up.send_signal(signal.SIGINT)
        try:
            up.wait(20)
        except subprocess.TimeoutExpired:
            up.kill()
            up.wait()
