"""The services of a stack, run until a signal stops them."""

import asyncio
import fcntl
import http.client
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from chatgate.environment import BACKEND, SITE, Environment
from chatgate.faults import Fault
from chatgate.secret_files import make_private
from chatgate.stack import valkey
from chatgate.stack.free_ports import HOST
from chatgate.stack.supervise import Children, Hear, Service

STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def alone(data_dir: Path) -> Iterator[None]:
    """Lock the data folder for one stack. Raises Fault, naming the stack that holds it."""
    make_private(data_dir)
    # Opening does not truncate the file: a second stack has to read the pid of the first.
    with (data_dir / "up.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            pid = lock.read().strip()
            raise Fault(
                f"A stack already runs on {data_dir} (process {pid}). Use that one, end it with Ctrl-C in "
                f"its terminal or `kill {pid}`, or give this one a folder and ports of its own "
                "(CHATGATE_DATA_DIR, CHATGATE_BROKER_PORT, CHATGATE_PROXY_PORT, CHATGATE_BACKEND_PORT, "
                "CHATGATE_PAGE_PORT)."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def services(around: Environment, book: Path) -> list[Service]:
    """The services beside Valkey; each comes after those that it needs."""
    ports, settings, python = around.ports, around.settings, (sys.executable, "-m")
    found = [
        _web(around, "broker", (*python, "broker"), settings.broker.host, ports.broker),
        _web(around, "proxy", (*python, "chat_proxy"), settings.proxy.host, ports.proxy),
    ]
    if BACKEND in settings.backends:
        found.append(_web(around, "backend", (*python, "rag_backend"), HOST, ports.backend))
    if SITE in settings.sites:
        auth = "guest" if settings.sites[SITE].guests else "better-auth"
        addresses = (settings.proxy.url, settings.broker.url, auth)
        page = (*python, "chatgate.stack.pages.book_server", str(book), str(ports.page), *addresses)
        found.append(_web(around, "page", page, HOST, ports.page))
    return found


def vectors_task(around: Environment) -> Service:
    """Makes the vectors that the index lacks, while the backend answers by words."""
    command = (sys.executable, "-m", "chatgate.stack.index_vectors", str(around.index))
    return Service("index", command, around.environ, lambda: True, is_task=True)


async def run(
    embedded: Path | None, beside: Sequence[Service], hear: Hear, ready: Callable[[dict[str, int]], None]
) -> None:
    """Run Valkey on the folder `embedded`, if any, and the services beside it until a signal to stop.

    All of them are stopped when this returns. `ready` is called with the pids once all answer; the tasks
    among them are started after that, as they would take the processor from the others' start. Raises
    ServiceFailed when a service ends by itself or does not get ready.
    """

    def heard(service: str, line: str) -> None:
        if service == "valkey" and valkey.is_notice(line):
            # Child keeps this line all the same, and shows its last lines when the service fails.
            return
        try:
            hear(service, line)
        except OSError:
            # The program that read the logs has ended, as `head` does after its lines.
            _write_to_nobody()
            work.cancel()

    children = Children(heard)
    loop = asyncio.get_running_loop()
    work = asyncio.create_task(_work(children, embedded, beside, ready))
    for one in STOP_SIGNALS:
        loop.add_signal_handler(one, work.cancel)
    try:
        await asyncio.wait([work])
    finally:
        # A second signal ends this process at once, and the kernel then ends the services.
        for one in STOP_SIGNALS:
            loop.remove_signal_handler(one)
        await children.stop()
    if not work.cancelled() and (error := work.exception()) is not None:
        raise error


def _write_to_nobody() -> None:
    """Redirect the standard output to /dev/null, or Python fails at exit to flush the lines that are left."""
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, sys.stdout.fileno())
    os.close(silence)


async def _work(
    children: Children,
    embedded: Path | None,
    beside: Sequence[Service],
    ready: Callable[[dict[str, int]], None],
) -> None:
    if embedded is not None:
        with valkey.locked(embedded) as at:
            if not valkey.answers(at):
                await children.start([_valkey(embedded, at)])
    await children.start([service for service in beside if not service.is_task])
    try:
        ready(children.pids)
    except OSError:
        _write_to_nobody()
        return
    await children.start([service for service in beside if service.is_task])
    raise await children.first_end()


def _valkey(folder: Path, at: Path) -> Service:
    return Service("valkey", valkey.command(folder, at), os.environ, lambda: valkey.answers(at))


def _web(around: Environment, name: str, command: tuple[str, ...], host: str, port: int) -> Service:
    path = "/" if name == "page" else "/readyz"
    return Service(name, command, around.environ, lambda: answers(host, port, path))


def answers(host: str, port: int, path: str) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=1)
    try:
        connection.request("GET", path)
        return connection.getresponse().status < 400
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
