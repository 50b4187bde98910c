"""Several workers behind one port: who gets what, and what happens when one of them goes."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from typing import Any

import httpx
import psutil
import pytest

from tests.chat_proxy.processes import started
from tests.chat_proxy.waiting import until
from tests.chatgate.processes import is_running, none_runs
from tests.chatgate.processes import until as until_true
from tests.system.process.workers import ready_in, workers_of
from tests.system.stack import Reader, Stack
from tests.trust import TRUST

pytestmark = pytest.mark.system


@contextlib.asynccontextmanager
async def two_workers(valkey, folder, monkeypatch):
    monkeypatch.setenv("CHATGATE_PROXY_WORKERS", "2")
    async with started(valkey, folder) as process:
        await until(lambda: _is(lambda: ready_in(process) == 2), 20)
        yield process


async def _is(condition):
    return condition()


def _served(pid, port):
    """Connections of clients that a process has accepted."""
    found = psutil.Process(pid).net_connections("tcp")
    return sum(one.status == psutil.CONN_ESTABLISHED and one.laddr.port == port for one in found)


@pytest.mark.alone
async def test_connections_are_divided_evenly(valkey, tmp_path, monkeypatch):
    async with two_workers(valkey, tmp_path, monkeypatch) as process:
        port = httpx.URL(process.service.url).port
        pairs = [await asyncio.open_connection("127.0.0.1", port) for _ in range(20)]
        for reader, writer in pairs:
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert await reader.readuntil(b"\r\n\r\n")
        shares = [_served(pid, port) for pid in workers_of(process.process.pid)]
        # The client that looked whether they are ready may have one more.
        assert sum(shares) in (20, 21)
        assert max(shares) <= 0.6 * sum(shares)
        for _, writer in pairs:
            writer.close()


async def test_a_killed_worker_is_replaced_and_the_other_answers_meanwhile(valkey, tmp_path, monkeypatch):
    async with two_workers(valkey, tmp_path, monkeypatch) as process:
        killed, other = workers_of(process.process.pid)
        os.kill(killed, signal.SIGKILL)
        await until(lambda: _is(lambda: not is_running(killed)), 5)
        for _ in range(10):
            async with httpx.AsyncClient(
                base_url=process.service.url, trust_env=False, verify=TRUST
            ) as client:
                assert (await client.get("/readyz")).status_code == 200
        await until(lambda: _is(lambda: ready_in(process) == 3), 20)
        alive = workers_of(process.process.pid)
        assert len(alive) == 2
        assert other in alive
        assert killed not in alive
        assert '"event":"worker_died"' in process.log.read_text()


async def test_all_workers_end_their_answers_before_they_go(valkey, tmp_path, monkeypatch):
    go_on = asyncio.Event()

    async def pause(peer):
        await peer.head()
        await peer.event("delta", text="Well, ")
        await go_on.wait()
        await peer.event("delta", text="yes.")
        await peer.event("done")
        await peer.end()

    async with two_workers(valkey, tmp_path, monkeypatch) as process:
        service = process.service
        service.backend.behaviour = pause
        pids = workers_of(process.process.pid)
        # A Ctrl-C in the terminal goes to a whole group, and a second word to stop cuts the answers.
        assert [os.getpgid(pid) for pid in pids] == pids
        bearer = await service.sign_in()
        async with contextlib.AsyncExitStack() as stack:
            streams: list[Any] = []
            port = httpx.URL(service.url).port
            # Soon both have some: the worker with fewer gets the next.
            while not all(_served(pid, port) for pid in pids) or len(streams) < 4:
                streams.append(await stack.enter_async_context(service.stream(bearer)))
                assert (await streams[-1].event())[0] == "start"
                assert len(streams) < 20
            process.terminate()
            await until(lambda: _drains(service), 3)
            answer = await service.ask(bearer)
            assert (answer.status_code, answer.json()["code"]) == (503, "shutting_down")
            go_on.set()
            for stream in streams:
                assert [name for name, _ in await stream.all()] == ["delta", "delta", "done"]
        async with asyncio.timeout(3):
            assert await process.process.wait() == 0
        assert none_runs(pids)


async def _drains(service):
    return (await service.client.get("/readyz")).status_code == 503


@pytest.mark.alone
async def test_workers_are_replaced_without_a_failed_request(valkey, tmp_path, monkeypatch):
    async with two_workers(valkey, tmp_path, monkeypatch) as process:
        old = workers_of(process.process.pid)
        # Readers of their own, as a fast machine asks more than the 100 a second that one reader may.
        bearers = [await process.service.sign_in(sub=f"{at:032}") for at in range(6)]
        done = asyncio.Event()
        loads = [asyncio.create_task(_ask_on(process.service, bearer, done)) for bearer in bearers[:4]]
        loads += [asyncio.create_task(_ask_anew(process.service, bearer, done)) for bearer in bearers[4:]]
        try:
            process.process.send_signal(signal.SIGHUP)
            await until(lambda: _is(lambda: '"event":"workers_replaced"' in process.log.read_text()), 60)
        finally:
            done.set()
        statuses = [status for load in await asyncio.gather(*loads) for status in load]
        assert len(statuses) > 100
        assert set(statuses) == {200}
        new = workers_of(process.process.pid)
        assert len(new) == 2
        assert not set(new) & set(old)
        assert none_runs(old)


async def _ask_on(service, bearer, done):
    """Ask on a connection that is kept. A connection that breaks raises."""
    statuses = []
    async with httpx.AsyncClient(base_url=service.url, trust_env=False, verify=TRUST) as client:
        while not done.is_set():
            body = {"message": "What is this?", "mode": "normal"}
            answer = await client.post("/chat", json=body, headers=service.headers(bearer))
            statuses.append(answer.json().get("code", answer.status_code))
            await asyncio.sleep(0.01)
    return statuses


async def _ask_anew(service, bearer, done):
    statuses = []
    while not done.is_set():
        async with httpx.AsyncClient(base_url=service.url, trust_env=False, verify=TRUST) as client:
            body = {"message": "What is this?", "mode": "normal"}
            answer = await client.post("/chat", json=body, headers=service.headers(bearer))
            statuses.append(answer.json().get("code", answer.status_code))
        await asyncio.sleep(0.05)
    return statuses


async def test_workers_go_with_a_parent_that_was_killed(valkey, tmp_path, monkeypatch):
    async with two_workers(valkey, tmp_path, monkeypatch) as process:
        pids = workers_of(process.process.pid)
        process.process.kill()
        await until(lambda: _is(lambda: none_runs(pids)), 5)


@pytest.mark.alone
def test_the_workers_of_a_broker_are_replaced_without_a_failed_request(tmp_path):
    stack = Stack(tmp_path)
    stack.environ["CHATGATE_BROKER_WORKERS"] = "2"
    try:
        stack.valkey.start()
        # Both make the tables of a new database.
        stack.start("broker")
        parent = stack.processes["broker"].pid
        until_true(lambda: stack.log_of("broker").count('"event":"worker_ready"') == 2, 20)
        old = workers_of(parent)
        reader = Reader(stack.broker, stack.proxy).sign_up()
        statuses, done = [], threading.Event()

        def renew():
            while not done.is_set():
                statuses.append(reader.get_token().status_code)

        renewing = threading.Thread(target=renew)
        renewing.start()
        os.kill(parent, signal.SIGHUP)
        try:
            until_true(lambda: '"event":"workers_replaced"' in stack.log_of("broker"), 60)
        finally:
            done.set()
            renewing.join()
        assert len(statuses) > 100
        assert set(statuses) == {200}
        assert none_runs(old)
        stack.processes["broker"].terminate()
        assert stack.processes["broker"].wait(10) == 0
    finally:
        stack.stop_all()


@pytest.mark.parametrize("count", [1, 2])
def test_where_none_can_start_the_exit_code_is_that_of_one(tmp_path, count):
    stack = Stack(tmp_path)
    environ = stack.environ | {"CHATGATE_BROKER_DATABASE_URL": "postgresql://user@host/name?sslmode=odd"}
    ended = subprocess.run(
        [sys.executable, "-m", "broker", "--workers", str(count)],
        env=environ,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert ended.returncode == 2
    assert "sslmode" in ended.stderr
    assert ('"event":"gave_up"' in ended.stderr) == (count == 2)


@pytest.mark.parametrize("count", ["0", "65", "two"])
def test_a_number_of_workers_that_cannot_be_is_refused(count):
    ended = subprocess.run(
        [sys.executable, "-m", "chat_proxy", "--workers", count], capture_output=True, text=True, timeout=30
    )
    assert ended.returncode == 2
    assert "--workers" in ended.stderr


def test_a_port_that_is_taken_is_named(tmp_path):
    stack = Stack(tmp_path)
    with socket.create_server(("127.0.0.1", stack.ports["broker"])):
        ended = subprocess.run(
            [sys.executable, "-m", "broker", "--workers", "2"],
            env=stack.environ,
            capture_output=True,
            text=True,
            timeout=30,
        )
    assert ended.returncode == 3
    assert '"event":"cannot_listen"' in ended.stderr
    assert str(stack.ports["broker"]) in ended.stderr
