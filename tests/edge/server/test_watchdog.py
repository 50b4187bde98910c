"""A service that serves alone, as a process: its loop stands still, or its terminal hangs up."""

import asyncio
import contextlib
import json
import signal
import sys
from pathlib import Path

import pytest

from edge.server.watchdog import STOOD_STILL
from tests.ports import free_ports

ROOT = Path(__file__).parents[3]
# `/still` keeps the loop for the seconds in its query, `/slow` answers in two parts with a drain between.
SCRIPT = """
import asyncio, sys, time
from edge.telemetry import logs
from edge.server.acceptor import CountedDoor
from edge.telemetry.metrics import Metrics
from edge.server.server import Served, serve

logs.configure("test")
draining = asyncio.Event()

async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    if scope["path"] == "/still":
        until = time.monotonic() + float(scope["query_string"])
        while time.monotonic() < until:
            pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"4")]})
    await send({"type": "http.response.body", "body": b"so", "more_body": True})
    if scope["path"] == "/slow":
        await draining.wait()
    await send({"type": "http.response.body", "body": b"so"})

async def drain(limit):
    draining.set()

door = CountedDoor(lambda _: True)
served = Served(app, door, Metrics(), address=("127.0.0.1", int(sys.argv[1])), graceful=5, drain=drain)
sys.exit(serve(served, None, None, watched_every=0.1))
"""


class Alone:
    def __init__(self, process, port):
        self.process = process
        self.port = port
        # A connection whose writer is dropped is closed.
        self.writers = []

    async def connect(self):
        async with asyncio.timeout(20):
            while True:
                with contextlib.suppress(OSError):
                    return await asyncio.open_connection("127.0.0.1", self.port)
                # Nothing tells from outside when another process listens.
                await asyncio.sleep(0.02)

    async def ask(self, path):
        reader, writer = await self.connect()
        writer.write(b"GET %b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % path)
        self.writers.append(writer)
        return reader

    async def lines(self):
        """The lines that it wrote until its end."""
        async with asyncio.timeout(20):
            _, said = await self.process.communicate()
        return [json.loads(line) for line in said.splitlines()]


@contextlib.asynccontextmanager
async def alone(*before):
    [port] = free_ports(1)
    process = await asyncio.create_subprocess_exec(
        *before, sys.executable, "-c", SCRIPT, str(port), cwd=ROOT, stderr=asyncio.subprocess.PIPE
    )
    one = Alone(process, port)
    try:
        async with asyncio.timeout(60):
            assert (await (await one.ask(b"/")).read()).endswith(b"soso")
            yield one
    finally:
        for writer in one.writers:
            writer.close()
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_a_process_alone_whose_loop_stands_still_ends_and_says_where_it_stood():
    async with alone() as one:
        await one.ask(b"/still?60")
        lines = await one.lines()
    assert one.process.returncode == STOOD_STILL
    assert [line["event"] for line in lines] == ["loop_stands_still", "ended_by_watchdog"]
    assert all(line["at"][0].endswith(" in app") for line in lines)


async def test_a_loop_that_stood_still_for_less_goes_on():
    async with alone() as one:
        reader = await one.ask(b"/still?0.8")
        assert (await reader.read()).endswith(b"soso")
        one.process.terminate()
        lines = await one.lines()
    assert one.process.returncode == 0
    assert {line["event"] for line in lines} <= {"loop_stands_still", "stopping"}


async def test_a_process_that_was_stopped_and_goes_on_is_not_ended():
    async with alone() as one:
        one.process.send_signal(signal.SIGSTOP)
        # Longer than a loop may stand still, by the clock.
        await asyncio.sleep(2)
        one.process.send_signal(signal.SIGCONT)
        assert (await (await one.ask(b"/")).read()).endswith(b"soso")
        one.process.terminate()
        assert [line["event"] for line in await one.lines()] == ["stopping"]
    assert one.process.returncode == 0


@pytest.mark.parametrize("sent", [signal.SIGHUP, signal.SIGTERM, signal.SIGINT])
async def test_a_process_alone_that_is_asked_to_end_ends_its_answers_and_says_so(sent):
    async with alone() as one:
        reader = await one.ask(b"/slow")
        await reader.readuntil(b"so")
        one.process.send_signal(sent)
        assert await reader.read() == b"so"
        [line] = await one.lines()
    assert (line["event"], line["signal"]) == ("stopping", sent.name)
    assert one.process.returncode == 0


async def test_a_second_hang_up_cuts_nothing():
    async with alone() as one:
        reader = await one.ask(b"/slow")
        await reader.readuntil(b"so")
        for _ in range(3):
            one.process.send_signal(signal.SIGHUP)
        assert await reader.read() == b"so"
        [_] = await one.lines()
    assert one.process.returncode == 0


async def test_under_nohup_a_hang_up_is_nothing():
    async with alone("nohup") as one:
        one.process.send_signal(signal.SIGHUP)
        assert (await (await one.ask(b"/")).read()).endswith(b"soso")
        one.process.terminate()
        [line] = await one.lines()
    assert (line["event"], line["signal"]) == ("stopping", "SIGTERM")
