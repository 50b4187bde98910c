"""Loopback ports that nobody listens on."""

import contextlib
import random
import socket

# Below those that the kernel gives to connections (32768 and up on Linux). A client that tries the port of a
# server that is away could else be given that very port, connect to itself, and keep the server from it.
_RANGE = range(12_000, 32_000)


def free_ports(count: int) -> list[int]:
    """Each another. Nothing holds them, so a test that runs beside this one could take one: one in 20,000."""
    with contextlib.ExitStack() as held:
        return [_bound(held) for _ in range(count)]


def _bound(held: contextlib.ExitStack) -> int:
    while True:
        probe = held.enter_context(socket.socket())
        with contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", random.choice(_RANGE)))
            return probe.getsockname()[1]
