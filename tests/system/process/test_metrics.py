"""The metrics of a running service: with one worker and with two, and after workers have gone."""

import asyncio
import os
import signal
import sys

import httpx
import pytest

from tests.chat_proxy.processes import started
from tests.chat_proxy.waiting import until
from tests.ports import free_ports
from tests.system.process.scrapes import ask, told
from tests.system.process.workers import ready_in, workers_of
from tests.system.stack import Reader, Stack

pytestmark = pytest.mark.system

STATUS = "chatgate_responses_total"
PLACES = 32
"""Connections at once, of one reader."""


@pytest.fixture(params=[1, 2])
def workers(request, monkeypatch):
    monkeypatch.setenv("CHATGATE_PROXY_WORKERS", str(request.param))
    return request.param


async def test_one_port_tells_of_all_workers(valkey, tmp_path, workers):
    [port] = free_ports(1)
    async with started(valkey, tmp_path, metrics_port=port) as process:
        await until(lambda: _is(lambda: told(port)["chatgate_workers",] == workers), 20)
        service = process.service
        bearer = await service.sign_in()
        before = told(port)
        assert await ask(service, bearer, PLACES) == [200] * PLACES
        assert (await service.ask(f"{bearer}x")).status_code == 401
        async with service.stream(bearer) as stream:
            await stream.all()
        found = told(port)
        assert found["chatgate_workers_wanted",] == workers
        assert found["chatgate_admissions_total", "admitted"] == PLACES + 1
        assert found["chatgate_admissions_total", "invalid_token"] == 1
        assert found["chatgate_answers_total", "answered"] == PLACES + 1
        assert found["chatgate_first_byte_seconds_count",] == PLACES + 1
        assert found["chatgate_answers_open",] == 0
        assert found[STATUS, "2xx"] - before[STATUS, "2xx"] == PLACES + 1
        assert found[STATUS, "4xx"] - before[STATUS, "4xx"] == 1
        flights = "chatgate_redis_flight_seconds_count"
        # Two of each question.
        assert found[flights,] - before[flights,] >= 2 * PLACES
        assert found["chatgate_cutoff_listening",] == 1
        assert 0 <= found["chatgate_jwks_age_seconds",] < 60
        by_worker = [found["chatgate_worker_responses_total", str(slot)] for slot in range(workers)]
        assert sum(by_worker) == sum(found[STATUS, f"{one}xx"] for one in range(2, 6))
        assert max(by_worker) <= (0.75 if workers == 2 else 1) * sum(by_worker)
        # Not where readers come.
        assert (await service.client.get("/metrics")).status_code == 404


async def _is(condition):
    return condition()


async def test_no_count_falls_when_workers_go(valkey, tmp_path, monkeypatch):
    monkeypatch.setenv("CHATGATE_PROXY_WORKERS", "2")
    [port] = free_ports(1)
    async with started(valkey, tmp_path, metrics_port=port) as process:
        await until(lambda: _is(lambda: ready_in(process) == 2), 20)
        bearer = await process.service.sign_in()
        assert await ask(process.service, bearer, PLACES) == [200] * PLACES
        await process.service.client.aclose()
        assert told(port)["chatgate_answers_total", "answered"] == PLACES
        killed, _ = workers_of(process.process.pid)
        os.kill(killed, signal.SIGKILL)
        await until(lambda: _is(lambda: ready_in(process) == 3), 20)
        found = told(port)
        assert found["chatgate_answers_total", "answered"] == PLACES
        assert found["chatgate_worker_deaths_total",] == 1
        assert found["chatgate_workers",] == 2
        process.process.send_signal(signal.SIGHUP)
        await until(lambda: _is(lambda: '"event":"workers_replaced"' in process.log.read_text()), 60)
        found = told(port)
        assert found["chatgate_answers_total", "answered"] == PLACES
        assert found["chatgate_worker_deaths_total",] == 1
        assert found["chatgate_workers",] == 2


async def test_a_failing_backend_and_a_redis_that_is_away_are_counted(valkey, tmp_path):
    async def fail(peer):
        await peer.send(b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n")

    [port] = free_ports(1)
    async with started(valkey, tmp_path, metrics_port=port) as process:
        service = process.service
        bearer = await service.sign_in()
        service.backend.behaviour = fail
        assert (await service.ask(bearer)).status_code == 502
        valkey.kill()
        assert (await service.ask(bearer)).status_code == 503
        found = told(port)
        assert found["chatgate_upstream_errors_total", "main", "bad_backend"] == 1
        assert found["chatgate_answers_total", "bad_backend"] == 1
        assert found["chatgate_admissions_total", "temporarily_unavailable"] == 1
        assert found["chatgate_redis_failures_total",] >= 1
        assert found["chatgate_log_lines_total", "warning"] >= 1

        async def is_told():
            # It is open for a quarter of a second after a failure, so one is asked for meanwhile.
            _, found = await asyncio.gather(service.ask(bearer), asyncio.to_thread(told, port))
            return found["chatgate_redis_breaker_open",] == 1

        await until(is_told, 20)


def test_a_broker_tells_of_sign_ins_hashes_and_keys(tmp_path):
    stack = Stack(tmp_path)
    [port] = free_ports(1)
    stack.environ["CHATGATE_BROKER_METRICS_PORT"] = str(port)
    try:
        stack.valkey.start()
        stack.start("broker")
        reader = Reader(stack.broker, stack.proxy).sign_up()
        body = {"email": "nobody@example.com", "password": "not a password"}
        assert reader.http.post(f"{stack.broker}/api/auth/sign-in/email", json=body).status_code == 401
        assert reader.get_token().status_code == 200
        found = told(port)
        assert found["chatgate_events_total", "signed_up"] == 1
        assert found["chatgate_events_total", "sign_in_failed"] == 1
        assert found["chatgate_events_total", "token_issued"] == 1
        assert found["chatgate_hashes_total", "argon2"] == 2
        assert found["chatgate_hashing_running",] == 0
        assert found["chatgate_published_keys",] == 2
        assert 0 <= found["chatgate_signing_key_age_seconds",] < 60
        assert found[STATUS, "5xx"] == 0
        assert httpx.get(f"{stack.broker}/metrics").status_code == 404
    finally:
        stack.stop_all()


@pytest.mark.parametrize("count", [1, 2])
async def test_a_metrics_port_that_is_taken_stops_the_start_and_says_so(tmp_path, count):
    stack = Stack(tmp_path)
    [port] = free_ports(1)
    environ = stack.environ | {
        "CHATGATE_PROXY_METRICS_PORT": str(port),
        "CHATGATE_PROXY_WORKERS": str(count),
    }
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", port)
    async with server:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "chat_proxy", env=environ, stderr=asyncio.subprocess.PIPE
        )
        _, stderr = await process.communicate()
    assert process.returncode == 2
    assert f"127.0.0.1:{port}" in stderr.decode()
    assert "CHATGATE_PROXY_METRICS_PORT" in stderr.decode()
