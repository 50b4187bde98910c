"""`chatgate up` as a process, with ports of its own."""

import http.client
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from tests.missing import cannot
from tests.processes import PATIENCE_S, python_path

ROOT = Path(__file__).parents[2]
NAMES = ("BROKER", "PROXY", "BACKEND", "PAGE")
NO_METRICS = {"CHATGATE_BROKER_METRICS_PORT": "0", "CHATGATE_PROXY_METRICS_PORT": "0"}
PID = re.compile(r"^(valkey|broker|proxy|backend|page) .* pid (\d+)$", re.MULTILINE)


class Stack:
    """One `chatgate` process; `said` holds what it has written up to its being ready."""

    def __init__(
        self,
        folder: Path,
        ports: Sequence[int],
        *words: str,
        terminal: int = subprocess.PIPE,
        **variables: Any,
    ) -> None:
        ours = {name: value for name, value in os.environ.items() if not name.startswith("CHATGATE_")}
        ours.pop("REDIS_URL", None)
        # The sample book would take seconds by meaning, and minutes on a busy machine.
        ours["CHATGATE_BACKEND_EMBEDDINGS_MODEL"] = "none"
        self.ports = dict(zip(NAMES, ports, strict=True))
        moved = {f"CHATGATE_{name}_PORT": str(port) for name, port in self.ports.items()}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "chatgate", *words],
            cwd=folder,
            env={
                **ours,
                **moved,
                **NO_METRICS,
                "PYTHONPATH": python_path(ROOT),
                "COLUMNS": "200",
                **variables,
            },
            stdin=subprocess.DEVNULL,
            stdout=terminal,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said = ""
        self.pids: dict[str, int] = {}

    def wait_until_ready(self) -> Self:
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        for line in self.process.stdout:
            self.said += line
            if line.startswith("curl "):
                self.pids = {name: int(pid) for name, pid in PID.findall(self.said)}
                return self
        raise AssertionError(self.process.stderr.read())

    def wait_for(self, text: str) -> str:
        """The next line that holds it."""
        assert self.process.stdout is not None
        return next(line for line in self.process.stdout if text in line)

    def end(self) -> tuple[int, str]:
        """Exit code and standard error."""
        _, err = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, err

    def close(self) -> None:
        """Kill the process if it runs, and close the pipes that were not read to their ends."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()

    def get(self, name: str, path: str) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[name], timeout=PATIENCE_S)
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer


def shell(stack: Stack, *lines: str) -> str:
    """The output of the printed commands, run in a shell as they were printed."""
    if shutil.which("curl") is None:
        cannot("curl is not installed")
    commands = [line for line in stack.said.splitlines() if line.startswith(("SESSION=", "TOKEN=", "curl "))]
    script = "\n".join([*commands, *lines])
    return subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=PATIENCE_S).stdout
