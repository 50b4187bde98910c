"""The ports that a command is about to listen on.

`python -m chatgate.stack.free_ports site` names that of `make site` if it is in use, and `stack site` those
of `chatgate up` as well. It ends with 1 then, so that nothing is built that could not be served.
"""

import os
import socket
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from chatgate.environment import BACKEND, SITE, Environment, read_environment
from chatgate.faults import Fault
from edge.server import metrics_listener

HOST: Final = "127.0.0.1"
_ORIGIN: Final = "`make up` needs the same CHATGATE_SITE_PORT: it lets in the pages of that port."


@dataclass(frozen=True, slots=True)
class Wanted:
    """A port with the variable that moves it."""

    variable: str
    host: str
    port: int


def of_stack(around: Environment) -> list[Wanted]:
    """Those of the services that `chatgate up` starts."""
    settings, ports = around.settings, around.ports
    wanted = [("BROKER", settings.broker.host, ports.broker), ("PROXY", settings.proxy.host, ports.proxy)]
    if BACKEND in settings.backends:
        wanted.append(("BACKEND", HOST, ports.backend))
    if SITE in settings.sites:
        wanted.append(("PAGE", HOST, ports.page))
    metrics = (("BROKER", settings.broker.metrics_port), ("PROXY", settings.proxy.metrics_port))
    wanted += [(f"{name}_METRICS", metrics_listener.HOST, port) for name, port in metrics if port]
    return [Wanted(f"CHATGATE_{name}_PORT", host, port) for name, host, port in wanted]


def of_site(around: Environment) -> list[Wanted]:
    """The one of a site that Docusaurus builds."""
    return [Wanted("CHATGATE_SITE_PORT", HOST, around.ports.site)]


def require(wanted: Sequence[Wanted]) -> None:
    """Raises Fault with a line for each port that something listens on, or that is wanted twice."""
    faults = [_taken(one) for one in wanted if not _is_free(one)]
    ports = [one.port for one in wanted]
    faults += [
        f"Port {one.port} is given twice. Set {one.variable} to another."
        for one in wanted
        if ports.count(one.port) > 1
    ]
    if faults:
        raise Fault("\n".join([*faults, "Nothing was started."]))


def require_for_site(around: Environment) -> None:
    """As `require`, for a site that is served beside a stack."""
    try:
        require(of_site(around))
    except Fault as fault:
        raise Fault(f"{fault}\n{_ORIGIN}") from None


def listen(wanted: Wanted) -> socket.socket:
    """A socket that listens there. Raises Fault where another does."""
    try:
        return socket.create_server((wanted.host, wanted.port))
    except OSError:
        raise Fault(_taken(wanted)) from None


def _taken(wanted: Wanted) -> str:
    return f"Port {wanted.port} is in use. End what listens there, or set {wanted.variable} to another."


def _is_free(wanted: Wanted) -> bool:
    family = socket.AF_INET6 if ":" in wanted.host else socket.AF_INET
    with closing(socket.socket(family, socket.SOCK_STREAM)) as probe:
        # Servers set this too: connections of an earlier stack that are still closing do not hinder them.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((wanted.host, wanted.port))
        except OSError:
            return False
    return True


def main() -> int:
    try:
        around = read_environment(os.environ, Path.cwd(), make=False)
        if "stack" in sys.argv[1:]:
            require([*of_stack(around), *of_site(around)])
        else:
            require_for_site(around)
    except Fault as fault:
        print(fault, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
