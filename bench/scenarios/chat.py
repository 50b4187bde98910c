"""One question, answered at once: the cost of the proxy's checks above the floor (bench/floor.py)."""

from statistics import median

from bench import load
from bench.figures import Figure
from bench.floor import CALLED, PIPELINED
from bench.load import Plan
from bench.processes import Service
from bench.stack import Stack

NAME = "chat"
CONNECTIONS = 32
QUESTION = "How often does the station record a value?"


def run(stack: Stack, *, quick: bool) -> list[Figure]:
    seconds, rounds = (1.0, 1) if quick else (3.0, 7)
    requests = [reader.question(QUESTION) for reader in stack.readers(CONNECTIONS)]
    measured = (
        ("called", stack.floor, moved(requests, CALLED)),
        ("pipelined", stack.floor, moved(requests, PIPELINED)),
        ("flown", stack.floor, requests),
        ("proxy", stack.proxy, requests),
    )
    costs: dict[str, list[float]] = {name: [] for name, _, _ in measured}
    rates: list[float] = []
    for _, service, asked in measured:
        _measure(stack, service, asked, seconds / 3)
    for _ in range(rounds):
        # The services take turns, because the machine may be faster now than a minute ago.
        for name, service, asked in measured:
            cost, rate = _measure(stack, service, asked, seconds)
            costs[name].append(cost)
        rates.append(rate)

    def ratio(floor: str) -> float:
        return median(proxy / one for proxy, one in zip(costs["proxy"], costs[floor], strict=True))

    return [
        Figure(NAME, "CPU of the floor a request: two EVALSHA by redis-py", median(costs["called"]), "µs"),
        Figure(NAME, "CPU of the proxy a request", median(costs["proxy"]), "µs"),
        Figure(NAME, "the proxy's against the floor's, median of the rounds", ratio("called"), "×", 1.3),
        Figure(
            NAME, "against a floor with all commands of both flights, by redis-py", ratio("pipelined"), "×"
        ),
        Figure(NAME, "against a floor with all commands, through edge/redis/client.py", ratio("flown"), "×"),
        Figure(NAME, "questions answered by one worker", median(rates), "/s"),
    ]


def moved(requests: list[bytes], path: str) -> list[bytes]:
    """The same questions to another path."""
    return [one.replace(b"POST /chat ", f"POST {path} ".encode(), 1) for one in requests]


def _measure(stack: Stack, service: Service, requests: list[bytes], seconds: float) -> tuple[float, float]:
    """Microseconds of CPU a request, and requests a second."""
    before = service.cpu()
    tally = stack.load.call(load.run, Plan(service.port, requests, CONNECTIONS, seconds))
    spent = service.cpu() - before
    tally.require(200)
    return spent / tally.count * 1e6, tally.count / tally.seconds
