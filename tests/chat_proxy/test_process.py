"""The service as a process: how it starts, what it writes, how it goes. Security rows 46 and 48."""

import asyncio
import contextlib
import os
import signal
import sys
import time

import httpx
import pytest

from tests.chat_proxy.configuration import SECRET, configuration
from tests.chat_proxy.processes import started
from tests.chat_proxy.waiting import until


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGHUP])
async def test_a_running_answer_is_finished_and_no_new_one_begun(valkey, tmp_path, sent):
    go_on = asyncio.Event()

    async def pause(peer):
        await peer.head()
        await peer.event("delta", text="Well, ")
        await go_on.wait()
        await peer.event("delta", text="yes.")
        await peer.event("done")
        await peer.end()

    async with started(valkey, tmp_path) as process:
        service = process.service
        service.backend.behaviour = pause
        bearer = await service.sign_in()
        async with service.stream(bearer) as stream:
            assert (await stream.event())[0] == "start"
            process.process.send_signal(sent)
            await until(lambda: _drains(service), 2)
            answer = await service.ask(bearer)
            assert (answer.status_code, answer.json()["code"]) == (503, "shutting_down")
            assert answer.headers["retry-after"]
            assert answer.headers["connection"] == "close"
            assert (await service.client.get("/healthz")).status_code == 200
            go_on.set()
            assert [name for name, _ in await stream.all()] == ["delta", "delta", "done"]
        async with asyncio.timeout(2):
            assert await process.process.wait() == 0
        assert f'"signal":"{sent.name}","event":"stopping"' in process.log.read_text()


async def _drains(service):
    return (await service.client.get("/readyz")).status_code == 503


async def test_an_answer_that_does_not_end_is_cut_at_the_limit(valkey, tmp_path):
    async def talk(peer):
        await peer.head()
        await peer.event("delta", text="Well, ")
        await peer.gone()

    async with started(valkey, tmp_path) as process:
        service = process.service
        service.backend.behaviour = talk
        async with service.stream(await service.sign_in()) as stream:
            assert (await stream.event())[0] == "start"
            start = time.monotonic()
            process.terminate()
            events = await stream.all()
            assert 9 < time.monotonic() - start < 11
        assert events[-1][0] == "error"
        assert events[-1][1]["code"] == "shutting_down"
        async with asyncio.timeout(3):
            assert await process.process.wait() == 0


async def test_with_nothing_under_way_it_goes_at_once(valkey, tmp_path):
    async with started(valkey, tmp_path) as process:
        await process.service.ask(await process.service.sign_in())
        start = time.monotonic()
        process.terminate()
        assert await process.process.wait() == 0
        assert time.monotonic() - start < 1.5


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"CHATGATE_CONFIG": "/nowhere/chatgate.toml"}, "there is no such file"),
        ({"CHATGATE_ENV": "production", "CHATGATE_PROXY_AUTH": "none"}, "proxy.auth"),
        ({"CHATGATE_BACKENDS_MAIN_SECRET": "short"}, "backends.main.secret"),
        ({"CHATGATE_PROXY_PORTS": "1"}, "CHATGATE_PROXY_PORTS"),
        ({"CHATGATE_EDGE_AUDIT_FILE": "/nowhere/audit.jsonl"}, "edge.audit_file"),
    ],
)
async def test_a_process_that_cannot_start_says_why(tmp_path, change, line):
    path, environ = configuration(tmp_path, "unix:///nowhere", "http://127.0.0.1:1/", "http://127.0.0.1:1")
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "chat_proxy",
        env={**os.environ, **environ, "CHATGATE_CONFIG": str(path), **change},
        stderr=asyncio.subprocess.PIPE,
    )
    _, stderr = await process.communicate()
    assert process.returncode == 2
    assert line in stderr.decode()
    assert "Traceback" not in stderr.decode()


async def reply(peer):
    await peer.head()
    await peer.event("delta", text="canary-answer")
    await peer.event("done")
    await peer.end()


async def fail(peer):
    await peer.send(b"HTTP/1.1 200 OK\r\nX: canary-header\0\r\n\r\n")
    peer.writer.close()


async def tear(peer):
    await peer.head()
    await peer.event("delta", text="canary-answer")
    peer.writer.transport.abort()


async def test_no_secret_and_no_text_is_written(valkey, tmp_path):
    """Row 48: every way in which something goes wrong, and then the whole of what was written."""
    async with started(valkey, tmp_path) as process:
        service = process.service
        bearer = await service.sign_in()
        proofs = set()
        for behaviour in (reply, fail, tear):
            service.backend.behaviour = behaviour
            for stream in (False, True):
                body = {
                    "message": "canary-question",
                    "selected_text": "canary-selection",
                    "session_id": "canary-conversation",
                }
                headers = service.headers(bearer, stream=stream) | {"User-Agent": "canary-agent"}
                with contextlib.suppress(httpx.RemoteProtocolError):
                    await service.client.post("/chat?canary=query", json=body, headers=headers)
        proofs |= {one.headers["authorization"].split()[1] for one in service.backend.received}
        await service.ask(bearer + "canary")
        await service.client.post("/chat", content=b'{"canary-key": ', headers=service.headers(bearer))
        await service.client.get("/sessions/canary%20path", headers=service.headers(bearer))
        valkey.kill()
        await service.ask(bearer)
        process.terminate()
        await process.process.wait()
        written = process.log.read_text()
    assert '"event":"question"' in written
    assert '"outcome":"answered"' in written
    for secret in ("canary", SECRET, bearer, bearer.split(".")[2], *proofs):
        assert secret not in written
