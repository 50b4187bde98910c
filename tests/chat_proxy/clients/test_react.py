"""`useChat` of @ai-sdk/react, unchanged, in a page that React renders: tests/node/react_chat.mjs."""

import asyncio
import contextlib
import json

import pytest

from tests.node_packages import FOLDER, node

CITED = ["Intro", "https://docs.example.org/intro"]
QUESTION = ["user", "What is this?"]


@pytest.mark.node
async def test_a_page_shows_an_answer_as_it_comes_its_sources_and_a_failure(service):
    go_on = asyncio.Event()

    async def behave(peer):
        if peer.received.json["message"] == "fail":
            await peer.head()
            await peer.event("delta", text="Half")
            await peer.event("error", code="canary")
            await peer.gone()
            return
        await peer.head()
        await peer.event("delta", text="Hello ")
        await go_on.wait()
        await peer.event("delta", text="reader.")
        await peer.event("citation", title=CITED[0], url=CITED[1], quote="Hi")
        await peer.event("done")
        await peer.end()

    service.backend.behaviour = behave
    async with page_of(service) as page, asyncio.timeout(60):
        half = await told(page, "half")
        assert half["status"] == "streaming"
        assert half["messages"] == [QUESTION, ["assistant", "Hello "]]
        assert half["sources"] == []
        go_on.set()
        page.stdin.write(b"\n")
        whole = await told(page, "whole")
        assert whole["messages"] == [QUESTION, ["assistant", "Hello reader."]]
        assert (whole["sources"], whole["alert"]) == ([CITED], None)
        failed = await told(page, "failed")
        assert failed["alert"] == "The answering service failed. Try again."
        assert failed["messages"] == [*whole["messages"], ["user", "fail"], ["assistant", "Half"]]
        assert await page.wait() == 0


@contextlib.asynccontextmanager
async def page_of(service):
    """The process that renders the page, for a new reader; killed at the end unless it has ended."""
    task = json.dumps({"proxy": service.url, "token": await service.sign_in()})
    pipe = asyncio.subprocess.PIPE
    path = await asyncio.to_thread(node)
    page = await asyncio.create_subprocess_exec(
        path, "react_chat.mjs", task, cwd=FOLDER, stdin=pipe, stdout=pipe, stderr=pipe
    )
    try:
        yield page
    finally:
        if page.returncode is None:
            page.kill()
            await page.wait()


async def told(page, step):
    line = await page.stdout.readline()
    assert line, (await page.stderr.read()).decode()
    found = json.loads(line)
    assert found["step"] == step
    return found["data"]
