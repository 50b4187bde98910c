"""Changing the name and the picture of an account."""

from tests.broker.service import (
    code,
    session_of,
    sign_up,
)


async def test_a_profile_is_changed_where_told(page):
    await sign_up(page)
    change = {"name": "Ada L.", "image": "https://example.com/a.png"}
    assert (await page.post("/api/auth/update-user", json=change)).json() == {"status": True}
    user = (await session_of(page))["user"]
    assert (user["name"], user["image"]) == ("Ada L.", "https://example.com/a.png")
    await page.post("/api/auth/update-user", json={"image": None})
    assert (await session_of(page))["user"]["image"] is None
    assert code(await page.post("/api/auth/update-user", json={"email": "x@example.com"})) == (
        400,
        "EMAIL_CAN_NOT_BE_UPDATED",
    )
    assert (await page.post("/api/auth/update-user", json={})).status_code == 400
    assert code(await page.post("/api/auth/update-user", json={"name": "nul \0"})) == (400, "INVALID_PROFILE")


async def test_a_reader_changes_their_profile_so_often_and_a_null_name_leaves_the_one_there_is(page, make):
    await sign_up(page, name="Ada")
    for _ in range(30):
        assert (await page.post("/api/auth/update-user", json={"name": None})).json() == {"status": True}
    answer = await page.post("/api/auth/update-user", json={"name": "Bea"})
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 60
    assert (await session_of(page))["user"]["name"] == "Ada"
    async with make() as other:
        await sign_up(other)
        assert (await other.post("/api/auth/update-user", json={"name": "Bea"})).status_code == 200
