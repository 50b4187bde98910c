"""The memory of each service after a load of all kinds, borrowed from the other scenarios."""

import time

from bench import load
from bench.figures import Figure
from bench.load import Plan
from bench.scenarios import sign_ins, streams
from bench.stack import ACCOUNTS, BOOK_PAGE, Stack

NAME = "memory"
TARGET = 110
REST = 2.0
"""Seconds of rest before the measurement: an idle broker gives the memory of password hashes back."""


def run(stack: Stack, *, quick: bool) -> list[Figure]:
    seconds = 1.0 if quick else 4.0
    readers = stack.readers(ACCOUNTS)
    questions = [reader.question("How often does the station record a value?") for reader in readers]
    stack.load.call(load.run, Plan(stack.proxy.port, questions, 32, seconds))
    events = [reader.question("events=60", events=True) for reader in readers]
    stack.load.call(streams.listen, stack.proxy.port, events, 0.005, 1)
    tokens = [reader.token_request() for reader in readers]
    stack.load.call(load.run, Plan(stack.broker.port, tokens, 16, seconds))
    sign_ins.run(stack, quick=quick)
    of_book = [
        reader.question("How often does the station record a value?", page=BOOK_PAGE)
        for reader in stack.guests(16, BOOK_PAGE)
    ]
    stack.load.call(load.run, Plan(stack.proxy.port, of_book, 16, seconds)).require(200)
    time.sleep(REST)
    return [
        Figure(NAME, f"{name}, resident after load", service.resident() / 2**20, "MiB", TARGET)
        for name, service in (("broker", stack.broker), ("proxy", stack.proxy), ("backend", stack.book))
    ]
