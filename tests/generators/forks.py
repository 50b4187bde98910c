"""`python -m tests.generators.forks`: a process that has imported what generated backends import, and forks
one that runs uvicorn for each order that it reads: the documented command without its seconds of imports, for
which the tests would wait some fifty times.

An order is a line of JSON with `words`, `environ`, `folder` and `log`; the answer is the new process's id.
"""

import importlib
import json
import os
import signal
import sys
from collections.abc import Mapping
from typing import Any

MODULES = ("fastapi", "httpx2", "jwt", "openai", "psycopg_pool", "redis.asyncio", "sse_starlette")
UVICORN = "uvicorn.main"


def main() -> None:
    for name in (*MODULES, UVICORN):
        importlib.import_module(name)
    # No call waits for them here, so the system removes them when they end.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            run(order)
        print(pid, flush=True)


def run(order: Mapping[str, Any]) -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for mine, theirs in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(mine, theirs)
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environ"])
    importlib.import_module(UVICORN).main(order["words"])


if __name__ == "__main__":
    main()
