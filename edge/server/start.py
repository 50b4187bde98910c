"""Starts a service: reads the configuration, takes the metrics port, and serves or starts the workers.

Exit code 0: the service stopped as it was told. 2: it could not start, and printed why.
"""

import gc
import os
import signal
import socket
import sys
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Final, Literal

from edge.config.checks import Owner
from edge.config.guessing import strength
from edge.config.read import find, read
from edge.config.schema import ConfigurationError, Settings
from edge.server import command_line, metrics_listener, supervisor
from edge.server.inherited import Inherited
from edge.telemetry.audit_file import CannotAudit


@dataclass(frozen=True, slots=True)
class Service:
    """`package` is the module to run, `table` its table in the settings, `owner` the owner of its secrets."""

    package: str
    table: Literal["broker", "proxy"]
    owner: Owner


BROKER: Final = Service("broker", "broker", "broker")
CHAT_PROXY: Final = Service("chat_proxy", "proxy", "backends")


def main(service: Service) -> int:
    # These handlers hold until the service serves. The first process of a container does not receive a signal
    # that it does not handle, and elsewhere such a signal ends a process as if it had failed. `os._exit`, as
    # Python may drop an exception that a handler raises, in the middle of an import for example.
    is_heard = signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN
    for one in (*((signal.SIGHUP,) if is_heard else ()), signal.SIGINT, signal.SIGTERM):
        signal.signal(one, lambda *_: os._exit(0))
    given = command_line.parse(service.package, sys.argv[1:])
    path = find(os.environ, Path.cwd())
    try:
        settings = read(path, os.environ, frozenset({service.owner}))
        # The parent has judged the secrets for all its workers.
        weak = list(strength.faults(settings)) if given.inherited is None else []
    except ConfigurationError as error:
        print(error, file=sys.stderr)
        return 2
    if weak:
        print("\n".join(weak), file=sys.stderr)
        return 2
    section = settings.broker if service.table == "broker" else settings.proxy
    count = given.workers or section.workers
    if given.inherited is not None or count > 1:
        # The parent handles SIGHUP, and only once it is able to: the configuration was read just now.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
    if given.inherited is not None:
        return _serve(service, settings, given.inherited, None)
    try:
        metrics = metrics_listener.bind(service.table, section.metrics_port)
    except metrics_listener.CannotListen as error:
        print(error, file=sys.stderr)
        return 2
    if count == 1:
        return _serve(service, settings, None, metrics)
    # `edge.server.startup` turned it off until everything is imported.
    gc.enable()
    return supervisor.run(service.package, count, (section.host, section.port), metrics)


def _serve(
    service: Service, settings: Settings, inherited: Inherited | None, metrics: socket.socket | None
) -> int:
    # Imported here, as the parent of several workers does not need it, which halves its memory.
    run = import_module(f"{service.package}.serve").run
    gc.enable()
    try:
        return int(run(settings, inherited, metrics))
    except CannotAudit as error:
        print(error, file=sys.stderr)
        return 2
