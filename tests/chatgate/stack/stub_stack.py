"""`chatgate up` over stub services: `stub_stack.py FOLDER NAME:PORT[:MANNER]...` says its pids when ready."""

import asyncio
import functools
import json
import os
import sys
from pathlib import Path

from chatgate.faults import Fault
from chatgate.stack import running
from chatgate.stack.supervise import Service

STUB = Path(__file__).with_name("stub_service.py")


def service(word: str) -> Service:
    name, port, *manner = word.split(":")
    command = (sys.executable, str(STUB), port, *manner)
    answers = functools.partial(running.answers, "127.0.0.1", int(port), "/readyz")
    is_task = manner == ["task"]
    return Service(name, command, os.environ, answers, ready_within=2, stop_within=1, is_task=is_task)


def say(*words: str) -> None:
    print(*words, flush=True)


folder, *words = sys.argv[1:]
try:
    with running.alone(Path(folder)):
        asyncio.run(
            running.run(
                Path(folder) / "valkey",
                [service(word) for word in words],
                lambda name, line: say(name, "|", line),
                lambda pids: say(json.dumps(pids)),
            )
        )
except Fault as fault:
    sys.exit(str(fault))
