"""Tokens for sessions: the number that one worker of the broker mints in a second, and the time to each."""

from statistics import median

from bench import load
from bench.figures import Figure
from bench.load import Plan, percentile
from bench.stack import Stack

NAME = "token"
CONNECTIONS = 16


def run(stack: Stack, *, quick: bool) -> list[Figure]:
    seconds, rounds = (1.0, 1) if quick else (4.0, 5)
    requests = [reader.token_request() for reader in stack.readers(CONNECTIONS)]
    plan = Plan(stack.broker.port, requests, CONNECTIONS, seconds)
    stack.load.call(load.run, plan)
    rates: list[float] = []
    latencies: list[float] = []
    costs: list[float] = []
    for _ in range(rounds):
        before = stack.broker.cpu()
        tally = stack.load.call(load.run, plan).require(200)
        costs.append((stack.broker.cpu() - before) / tally.count * 1e6)
        rates.append(tally.count / tally.seconds)
        latencies += tally.latencies
    return [
        Figure(NAME, "tokens, median of the rounds", median(rates), "/s", 2000, "at least"),
        Figure(NAME, "time to a token, p99", percentile(latencies, 0.99), "ms", 25),
        Figure(NAME, "CPU of the broker a token", median(costs), "µs"),
    ]
