"""Row 43: two hundred sign-ins at once cost their senders time, and no other reader."""

import asyncio
import contextlib
import json
import time

import httpx
import pytest

from broker.accounts.password_hashes import Cost, context_for
from broker.storage.sql import open_accounts
from tests.broker.storage.accounts_contract import account
from tests.chatgate.processes import short_folder
from tests.system.floods.meanwhile import started
from tests.system.stack import PAGE, Reader, Stack

pytestmark = [pytest.mark.system, pytest.mark.alone]

READERS = 200
ATTEMPTS = 20
"""Sign-ins of one account in a minute, as by default."""
PASSWORD = "a-tall-ship-and-a-star"


@pytest.fixture
def stack():
    with short_folder() as folder:
        stack = Stack(folder)
        stack.environ["CHATGATE_SIGN_IN_ATTEMPTS_PER_ACCOUNT"] = str(ATTEMPTS)
        try:
            stack.valkey.start()
            stack.start("broker")
            yield stack
        finally:
            stack.stop_all()


async def make_accounts(folder):
    accounts = open_accounts(f"sqlite:///{folder}/accounts.db")
    hashed = context_for(Cost()).hash(PASSWORD)
    emails = [f"reader{number}@flood.example" for number in range(READERS)]
    for email in emails:
        assert await accounts.create(account(email), hashed)
    await accounts.close()
    return emails


@contextlib.asynccontextmanager
async def asking_for_tokens(reader, port):
    """Another reader, meanwhile: `waited` is how long each token took, once it is over."""
    cookie = "; ".join(f"{name}={value}" for name, value in reader.http.cookies.items())
    process = await started("bystander.py", str(port), cookie)
    waited: list[float] = []
    yield waited
    told, _ = await process.communicate(b"")
    assert process.returncode == 0
    waited += json.loads(told)


async def test_two_hundred_sign_ins_at_once_leave_the_others_alone(stack):
    emails = await make_accounts(stack.folder)
    bystander = Reader(stack.broker, stack.proxy).sign_up()
    limits = httpx.Limits(max_connections=READERS)
    async with (
        asking_for_tokens(bystander, stack.ports["broker"]) as waited,
        httpx.AsyncClient(headers={"Origin": PAGE}, timeout=30, limits=limits) as crowd,
    ):
        began = time.perf_counter()
        bodies = [{"email": email, "password": PASSWORD} for email in emails]
        answers = await asyncio.gather(
            *(crowd.post(f"{stack.broker}/api/auth/sign-in/email", json=body) for body in bodies)
        )
        took = time.perf_counter() - began
    signed_in = [answer for answer in answers if answer.status_code == 200]
    refused = [answer for answer in answers if answer.status_code != 200]
    assert len(signed_in) >= READERS // 2
    assert took < 20
    assert {answer.status_code for answer in refused} <= {429, 503}
    assert all(int(answer.headers["retry-after"]) > 0 for answer in refused)
    assert len(waited) > 100
    assert sorted(waited)[len(waited) * 99 // 100] < 0.05


async def sign_ins(stack, address, emails):
    """The status and the seconds of a sign-in for each of them, all at once from one address."""
    transport = httpx.AsyncHTTPTransport(
        local_address=address, limits=httpx.Limits(max_connections=len(emails))
    )
    async with httpx.AsyncClient(headers={"Origin": PAGE}, timeout=30, transport=transport) as http:

        async def one(email):
            began = time.perf_counter()
            body = {"email": email, "password": PASSWORD}
            answer = await http.post(f"{stack.broker}/api/auth/sign-in/email", json=body)
            return answer.status_code, time.perf_counter() - began

        return await asyncio.gather(*(one(email) for email in emails))


@pytest.mark.parametrize("address", ["127.0.0.2", "127.0.0.3"], ids=["its neighbour", "somebody elsewhere"])
async def test_one_reader_who_signs_in_without_end_keeps_no_other_waiting(stack, address):
    greedy, *others = await make_accounts(stack.folder)
    [(_, alone)] = await sign_ins(stack, address, others[-1:])
    statuses: list[int] = []
    over = asyncio.Event()

    async def flood():
        while not over.is_set():
            statuses.extend(status for status, _ in await sign_ins(stack, "127.0.0.2", [greedy] * 40))

    flooding = asyncio.create_task(flood())
    while not statuses:  # noqa: ASYNC110  what the broker said is read, not announced
        await asyncio.sleep(0.01)
    served = []
    for email in others[:9]:
        served += await sign_ins(stack, address, [email])
    over.set()
    # The last forty are waited for: a client that is cancelled while it connects leaves its socket open.
    await flooding
    assert [status for status, _ in served] == [200] * 9
    # A few turns of the threads, whatever one of them takes on this machine.
    assert max(seconds for _, seconds in served) < max(1, 6 * alone)
    assert set(statuses) <= {200, 429, 503}
    # Attempts of one account are counted before those of its address, which are still there for the others.
    assert statuses.count(200) <= ATTEMPTS
