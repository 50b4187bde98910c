"""Loopback ports that are free."""

import contextlib
import os
import random
import socket
from collections import deque

# Below those that the kernel gives to connections (32768 and up on Linux). A client that tries the port of a
# server that is away could else be given that very port, connect to itself, and keep the server from it.
_RANGE = range(12_000, 32_000)
_WORKERS = 16
# Each process of pytest has ports of its own: a port that one is about to listen on is not given to another.
# The last ones are for a pytest of one process, which may run beside one of several.
_WORKER = os.environ.get("PYTEST_XDIST_WORKER", f"gw{_WORKERS - 1}")
_OWN = _RANGE[int(_WORKER.removeprefix("gw")) % _WORKERS :: _WORKERS]
_given: deque[int] = deque(maxlen=len(_OWN) // 2)


def free_ports(count: int) -> list[int]:
    """Each another, and none that was given lately, as nothing holds them."""
    with contextlib.ExitStack() as held:
        return [_bound(held) for _ in range(count)]


def _bound(held: contextlib.ExitStack) -> int:
    while True:
        port = random.choice(_OWN)
        probe = held.enter_context(socket.socket())
        with contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            if port not in _given:
                _given.append(port)
                return port
