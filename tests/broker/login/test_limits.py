"""The limits of sign-ins, new accounts and guests, by address and by account."""

from contextlib import AsyncExitStack

from edge.http.client_address import networks
from tests.broker.service import PASSWORD, code, sign_in, sign_up


async def test_wrong_passwords_are_counted_by_account_and_address_and_right_ones_are_not(start, config):
    limits = config.sign_in.model_copy(update={"failures_per_account": 3, "failures_per_address": 5})
    make = await start(sign_in=limits)
    async with make() as page, make(address="203.0.113.8") as elsewhere:
        for email in ("ada@example.com", "bob@example.com", "cyd@example.com"):
            await sign_up(page, email)
        for _ in range(10):
            assert (await sign_in(page, "ada@example.com")).status_code == 200
        for _ in range(3):
            assert code(await sign_in(page, "ada@example.com", "not the password"))[0] == 401
        blocked = await sign_in(page, "ada@example.com")
        assert code(blocked) == (429, "TOO_MANY_REQUESTS")
        assert 0 < int(blocked.headers["retry-after"]) <= 900
        assert blocked.headers["x-retry-after"] == blocked.headers["retry-after"]
        # Guesses of another reader lock no reader out.
        assert (await sign_in(elsewhere, "ada@example.com")).status_code == 200
        assert (await sign_in(page, "bob@example.com")).status_code == 200
        for _ in range(2):
            assert code(await sign_in(page, "cyd@example.com", "not the password"))[0] == 401
        assert code(await sign_in(page, "bob@example.com"))[0] == 429


async def test_one_who_signs_in_without_end_keeps_none_of_the_same_address_out(start, config):
    limits = config.sign_in.model_copy(update={"attempts_per_account": 3, "attempts_per_address": 5})
    make = await start(sign_in=limits)
    async with make() as page, make(address="203.0.113.8") as elsewhere:
        for email in ("ada@example.com", "bob@example.com"):
            await sign_up(page, email)
        answers = [(await sign_in(page, "ada@example.com")).status_code for _ in range(10)]
        assert answers == [200] * 3 + [429] * 7
        for _ in range(2):
            assert (await sign_in(page, "bob@example.com")).status_code == 200
        assert (await sign_in(elsewhere, "ada@example.com")).status_code == 200


async def test_new_accounts_and_guests_are_counted_by_network(start, config):
    limits = config.sign_in.model_copy(update={"sign_ups_per_address": 2})
    make = await start(sign_in=limits)
    async with make(address="2001:db8::1") as page, make(address="2001:db8::ffff") as neighbour:
        await sign_up(page)
        assert (await neighbour.post("/api/auth/sign-in/anonymous")).status_code == 200
        assert code(await neighbour.post("/api/auth/sign-in/anonymous", json={}))[0] in (400, 429)
        body = {"name": "Ada", "email": "ada@example.com", "password": PASSWORD}
        assert code(await page.post("/api/auth/sign-up/email", json=body)) == (429, "TOO_MANY_REQUESTS")
    async with make(address="2001:db8:0:1::1") as other_network:
        await sign_up(other_network)


async def test_behind_a_shared_address_wrong_passwords_are_counted_by_account(start, config):
    limits = config.sign_in.model_copy(update={"failures_per_account": 3, "failures_per_address": 5})
    make = await start(sign_in=limits, shared_addresses=networks(["203.0.113.0/24"]))
    async with make() as page, make(address="203.0.113.8") as neighbour:
        await sign_up(page, "ada@example.com")
        for number in range(10):
            assert code(await sign_in(page, f"nobody-{number}@example.com"))[0] == 401
        assert (await sign_in(neighbour, "ada@example.com")).status_code == 200
        statuses = [code(await sign_in(page, "ada@example.com", "not the password"))[0] for _ in range(4)]
        assert statuses == [401] * 3 + [429]


async def test_behind_a_shared_address_new_guests_have_ten_times_a_networks_limit(start, config):
    limits = config.sign_in.model_copy(update={"sign_ups_per_address": 2})
    make = await start(sign_in=limits, shared_addresses=networks(["203.0.113.0/24"]))
    async with AsyncExitStack() as stack:
        statuses = []
        for number in range(21):
            browser = await stack.enter_async_context(make(address=f"203.0.113.{number}"))
            statuses.append((await browser.post("/api/auth/sign-in/anonymous")).status_code)
    assert statuses == [200] * 20 + [429]
