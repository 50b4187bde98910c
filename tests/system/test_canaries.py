"""Row 48: what must not be told goes through both services, in requests that succeed and in every kind that
fails; then none of it is in a log line, a metric, a trace, or an answer that refuses."""

import asyncio
import json
import signal

import httpx
import pytest

from tests.chat_proxy.fake_backend import Backend
from tests.chatgate.processes import short_folder
from tests.collector import attributes_of, collecting
from tests.ports import free_ports
from tests.system.canaries import THEIR_TRACE, TOML, World
from tests.system.canary_requests import (
    ask,
    fail_inside,
    oauth,
    refuse_at_the_broker,
    refuse_at_the_doors,
    refuse_at_the_proxy,
    refuse_without_redis,
    sign_in,
)
from tests.system.stack import Stack
from tests.trust import TRUST

pytestmark = pytest.mark.system


@pytest.fixture
async def world():
    backend = Backend()
    await backend.start()
    with short_folder() as folder, collecting() as collector:
        stack = Stack(folder, TOML)
        for name in ("CHATGATE_BROKER_SECRET", "CHATGATE_BACKENDS_BOOK_SECRET", "CHATGATE_BACKEND_SECRET"):
            del stack.environ[name]
        ports = dict(zip(("BROKER", "PROXY"), free_ports(2), strict=True))
        stack.environ |= {f"CHATGATE_{name}_METRICS_PORT": str(port) for name, port in ports.items()}
        stack.environ["CHATGATE_BACKENDS_BOOK_URL"] = backend.url
        stack.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = collector.url
        # With this FastAPI would send spans, metrics and logs of its own, errors' texts among them.
        stack.environ["FASTAPI_OTEL_AUTO_CONFIGURE"] = "true"
        try:
            stack.valkey.start()
            for name in ("broker", "chat_proxy"):
                await asyncio.to_thread(stack.start, name)
            yield World(stack, backend, ports, collector)
        finally:
            stack.stop_all()
            await backend.stop()


async def test_no_canary_is_in_logs_metrics_or_refusals(world):
    async with world.client() as http:
        reader = await sign_in(world, http)
        await ask(world, http, reader)
        await oauth(world, reader)
        await refuse_at_the_broker(world, http)
        await refuse_at_the_proxy(world, http, reader)
        await refuse_at_the_doors(world)
        await fail_inside(world, http, reader)
        told = await metrics(world)
        world.stack.valkey.kill()
        await refuse_without_redis(world, http, reader)
        told += await metrics(world)
    for process in world.stack.processes.values():
        process.send_signal(signal.SIGTERM)
        await asyncio.to_thread(process.wait, 15)
    lines = world.lines()
    written = [json.loads(line) for line in lines.splitlines()]
    all_happened(world, written)
    # No request changes the keys.
    for line in written:
        assert "request_id" in line or not line.get("audit") or "kid" in line, line
    for secret in world.secrets:
        assert secret not in lines, f"{secret} is in a log"
        assert secret not in told, f"{secret} is in the metrics"
        assert secret.encode() not in world.collector.received, f"{secret} is in a trace"
        for status, said in world.refusals:
            assert secret not in said, f"{secret} is in an answer with {status}: {said}"


def all_happened(world, written):
    """The search is sound only if every class of refusal occurred and the logs have it."""
    assert world.statuses() >= {400, 401, 403, 404, 405, 413, 415, 422, 431, 500, 502, 503, 504}
    events = {line["event"] for line in written if "request_id" in line}
    assert events >= {"signed_up", "sign_in_failed", "token_issued", "question", "backend_failed"}
    assert events >= {"unhandled", "refused_at_the_door"}
    routes = {line["route"] for line in written if line["event"] == "unhandled"}
    assert routes >= {"/chat", "/sessions/{session_id}", "/api/auth/sign-in/email"}
    assert world.collector.paths == {"/v1/traces"}
    spans = world.collector.spans
    assert {span.name for span in spans} >= {"GET", "POST", "admission", "ask_backend"}
    told_of = [attributes_of(span) for span in spans if span.name == "POST"]
    assert {one["http.response.status_code"] for one in told_of} >= {200, 401, 403, 422, 500, 503}
    assert {one["chatgate.request_id"] for one in told_of} & {line.get("request_id") for line in written}
    # A question's trace goes on at the backend, and does not go on from the caller's.
    traces = {span.trace_id.hex() for span in world.collector.spans}
    assert world.handed_on <= traces
    assert THEIR_TRACE.hex() not in traces


async def metrics(world):
    async with httpx.AsyncClient(verify=TRUST) as http:
        answers = [await http.get(f"http://127.0.0.1:{port}/metrics") for port in world.metrics.values()]
    return "".join(answer.text for answer in answers)
