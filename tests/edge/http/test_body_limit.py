import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from edge.http.body_limit import read_body
from edge.http.problems import Problem, render

LIMIT = 100


async def _length(request):
    return PlainTextResponse(str(len(await read_body(request, LIMIT))))


async def _problem(_request, problem):
    return render(problem)


@pytest.fixture
async def client():
    app = Starlette(routes=[Route("/", _length, methods=["POST"])], exception_handlers={Problem: _problem})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://edge") as client:
        yield client


async def _pieces(size):
    for _ in range(size):
        yield b"x"


@pytest.mark.parametrize("make", [lambda size: b"x" * size, _pieces], ids=["content-length", "chunked"])
@pytest.mark.parametrize(("size", "status"), [(0, 200), (LIMIT, 200), (LIMIT + 1, 413), (50 * LIMIT, 413)])
async def test_a_body_is_counted_however_it_is_sent(client, make, size, status):
    answer = await client.post("/", content=make(size))
    assert answer.status_code == status
    if status == 413:
        assert answer.json()["code"] == "body_too_large"
        assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("length", ["-1", "1e9", "9" * 30, "0x10", "²"])
async def test_a_length_that_is_no_number_or_too_long_is_refused(client, length):
    headers = [(b"content-length", length.encode("latin-1"))]
    assert (await client.post("/", content=b"x", headers=headers)).status_code == 413


async def test_a_part_of_a_body_is_not_taken_for_all_of_it():
    messages = iter([{"type": "http.request", "body": b"{}", "more_body": True}, {"type": "http.disconnect"}])

    async def receive():
        return next(messages)

    with pytest.raises(Problem) as raised:
        await read_body(Request({"type": "http", "headers": []}, receive), LIMIT)
    assert raised.value.code == "incomplete_body"


async def test_an_encoded_body_is_not_inflated(client):
    answer = await client.post("/", content=b"x", headers={"Content-Encoding": "gzip"})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_content_encoding")
