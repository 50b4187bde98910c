"""Guests: which sites take them, and how one becomes a reader."""

from tests.broker.service import OTHER_SITE, code, session_of, sign_up


async def test_guests_are_for_sites_that_allow_them(make):
    async with make() as page, make(origin=OTHER_SITE) as elsewhere:
        answer = await page.post("/api/auth/sign-in/anonymous", json={})
        user = answer.json()["user"]
        assert user["isAnonymous"]
        assert user["email"].endswith("@anonymous.placeholder.invalid")
        assert (await session_of(page))["user"] == user
        again = await page.post("/api/auth/sign-in/anonymous", json={})
        assert code(again) == (400, "ANONYMOUS_USERS_CANNOT_SIGN_IN_AGAIN_ANONYMOUSLY")
        refused = await elsewhere.post("/api/auth/sign-in/anonymous", json={})
        assert code(refused) == (403, "ANONYMOUS_SIGN_IN_DISABLED")
        assert "set-cookie" not in refused.headers


async def test_a_guest_who_signs_up_is_a_guest_no_more(page):
    guest = (await page.post("/api/auth/sign-in/anonymous", json={})).json()["token"]
    await sign_up(page)
    assert not (await session_of(page))["user"]["isAnonymous"]
    page.cookies.clear()
    headers = {"Authorization": f"Bearer {guest}"}
    assert (await page.get("/api/auth/get-session", headers=headers)).json() is None
