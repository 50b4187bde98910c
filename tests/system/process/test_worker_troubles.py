"""Several workers when things go wrong: one hangs, none can be started, a new one dies, the configuration is
broken, the parent is gone."""

import asyncio
import contextlib
import os
import resource
import signal
import socket

import httpx
import psutil
import pytest

from tests.chat_proxy.processes import started
from tests.chat_proxy.waiting import until
from tests.chatgate.processes import none_runs
from tests.ports import free_ports
from tests.system.process.scrapes import ask, told
from tests.system.process.workers import ready_in, workers_of

pytestmark = pytest.mark.system

COUNT = "chatgate_answers_total", "answered"


@contextlib.asynccontextmanager
async def two_workers(valkey, folder, monkeypatch):
    """With the port of the metrics."""
    monkeypatch.setenv("CHATGATE_PROXY_WORKERS", "2")
    [port] = free_ports(1)
    async with started(valkey, folder, metrics_port=port) as process:
        await see(lambda: ready_in(process) == 2)
        yield process, port


async def see(condition, within=20):
    async def holds():
        return condition()

    await until(holds, within)


def says(process, event):
    return f'"event":"{event}"' in process.log.read_text()


class Held:
    """A backend's answer that goes on until it is let go."""

    def __init__(self):
        self.go_on = asyncio.Event()

    async def __call__(self, peer):
        await peer.head()
        await peer.event("delta", text="Well, ")
        await self.go_on.wait()
        await peer.event("done")
        await peer.end()


async def test_a_worker_that_hangs_is_missing_in_the_metrics_and_its_counts_are_not(
    valkey, tmp_path, monkeypatch
):
    async with two_workers(valkey, tmp_path, monkeypatch) as (process, port):
        bearer = await process.service.sign_in()
        assert await ask(process.service, bearer, 16) == [200] * 16
        before = await asyncio.to_thread(told, port)
        assert before["chatgate_workers",] == 2
        hung, _ = workers_of(process.process.pid)
        os.kill(hung, signal.SIGSTOP)
        try:
            async with asyncio.timeout(3):
                found = await asyncio.to_thread(told, port)
        finally:
            os.kill(hung, signal.SIGCONT)
        assert found["chatgate_workers",] == 1
        assert found["chatgate_workers_wanted",] == 2
        assert found["chatgate_process_resident_bytes",] < 0.75 * before["chatgate_process_resident_bytes",]
        assert found[COUNT] == before[COUNT] == 16
        await see(lambda: told(port)["chatgate_workers",] == 2, 3)


async def test_a_worker_that_stands_still_is_ended_and_replaced_and_the_log_says_so(
    valkey, tmp_path, monkeypatch
):
    async with two_workers(valkey, tmp_path, monkeypatch) as (process, port):
        still, other = workers_of(process.process.pid)
        begun = asyncio.get_running_loop().time()
        os.kill(still, signal.SIGSTOP)
        await see(lambda: says(process, "worker_stands_still"))
        assert asyncio.get_running_loop().time() - begun > 9
        await see(lambda: ready_in(process) == 3)
        assert len(alive := workers_of(process.process.pid)) == 2
        assert other in alive
        assert still not in alive
        found = await asyncio.to_thread(told, port)
        assert found["chatgate_workers",] == 2
        assert found["chatgate_worker_deaths_total",] == 1


async def test_a_hang_up_that_reaches_the_workers_as_well_is_the_parents_to_hear(
    valkey, tmp_path, monkeypatch
):
    async with two_workers(valkey, tmp_path, monkeypatch) as (process, port):
        old, service = workers_of(process.process.pid), process.service
        service.backend.behaviour = held = Held()
        async with service.stream(await service.sign_in()) as stream:
            assert (await stream.event())[0] == "start"
            for pid in (*old, process.process.pid):
                os.kill(pid, signal.SIGHUP)
            await see(lambda: ready_in(process) == 3)
            held.go_on.set()
            assert (await stream.all())[-1][0] == "done"
        await see(lambda: says(process, "workers_replaced"), 60)
        assert (await asyncio.to_thread(told, port))["chatgate_worker_deaths_total",] == 0


