"""The cost of a DPoP proof for the proxy: a question with a proof beside the same with a bearer token."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from bench import load
from bench.figures import Figure
from bench.http1 import HOST, request
from bench.load import Answer, Connection
from bench.oauth import Client
from bench.scenarios.refresh import cpu_of
from bench.stack import PAGE, PASSWORD, REDIRECT_URI, Reader, Stack

NAME = "dpop"
CONNECTIONS = 32
QUESTION = "How often does the station record a value?"


def run(stack: Stack, *, quick: bool) -> list[Figure]:
    questions, rounds = (320, 1) if quick else (4800, 7)
    proxy = stack.proxy
    # Readers with accounts, because guests would share the limits of one address.
    readers = stack.readers(CONNECTIONS)
    emails = stack.emails[CONNECTIONS : 2 * CONNECTIONS]
    bound = Bound(stack.broker.port, proxy.port, emails)
    costs: list[tuple[float, float]] = stack.load.call(
        measure, proxy.process.pid, readers, bound, questions, rounds
    )
    return [
        Figure(NAME, "CPU of the proxy a question, bearer token", median(one for one, _ in costs), "µs"),
        Figure(NAME, "CPU of the proxy a question, DPoP", median(two for _, two in costs), "µs"),
        Figure(
            NAME,
            "what DPoP adds, median of the rounds' differences",
            median(two - one for one, two in costs),
            "µs",
            250,
        ),
    ]


@dataclass(frozen=True, slots=True)
class Bound:
    """The accounts whose tokens are bound to a key, and the ports of broker and proxy."""

    broker: int
    proxy: int
    emails: Sequence[str]


async def measure(
    pid: int, readers: Sequence[Reader], bound: Bound, questions: int, rounds: int
) -> list[tuple[float, float]]:
    """Microseconds of CPU of the process `pid` a question, by bearer tokens and with proofs, round by round.

    The proofs of a round are signed before it begins, so that questions come equally fast in both cases: the
    more questions are under way at once, the less each costs.
    """
    proxy = bound.proxy
    clients = await _signed_in(bound)
    costs: list[tuple[float, float]] = []
    # The first round warms up all code paths, and is dropped.
    for _ in range(rounds + 1):
        [refused] = await load.ask_all(proxy, [_question(clients[0], proxy, "")], 1)
        nonce = refused.headers["dpop-nonce"]
        plain = [readers[at % len(readers)].question(QUESTION) for at in range(questions)]
        proved = [_question(clients[at % len(clients)], proxy, nonce) for at in range(questions)]
        costs.append((await _cost(proxy, pid, plain), await _cost(proxy, pid, proved)))
    return costs[1:]


async def _signed_in(bound: Bound) -> list[Client]:
    issuer = f"http://{HOST}:{bound.broker}"
    lines = [await Connection.open(bound.broker) for _ in bound.emails]
    clients = [Client(line, issuer, PAGE, "docs", REDIRECT_URI) for line in lines]
    await asyncio.gather(
        *(one.sign_in(email, PASSWORD) for one, email in zip(clients, bound.emails, strict=True))
    )
    for line in lines:
        line.close()
    return clients


def _question(client: Client, proxy: int, nonce: str) -> bytes:
    uri = f"http://{HOST}:{proxy}/chat"
    headers = {
        "Authorization": f"DPoP {client.access_token}",
        "DPoP": client.key.proof("POST", uri, nonce, client.access_token),
        "Origin": PAGE,
    }
    return request("POST", "/chat", {"message": QUESTION, "mode": "normal"}, headers)


async def _cost(port: int, pid: int, requests: Sequence[bytes]) -> float:
    before = cpu_of(pid)
    answers: list[Answer] = await load.ask_all(port, requests, CONNECTIONS)
    spent = cpu_of(pid) - before
    refused = [answer for answer in answers if answer.status != 200]
    assert not refused, refused[0]
    return spent / len(requests) * 1e6
