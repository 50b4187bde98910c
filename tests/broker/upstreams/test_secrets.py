"""Tokens that are signed, with the secret of the Better Auth server or one that it had."""

import pytest

from broker.sessions import cookies
from tests.broker.upstreams.stack import NOW, standing
from tests.broker.upstreams.theirs import NEXT_SECRET, SECRET

pytestmark = pytest.mark.node
pytest_plugins = ["tests.broker.storage.sql_stores"]

VERSIONS = pytest.mark.parametrize("visitor", ["redis", "redis, 1.6"], indirect=True)
NAME = "better-auth.session_token"


@VERSIONS
async def test_every_form_of_the_token_is_taken_and_no_other(visitor, table, redis, tmp_path):
    async with standing(
        redis, tmp_path, f'{table}secrets = ["a newer one of theirs", "{SECRET}"]\n'
    ) as stack:
        ada = await visitor()
        await ada.sign_up()
        raw, quoted = await ada.token(), ada.cookie
        signed = cookies.sign(raw, SECRET.encode())
        for token in (raw, signed, quoted):
            await stack.exchanged(token)
        forged = cookies.sign(raw, b"another secret")
        for token in (forged, raw[:-1], f"active-sessions-{'x' * 16}", "x" * 32, f"{raw} ", "*" * 32):
            await stack.refused(token)


@VERSIONS
async def test_their_cookie_is_ours_byte_for_byte_and_ours_opens_theirs(visitor):
    ada, bare = await visitor(), await visitor()
    await ada.sign_up()
    session = await ada.session()
    [line] = cookies.Jar(SECRET.encode(), secure=False).session(session["token"], 604_800)
    ours = line.partition(";")[0]
    assert ours == f"{NAME}={ada.cookie}"
    found = await bare.http.get("/get-session", headers={"Cookie": ours})
    assert found.json()["session"]["id"] == session["id"]
    [line] = cookies.Jar(b"another secret", secure=False).session(session["token"], 604_800)
    found = await bare.http.get("/get-session", headers={"Cookie": line.partition(";")[0]})
    assert found.json() is None


@pytest.mark.parametrize("name", ["redis", "postgres"])
async def test_a_session_outlives_the_secret_that_signed_it(theirs, visitor_of, redis, tmp_path, name):
    ada, bob = await visitor_of(name), await visitor_of(f"{name}, rotated")
    await ada.sign_up()
    await bob.sign_up()
    raw, old, new = await ada.token(), ada.cookie, bob.cookie
    bare = await visitor_of(f"{name}, rotated")
    bearer = {"Authorization": f"Bearer {raw}"}
    # The site signs the reader out, as it does not take the cookie any more; the session lives.
    assert (await bare.http.get("/get-session", headers={"Cookie": f"{NAME}={old}"})).json() is None
    assert (await bare.http.get("/get-session", headers=bearer)).json()["session"]["token"] == raw
    plain = theirs[1][name] + ("" if name == "redis" else NOW)
    for secret, good, refused in ((NEXT_SECRET, new, old), (SECRET, old, new)):
        folder = tmp_path / secret
        folder.mkdir()
        async with standing(redis, folder, f'{plain}secrets = ["{secret}"]\n') as stack:
            readers = [await stack.exchanged(one) for one in (raw, good)]
            assert [(await one.ask()).status_code for one in readers] == [200, 200]
            await stack.refused(refused)
    async with standing(redis, tmp_path, f'{plain}secrets = ["{NEXT_SECRET}", "{SECRET}"]\n') as stack:
        readers = [await stack.exchanged(one) for one in (raw, old, new)]
        assert [(await one.ask()).status_code for one in readers] == [200, 200, 200]
        assert (await bare.http.post("/sign-out", headers=bearer)).status_code == 200
        assert [(await one.ask()).status_code for one in readers] == [401, 401, 200]
        await stack.refused(old)
