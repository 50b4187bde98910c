"""One question, answered at once: what the proxy's checks cost above the floor (bench/floor.py)."""

from statistics import median

from bench import load
from bench.figures import Figure
from bench.load import Plan
from bench.stack import Service, Stack

NAME = "chat"
CONNECTIONS = 32
QUESTION = "How often does the station record a value?"


def run(stack: Stack, *, quick: bool) -> list[Figure]:
    seconds, rounds = (1.0, 1) if quick else (3.0, 7)
    requests = [reader.question(QUESTION) for reader in stack.readers(CONNECTIONS)]
    costs: dict[str, list[float]] = {"floor": [], "proxy": []}
    rates: list[float] = []
    for service in (stack.floor, stack.proxy):
        _measure(stack, service, requests, seconds / 3)
    for _ in range(rounds):
        # In turn, as the machine may be faster now than a minute ago.
        costs["floor"].append(_measure(stack, stack.floor, requests, seconds)[0])
        cost, rate = _measure(stack, stack.proxy, requests, seconds)
        costs["proxy"].append(cost)
        rates.append(rate)
    ratios = [proxy / floor for proxy, floor in zip(costs["proxy"], costs["floor"], strict=True)]
    return [
        Figure(NAME, "CPU of the floor a request", median(costs["floor"]), "µs"),
        Figure(NAME, "CPU of the proxy a request", median(costs["proxy"]), "µs"),
        Figure(NAME, "the proxy's against the floor's, median of the rounds", median(ratios), "×", 1.3),
        Figure(NAME, "questions answered by one worker", median(rates), "/s"),
    ]


def _measure(stack: Stack, service: Service, requests: list[bytes], seconds: float) -> tuple[float, float]:
    """Microseconds of CPU a request, and requests a second."""
    before = service.cpu()
    tally = stack.load.call(load.run, Plan(service.port, requests, CONNECTIONS, seconds))
    spent = service.cpu() - before
    tally.require(200)
    return spent / tally.count * 1e6, tally.count / tally.seconds
