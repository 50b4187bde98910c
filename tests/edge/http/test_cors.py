import httpx
import pytest
from fastapi import FastAPI
from starlette.responses import PlainTextResponse

from edge.http.middleware import with_middleware

SITE = "https://owner.github.io"


class Site:
    """An application that counts what reaches it."""

    def __init__(self):
        self.reached = 0

    async def __call__(self, scope, receive, send):
        self.reached += 1
        await PlainTextResponse("x", 500)(scope, receive, send)


@pytest.fixture
def site():
    return Site()


@pytest.fixture
async def client(site):
    api = FastAPI()
    api.mount("/", site)
    app = with_middleware(api, allowed={SITE}.__contains__, exposed="Retry-After")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://edge") as client:
        yield client


async def test_even_an_error_can_be_read_by_an_allowed_site(client):
    answer = await client.post("/", headers={"Origin": SITE})
    assert answer.status_code == 500
    assert answer.headers["access-control-allow-origin"] == SITE
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert answer.headers["access-control-expose-headers"] == "Retry-After"
    assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize(
    "origins",
    [
        ["null"],
        ["*"],
        [""],
        [SITE + ":443"],
        [SITE + "/"],
        [SITE.upper()],
        ["http://owner.github.io"],
        ["https://owner.github.io.evil.example"],
        ["https://evilowner.github.io"],
        [SITE, SITE],
        [f"{SITE} https://evil.example"],
    ],
)
async def test_a_look_alike_changes_nothing_and_reads_nothing(client, site, origins):
    headers = [("Origin", origin) for origin in origins]
    for method in ("POST", "DELETE", "PUT"):
        answer = await client.request(method, "/", headers=headers)
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers
    assert site.reached == 0
    answer = await client.get("/", headers=headers)
    assert "access-control-allow-origin" not in answer.headers
    assert answer.headers["vary"] == "Origin"


async def test_without_an_origin_the_request_is_no_browsers_cross_site_one(client, site):
    answer = await client.post("/")
    assert site.reached == 1
    assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize(
    "asked", ["authorization", "content-type", "dpop", "authorization,content-type,dpop"]
)
async def test_a_preflight_allows_what_a_question_needs(client, asked):
    headers = {
        "Origin": SITE,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": asked,
    }
    answer = await client.options("/", headers=headers)
    allowed = answer.headers["access-control-allow-headers"].lower().split(", ")
    assert set(asked.split(",")) <= set(allowed)
    # Not before each question.
    assert int(answer.headers["access-control-max-age"]) > 0


async def test_options_that_are_no_preflight_are_the_applications(client, site):
    await client.options("/", headers={"Origin": SITE})
    assert site.reached == 1


@pytest.mark.parametrize(("origin", "status"), [(SITE, 204), ("https://evil.example", 403)])
async def test_a_preflight_is_answered_before_the_application(client, site, origin, status):
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    answer = await client.options("/", headers=headers)
    assert answer.status_code == status
    assert ("access-control-allow-methods" in answer.headers) == (status == 204)
    assert site.reached == 0
