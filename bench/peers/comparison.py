"""The rows of the comparison, and their measurement in turn."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

from bench import load
from bench.floor import BARE
from bench.load import Plan
from bench.peers import fronts, gateway, programs
from bench.peers.programs import Program
from bench.peers.shown import Cost, Costs, table
from bench.processes import Service, answers, free_ports, own_environment, process
from bench.scenarios import better_auth
from bench.scenarios.chat import CONNECTIONS, QUESTION, moved
from bench.stack import Stack, stack

_NOTHING: Final = "nothing: no session, no revocation, no limit"
_OF_THE_PROXY: Final = (
    "token, session, revocation, origin, rate, open questions, a day's questions; keeps the conversation"
)
_OF_LITELLM: Final = "one fixed key: no session, no revocation, no limit; reads and writes the dialect"
_OF_THE_BROKER: Final = "session, its site, origin; signs ES256"
_OF_BETTER_AUTH: Final = "session; its own rate limit is off; signs EdDSA"
FRONTS: Final = (
    (programs.NGINX, fronts.nginx),
    (programs.HAPROXY, fronts.haproxy),
    (programs.ENVOY_PROXY, fronts.envoy),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One server and the request that it gets. `unit` and `checks` are as in Costs. `keeps` says that the
    server keeps sessions in Valkey, which takes some processor time of its own."""

    unit: str
    server: str
    checks: str
    service: Service
    requests: Sequence[bytes]
    connections: int
    keeps: bool


def run(*, quick: bool) -> None:
    """Print the table and what was left out of it."""
    seconds, rounds = (0.5, 1) if quick else (3.0, 5)
    # A machine that others use as well may give Valkey no turn for longer than the default deadline, and a
    # refusal has no cost that could be compared.
    with stack(CHATGATE_REDIS_DEADLINE_SECONDS="5") as ours, ExitStack() as others:
        rows = [*_questions(ours, others), *_tokens(ours, others)]
        costs = _measured(ours, rows, seconds, rounds)
    print(f"\n{table(costs)}\n")
    print(f"CPU of each server's processes; medians of {rounds}, of {seconds:g} s each, in turn.")
    for program in _missing():
        print(f"Left out: {program.name}, which is not here; {program.get}.")


def _missing() -> list[Program]:
    wanted = [program for program, _ in FRONTS] + [programs.LITELLM_PROXY, programs.BETTER_AUTH]
    return [one for one in wanted if one.find() is None]


def _named(program: Program, path: Path) -> str:
    return f"{program.name} {program.version(path)}"


def _questions(ours: Stack, others: ExitStack) -> list[Row]:
    # LiteLLM starts slowly, and so before the readers get their tokens, which live for five minutes.
    path_of_litellm = programs.LITELLM_PROXY.find()
    litellm = _litellm(ours, others, path_of_litellm) if path_of_litellm else None
    asked = [reader.question(QUESTION) for reader in ours.readers(CONNECTIONS)]

    def row(server: str, checks: str, service: Service, requests: Sequence[bytes]) -> Row:
        return Row("question", server, checks, service, requests, CONNECTIONS, keeps=service is ours.proxy)

    found = [
        row(f"chat proxy {version('chatgate')}", _OF_THE_PROXY, ours.proxy, asked),
        row(f"bare ASGI, uvicorn {version('uvicorn')}", _NOTHING, ours.floor, moved(asked, BARE)),
    ]
    for program, command in FRONTS:
        if path := program.find():
            service = _front(ours, others, command, path)
            found.append(row(_named(program, path), _NOTHING, service, asked))
    if path_of_litellm and litellm:
        server = _named(programs.LITELLM_PROXY, path_of_litellm)
        found.append(row(server, _OF_LITELLM, litellm, [gateway.question(QUESTION)]))
    return found


def _front(ours: Stack, others: ExitStack, command: fronts.Command, path: Path) -> Service:
    [port] = free_ports(1)
    words = command(path, ours.folder, port, ours.backend.port)
    running = process(words, own_environment(), ours.folder, lambda: answers(port, "/"))
    return Service(port, others.enter_context(running))


def _litellm(ours: Stack, others: ExitStack, path: Path) -> Service:
    print("Starting LiteLLM ...", flush=True)
    [port] = free_ports(1)
    running = process(
        gateway.command(path, ours.folder, port, ours.backend.port),
        gateway.environment(ours.folder),
        ours.folder,
        lambda: answers(port, "/health/liveliness"),
        patience=gateway.PATIENCE,
    )
    return Service(port, others.enter_context(running))


def _tokens(ours: Stack, others: ExitStack) -> list[Row]:
    def row(server: str, checks: str, service: Service, requests: Sequence[bytes]) -> Row:
        return Row("token", server, checks, service, requests, len(requests), keeps=True)

    own = [reader.token_request() for reader in ours.readers(better_auth.READERS)]
    found = [row(f"/auth/token, broker {version('chatgate')}", _OF_THE_BROKER, ours.broker, own)]
    if path := programs.BETTER_AUTH.find():
        theirs = others.enter_context(better_auth.better_auth(ours))
        readers = ours.load.call(better_auth.sign_up, theirs.port, better_auth.READERS)
        asked = [better_auth.token_request(reader) for reader in readers]
        found.append(row(f"/token, {_named(programs.BETTER_AUTH, path)}", _OF_BETTER_AUTH, theirs, asked))
    return found


def _measured(ours: Stack, rows: Sequence[Row], seconds: float, rounds: int) -> list[Costs]:
    for row in rows:
        _measure(ours, row, seconds / 3)
    costs: list[list[Cost]] = [[] for _ in rows]
    for number in range(rounds):
        # Each round begins with another server: a machine that slows down favours none.
        for turn in range(len(rows)):
            at = (number + turn) % len(rows)
            costs[at].append(_measure(ours, rows[at], seconds))
    return [Costs(row.unit, row.server, row.checks, found) for row, found in zip(rows, costs, strict=True)]


def _measure(ours: Stack, row: Row, seconds: float) -> Cost:
    own, valkey = row.service.cpu_of_all(), ours.store.cpu()
    tally = ours.load.call(load.run, Plan(row.service.port, row.requests, row.connections, seconds)).require(
        200
    )
    return Cost(
        cpu=(row.service.cpu_of_all() - own) / tally.count * 1e6,
        valkey=(ours.store.cpu() - valkey) / tally.count * 1e6 if row.keeps else None,
        rate=tally.count / tally.seconds,
    )
