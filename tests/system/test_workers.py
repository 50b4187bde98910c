"""Several workers behind one port: who gets what, and what happens when one of them goes."""

import asyncio
import contextlib
import os
import signal

import httpx
import psutil
import pytest

from tests.chat_proxy.service import until
from tests.chat_proxy.test_process import started
from tests.chatgate.processes import is_running, none_runs

pytestmark = pytest.mark.system


def workers_of(pid):
    return [child.pid for child in psutil.Process(pid).children()]


def ready_in(process):
    return process.log.read_text().count('"event":"worker_ready"')


@contextlib.asynccontextmanager
async def two_workers(valkey, folder, monkeypatch):
    monkeypatch.setenv("CHATGATE_PROXY_WORKERS", "2")
    async with started(valkey, folder) as process:
        await until(lambda: _is(lambda: ready_in(process) == 2), 20)
        yield process


async def _is(condition):
    return condition()


def connections_of(pid):
    return sum(one.status == psutil.CONN_ESTABLISHED for one in psutil.Process(pid).net_connections("tcp"))


def _served(pid, port):
    """Connections of clients that a process has accepted."""
    found = psutil.Process(pid).net_connections("tcp")
    return sum(one.status == psutil.CONN_ESTABLISHED and one.laddr.port == port for one in found)


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
            async with httpx.AsyncClient(base_url=process.service.url, trust_env=False) as client:
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
        bearer = await service.sign_in()
        async with contextlib.AsyncExitStack() as stack:
            streams = [await stack.enter_async_context(service.stream(bearer)) for _ in range(4)]
            for stream in streams:
                assert (await stream.event())[0] == "start"
            port = httpx.URL(service.url).port
            assert all(_served(pid, port) for pid in pids)
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


async def test_workers_are_replaced_without_a_failed_request(valkey, tmp_path, monkeypatch):
    async with two_workers(valkey, tmp_path, monkeypatch) as process:
        old = workers_of(process.process.pid)
        bearer = await process.service.sign_in()
        done = asyncio.Event()
        loads = [asyncio.create_task(_ask_on(process.service, bearer, done)) for _ in range(4)]
        loads += [asyncio.create_task(_ask_anew(process.service, bearer, done)) for _ in range(2)]
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
    """On a connection that is kept. What breaks one is raised."""
    statuses = []
    async with httpx.AsyncClient(base_url=service.url, trust_env=False) as client:
        while not done.is_set():
            body = {"message": "What is this?", "mode": "normal"}
            answer = await client.post("/chat", json=body, headers=service.headers(bearer))
            statuses.append(answer.status_code)
            await asyncio.sleep(0.01)
    return statuses


async def _ask_anew(service, bearer, done):
    statuses = []
    while not done.is_set():
        async with httpx.AsyncClient(base_url=service.url, trust_env=False) as client:
            body = {"message": "What is this?", "mode": "normal"}
            answer = await client.post("/chat", json=body, headers=service.headers(bearer))
            statuses.append(answer.status_code)
        await asyncio.sleep(0.05)
    return statuses


async def test_workers_go_with_a_parent_that_was_killed(valkey, tmp_path, monkeypatch):
    async with two_workers(valkey, tmp_path, monkeypatch) as process:
        pids = workers_of(process.process.pid)
        process.process.kill()
        await until(lambda: _is(lambda: none_runs(pids)), 5)