async def test_where_no_process_can_be_made_the_others_serve_on(valkey, tmp_path, monkeypatch):
    async with two_workers(valkey, tmp_path, monkeypatch) as (process, _):
        parent = psutil.Process(process.process.pid)
        soft, hard = parent.rlimit(resource.RLIMIT_NOFILE)
        parent.rlimit(resource.RLIMIT_NOFILE, (parent.num_fds() - 1, hard))
        killed, other = workers_of(parent.pid)
        os.kill(killed, signal.SIGKILL)
        await see(lambda: says(process, "worker_did_not_start"), 5)
        assert (await process.service.client.get("/readyz")).status_code == 200
        parent.rlimit(resource.RLIMIT_NOFILE, (soft, hard))
        await see(lambda: ready_in(process) == 3)
        assert other in workers_of(parent.pid)


async def test_a_new_worker_that_dies_while_the_old_one_ends_its_answers_is_replaced(
    valkey, tmp_path, monkeypatch
):
    async with two_workers(valkey, tmp_path, monkeypatch) as (process, port):
        old, service = workers_of(process.process.pid), process.service
        service.backend.behaviour = held = Held()
        bearer = await service.sign_in()
        async with contextlib.AsyncExitStack() as stack:
            streams = [await stack.enter_async_context(service.stream(bearer)) for _ in range(6)]
            for stream in streams:
                assert (await stream.event())[0] == "start"
            process.process.send_signal(signal.SIGHUP)
            await see(lambda: ready_in(process) == 3)
            [new] = set(workers_of(process.process.pid)) - set(old)
            os.kill(new, signal.SIGKILL)
            await see(lambda: ready_in(process) == 4, 5)
            assert (await asyncio.to_thread(told, port))["chatgate_worker_deaths_total",] == 1
            held.go_on.set()
            for stream in streams:
                assert (await stream.all())[-1][0] == "done"
        # A worker that dies at once is no better than the one it replaces.
        await see(lambda: says(process, "replacing_stopped"))
        alive = workers_of(process.process.pid)
        assert len(set(alive) & set(old)) == 1
        assert len(alive) == 2


async def test_a_broken_configuration_replaces_no_worker_and_the_last_counts_are_kept(
    valkey, tmp_path, monkeypatch
):
    async with two_workers(valkey, tmp_path, monkeypatch) as (process, port):
        old, path = workers_of(process.process.pid), tmp_path / "chatgate.toml"
        whole = path.read_text()
        path.write_text("[no table")
        process.process.send_signal(signal.SIGHUP)
        await see(lambda: says(process, "replacing_stopped"))
        assert workers_of(process.process.pid) == old
        bearer = await process.service.sign_in()
        assert await ask(process.service, bearer, 16) == [200] * 16
        path.write_text(whole)
        process.process.send_signal(signal.SIGHUP)
        await see(lambda: says(process, "workers_replaced"), 60)
        assert none_runs(old)
        # No metrics were read while the old workers were there.
        found = await asyncio.to_thread(told, port)
        assert found[COUNT] == 16
        assert found["chatgate_worker_deaths_total",] == 0
        assert found["chatgate_log_lines_total", "error"] >= 2


async def test_a_new_worker_without_the_keys_that_the_old_one_has_waits_for_them(
    valkey, tmp_path, monkeypatch
):
    async with two_workers(valkey, tmp_path, monkeypatch) as (process, _):
        service = process.service
        bearer = await service.sign_in()
        # Both have the keys.
        assert await ask(service, bearer, 16) == [200] * 16
        service.publisher.is_away = True
        before = service.publisher.fetches
        process.process.send_signal(signal.SIGHUP)
        await see(lambda: service.publisher.fetches >= before + 3)
        assert ready_in(process) == 2
        assert await ask(service, bearer, 16) == [200] * 16
        service.publisher.is_away = False
        await see(lambda: says(process, "workers_replaced"), 60)


async def test_without_their_parent_workers_leave_its_port_at_once_and_end_their_answers(
    valkey, tmp_path, monkeypatch
):
    async with two_workers(valkey, tmp_path, monkeypatch) as (process, _):
        service = process.service
        service.backend.behaviour = held = Held()
        async with service.stream(await service.sign_in()) as stream:
            assert (await stream.event())[0] == "start"
            process.process.kill()
            port = httpx.URL(service.url).port
            await see(lambda: is_free(port), 3)
            held.go_on.set()
            assert (await stream.all())[-1][0] == "done"


def is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
