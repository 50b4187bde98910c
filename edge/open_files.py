"""How many connections a process may have: each is an open file, and so is what is asked on its behalf.

Many systems begin a process with a limit of 1,024 that it may raise itself. With that a thousand connections
which ask nothing would keep everybody out, as the door makes room only where it knows that there is none.
"""

import resource
from contextlib import suppress
from typing import Final

from edge.front_door import MAX_CONNECTIONS, MAX_LINGERING

OWN: Final = 64 + MAX_LINGERING
"""Files beside those: the listener, Redis, accounts, libraries; and connections that were refused."""
WANTED: Final = 2 * MAX_CONNECTIONS + OWN


def raise_limit() -> int:
    """As far as is allowed and of use; the files that this process may have open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED if hard == resource.RLIM_INFINITY else min(WANTED, hard)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return WANTED if soft == resource.RLIM_INFINITY else soft
    # A system may have a lower limit of its own; then it stays as it was.
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return soft


def room(files: int) -> int:
    """Connections for a door: one file for the client, and one for the backend that its answer comes from."""
    return max(1, min(MAX_CONNECTIONS, (files - OWN) // 2))
