"""Guests share the limits of their address, as far as it is known."""

from tests.chat_proxy.service import running


async def test_guests_share_limits_by_address(valkey, tmp_path):
    limits = "questions_per_minute = 6\nburst = 3\nconcurrent = 1\ndaily_questions = 20\n"
    proxies = '[edge]\ntrusted_proxies = ["127.0.0.0/8"]'
    async with running(valkey, tmp_path, tiers={"guest": limits}, backend=proxies) as service:
        statuses = []
        for number in range(5):
            guest = await service.sign_in(sub=f"{number}" * 32, tier="guest", proved_by="anonymous")
            headers = service.headers(guest) | {"X-Forwarded-For": "192.0.2.66, 203.0.113.7"}
            answer = await service.client.post("/chat", json={"message": "x"}, headers=headers)
            statuses.append(answer.status_code)
        assert statuses == [200, 200, 200, 429, 429]
        elsewhere = service.headers(guest) | {"X-Forwarded-For": "203.0.113.8"}
        answer = await service.client.post("/chat", json={"message": "x"}, headers=elsewhere)
        assert answer.status_code == 200
        assert (await service.ask(await service.sign_in())).status_code == 200


async def test_guests_behind_a_shared_address_have_limits_of_their_own(valkey, tmp_path):
    limits = "questions_per_minute = 6\nburst = 2\nconcurrent = 1\ndaily_questions = 20\n"
    shared = '[edge]\nshared_addresses = ["127.0.0.0/8"]'
    async with running(valkey, tmp_path, tiers={"guest": limits}, backend=shared) as service:
        for number in range(3):
            guest = await service.sign_in(sub=f"{number}" * 32, tier="guest", proved_by="anonymous")
            statuses = [(await service.ask(guest)).status_code for _ in range(3)]
            assert statuses == [200, 200, 429]


# Security row 39: without a trusted hop the header names no client.
async def test_an_invented_address_buys_nothing(valkey, tmp_path):
    limits = "questions_per_minute = 6\nburst = 2\nconcurrent = 1\ndaily_questions = 20\n"
    async with running(valkey, tmp_path, tiers={"guest": limits}) as service:
        statuses = []
        for number in range(3):
            guest = await service.sign_in(sub=f"{number}" * 32, tier="guest", proved_by="anonymous")
            headers = service.headers(guest) | {"X-Forwarded-For": f"203.0.113.{number}"}
            answer = await service.client.post("/chat", json={"message": "x"}, headers=headers)
            statuses.append(answer.status_code)
        assert statuses == [200, 200, 429]


async def test_a_site_without_guests_takes_none(service):
    guest = await service.sign_in(client="other", tier="guest", proved_by="anonymous")
    assert (await service.ask(guest)).status_code == 401
