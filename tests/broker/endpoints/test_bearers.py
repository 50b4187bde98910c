"""A session as a bearer token: which sites have it, and in which forms it is taken."""

from tests.broker.endpoints.devices import bearer
from tests.broker.service import (
    OTHER_SITE,
    session_of,
    sign_up,
)


async def test_without_session_bearer_the_raw_token_is_in_the_cookie_alone(make):
    async with make(origin=OTHER_SITE) as page:
        done = await sign_up(page)
        cookie = page.cookies["better-auth.session_token"]
        raw = cookie.partition(".")[0]
        assert "set-auth-token" not in done.headers
        for answer in (
            done,
            await page.get("/api/auth/get-session"),
            await page.get("/api/auth/list-sessions"),
        ):
            assert raw not in answer.text
        assert (await session_of(page))["session"]["token"] == done.json()["token"]
        page.cookies.clear()
        for sent in (raw, cookie.replace("%2B", "+"), done.json()["token"]):
            assert (await page.get("/api/auth/get-session", headers=bearer(sent))).json() is None


async def test_a_bad_bearer_takes_no_cookie_along(page):
    await sign_up(page)
    for sent in ("garbage", "a" * 32, "a.b.c", "active-sessions-x", "a" * 32 + ".bad"):
        answer = await page.get("/api/auth/get-session", headers=bearer(sent))
        assert answer.json() is not None
        assert "set-cookie" not in answer.headers


async def test_a_bearer_is_taken_raw_signed_or_encoded(page):
    done = await sign_up(page)
    page.cookies.clear()
    signed = done.headers["set-auth-token"]
    for sent in (done.json()["token"], signed, signed.replace("+", "%2B").replace("=", "%3D")):
        assert (await page.get("/api/auth/get-session", headers=bearer(sent))).json() is not None
