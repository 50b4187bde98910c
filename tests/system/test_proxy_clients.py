"""OAuth client libraries as npm has them, from the chat proxy's address to an answer: its metadata and its
broker's, sign-in, questions with Bearer and with DPoP. tests/node/proxy.mjs tells its steps, which stand here
in a table."""

import json
from typing import Any

import pytest

from tests.chatgate.processes import short_folder
from tests.node_packages import node, steps_of
from tests.system.readers import CALLBACKS, GATEWAY, TWO_SITES
from tests.system.stack import Stack

pytestmark = [pytest.mark.system, pytest.mark.node]

METADATA = "/.well-known/oauth-protected-resource"
ALGS = "ES256 EdDSA Ed25519"
KEYS = (None, "ES256", "Ed25519")
RUNS = [(library, alg) for library in ("oauth4webapi", "openid_client") for alg in KEYS]

# A challenge is given by status, error, and the scope that is needed. Its scheme must be the request's.
STEPS = {
    "resource": "metadata",
    "another resource": [
        "OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED",
        '"response" body "resource" property does not match the expected value',
    ],
    "no token": "both schemes",
    "what the challenge points to": "metadata",
    "question": "answer",
    "question, for events": "events",
    "conversations": "conversations",
    "conversation": "conversation",
    "question after a refresh": "answer",
    "no token of ours": (401, "invalid_token"),
    "question beyond the scope": (403, "insufficient_scope", "chat"),
    "conversations within the scope": "conversations",
    "question after revocation": (401, "invalid_token"),
}
BOUND_STEPS = {
    "question, another key": (401, "invalid_dpop_proof"),
    "question, no key": (401, "invalid_token"),
    "question with a token that is bound to no key": (401, "invalid_token"),
    "proof without a nonce": [401, "use_dpop_nonce"],
    "proof": [200, None],
    "proof again": [401, "invalid_dpop_proof"],
    "next proof": [200, None],
}
# The first use of a key at the proxy: the broker's nonce is not known to the library as the proxy's.
FIRST_USES = {"question", "question, another key"}


@pytest.fixture(scope="module")
def stack():
    node()
    with short_folder() as folder:
        stack = Stack(folder, TWO_SITES)
        try:
            stack.start_all()
            yield stack
        finally:
            stack.stop_all()


@pytest.fixture(scope="module", params=RUNS, ids=lambda param: " ".join(filter(None, param)))
def run(request, stack):
    """The algorithm of the DPoP key or None, the services, and the steps by name."""
    library, alg = request.param
    task = {
        "library": library,
        "proxy": stack.proxy,
        "clientId": "docs",
        "redirectUri": CALLBACKS["docs"],
        "gateway": GATEWAY,
        "email": f"{library}-{alg}@example.com".lower(),
        "alg": alg,
    }
    return alg, stack, steps_of("proxy.mjs", task)


def test_a_library_gets_from_the_proxys_address_to_an_answer(run):
    alg, stack, steps = run
    expected = STEPS if alg is None else STEPS | BOUND_STEPS
    assert {name: _seen(step, stack) for name, step in steps.items()} == expected


def test_the_proxys_nonce_is_asked_for_once_and_then_always_at_hand(run):
    alg, _, steps = run
    for name, step in steps.items():
        sent = [one for one in step["wire"] if one["scheme"] is not None]
        is_proved = alg is not None and name != "question, no key"
        assert {one["scheme"] for one in sent} <= {"DPoP" if is_proved else "Bearer"}, name
        assert all(one["proved"] == is_proved == one["hasNonce"] for one in sent), name
        statuses = [one["status"] for one in sent]
        if is_proved and name in FIRST_USES:
            assert statuses[0] == 401
            del statuses[0]
        assert len(statuses) <= 1, name
    assert [one["status"] for one in steps["question"]["wire"]] == ([200] if alg is None else [401, 200])


def _seen(step, stack):
    """The step in the words of the table; what does not fit is given as it is, for a failure to show it."""
    data, error = step["data"], step["error"]
    if error is not None:
        return _challenge(error, step, stack) if isinstance(error[-1], list) else error
    if not isinstance(data, dict):
        return data
    if "resource" in data:
        expected = {"resource": stack.proxy, "authorization_servers": [stack.broker]}
        return "metadata" if data.items() >= expected.items() else data
    return next((name for name, fits in _ANSWERS.items() if data["status"] == 200 and fits(data)), data)


def _challenge(error, step, stack):
    _, status, challenges = error
    where: dict[str, Any] = {"resource_metadata": f"{stack.proxy}{METADATA}"}
    bearer: dict[str, Any] = {"scheme": "bearer", "parameters": where}
    dpop: dict[str, Any] = {"scheme": "dpop", "parameters": {"algs": ALGS, **where}}
    if challenges == [bearer, dpop]:
        return "both schemes"
    is_bearer = step["wire"][-1]["scheme"] == "Bearer"
    expected = bearer if is_bearer else dpop
    parameters = challenges[0]["parameters"]
    more = {name: parameters[name] for name in ("error", "scope") if name in parameters}
    if challenges != [{"scheme": expected["scheme"], "parameters": expected["parameters"] | more}]:
        return error
    return status, *more.values()


def _is_stream(data):
    events = [block.split("\n")[0] for block in data["text"].split("\n\n")]
    return events[0] == "event: start" and "event: delta" in events and "event: done" in events


def _body(data):
    return json.loads(data["text"]) if data["kind"] == "application/json" else {}


_ANSWERS = {
    "answer": lambda data: {"response", "session_id", "message_id", "citations"} == set(_body(data)),
    "events": lambda data: data["kind"] == "text/event-stream" and _is_stream(data),
    "conversations": lambda data: [one["session_id"] for one in _body(data).get("sessions", [])] == ["s1"],
    "conversation": lambda data: len(_body(data).get("messages", [])) >= 4,
}
