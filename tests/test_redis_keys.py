"""docs/redis-keys.md against the functions that make the names."""

import inspect
import re
import sys
from pathlib import Path

import pytest

from broker.storage import key_ring
from chat_proxy import redis_keys
from tokens import liveness, readers

PAGE = (Path(__file__).parents[1] / "docs" / "redis-keys.md").read_text()
DOCUMENTED = {line.split("|")[1].strip(" `") for line in PAGE.splitlines() if line.startswith("| `cg:")}
SUB, SITE, ID = "<sub>", "<site>", "<id>"
READER = readers.reader(SUB, SITE)
OWNERS = {
    "a reader": READER,
    "a site": redis_keys.site(SITE),
    "an address": redis_keys.address("<network>", SITE),
}
MADE = {
    liveness.CUT,
    liveness.WRITABLE,
    key_ring.RING,
    liveness.session_pointer("<token hash>"),
    liveness.session(SUB, "<sid>"),
    liveness.sessions(SUB),
    liveness.generation(SUB),
    liveness.revoked_token(SUB, "<jti>"),
    liveness.voided(SUB, "<sid>"),
    liveness.signed_out(SUB),
    liveness.code(SUB, "<code hash>"),
    liveness.proof(SUB, "<proof>"),
    liveness.shown_proof("<proof>"),
    readers.conversations(READER),
    readers.conversation(READER, ID),
    readers.gone(READER, ID),
    readers.rate(READER, "<tier>"),
    readers.ratings(READER),
    readers.rated(READER),
    readers.feedback(SITE),
    readers.feedback_entry(SITE, ID),
    *(redis_keys.leases(owner) for owner in OWNERS.values()),
    *(redis_keys.held(owner) for owner in OWNERS.values()),
    *(redis_keys.settled(owner) for owner in OWNERS.values()),
    redis_keys.usage(SITE),
    redis_keys.spenders(SITE),
    redis_keys.state(redis_keys.site(SITE)),
    redis_keys.state(redis_keys.address("<network>", SITE), "<tier>"),
    "cg:rate:<what>:<network, account or user>",
}
NO_NAMES = {"token_hash", "root_of", "reader", "user", "site", "address", "state", "leases"}
"""Functions that make no whole name, or one for several owners."""


def test_each_name_is_documented_and_no_other():
    assert DOCUMENTED == MADE


@pytest.mark.parametrize("module", [liveness, readers, redis_keys], ids=lambda one: one.__name__)
def test_no_function_that_makes_a_name_is_left_out(module):
    made = inspect.getsource(sys.modules[__name__])
    for name, function in inspect.getmembers(module, inspect.isfunction):
        if function.__module__ == module.__name__ and not name.startswith("_") and name not in NO_NAMES:
            assert re.search(rf"\b{name}\(", made), f"{module.__name__}.{name}"
