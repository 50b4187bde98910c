"""The number of connections that a process may have: each is an open file, as is its backend's.

Many systems start a process with a limit of 1,024 that it may raise itself. With that limit a thousand idle
connections would keep all clients out, as the door makes room only when it knows that there is none.
"""

import resource
from contextlib import suppress
from typing import Final

from edge.server.http1.door import MAX_CONNECTIONS, MAX_LINGERING

OWN: Final = 64 + MAX_LINGERING
"""Files beside the connections: the listener, Redis, accounts, libraries; and refused connections."""
WANTED: Final = 2 * MAX_CONNECTIONS + OWN


def raise_limit() -> int:
    """Raise the limit as far as allowed and useful. Returns the files that this process may have open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED if hard == resource.RLIM_INFINITY else min(WANTED, hard)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return WANTED if soft == resource.RLIM_INFINITY else soft
    # The system may have a lower limit of its own; then the limit stays as it was.
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return soft


def room(files: int) -> int:
    """Connections for a door: each takes one file for the client, and one for the backend that answers it."""
    return max(1, min(MAX_CONNECTIONS, (files - OWN) // 2))
