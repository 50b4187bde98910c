"""Faults of what broker and proxy were told: of each other, of their addresses, of their Redis."""

import sys
from contextlib import contextmanager

import pytest
import redis

from tests.ports import free_ports
from tests.processes import serving, valkey_server
from tokens import liveness

pytestmark = pytest.mark.system


@contextmanager
def another(deployment, module, *, ready="/readyz", **environ):
    """A service beside the deployment's, with other settings; its port."""
    [port] = free_ports(1)
    name = "BROKER" if module == "broker" else "PROXY"
    own = deployment.stack.environ | {f"CHATGATE_{name}_PORT": str(port)} | environ
    command = [sys.executable, "-m", module]
    with serving(command, f"http://127.0.0.1:{port}{ready}", environ=own):
        yield port


@pytest.mark.parametrize(
    ("changed", "code", "line"),
    [
        ("broker", "issuer_differs", "broker.url"),
        ("proxy", "resource_differs", "proxy.url"),
    ],
)
def test_another_name_of_a_service_is_named(changed, code, line, deployment):
    deployment.publish(**{changed: getattr(deployment, changed).replace("127.0.0.1", "localhost")})
    with deployment.behind():
        finding = deployment.only(code)
    assert getattr(deployment, changed) in finding["what"]
    assert finding["mend"].startswith(f"{line} = ")


def test_nothing_at_a_services_address_is_named(deployment):
    # No reverse proxy runs, so nothing listens at either address.
    assert deployment.codes() == ["service_unreachable", "service_unreachable"]


def test_a_proxy_that_takes_another_brokers_tokens_is_named(deployment):
    environ = {"CHATGATE_BROKER_URL": "https://auth.example.org"}
    with (
        another(deployment, "chat_proxy", **environ) as port,
        deployment.behind(added={"proxy": f"proxy_pass http://127.0.0.1:{port};"}),
    ):
        finding = deployment.only("proxy_trusts_another_broker")
    assert "https://auth.example.org" in finding["what"]


def test_a_broker_whose_tokens_are_for_another_proxy_is_named(deployment):
    environ = {"CHATGATE_PROXY_URL": "https://chat.example.org"}
    with (
        another(deployment, "broker", **environ) as port,
        deployment.behind(added={"broker": f"proxy_pass http://127.0.0.1:{port};"}),
    ):
        assert "https://chat.example.org" in deployment.only("audience_differs")["what"]


def test_a_proxy_with_a_redis_of_its_own_is_named(deployment):
    with (
        valkey_server() as valkey,
        another(deployment, "chat_proxy", ready="/healthz", REDIS_URL=valkey.url) as port,
        deployment.behind(added={"proxy": f"proxy_pass http://127.0.0.1:{port};"}),
    ):
        # No broker has set the cuts there, so that the proxy lets no reader in.
        deployment.only("service_not_ready", "--guest")
        with (
            redis.Redis.from_url(valkey.url, decode_responses=True) as its,
            redis.Redis.from_url(deployment.stack.valkey.url, decode_responses=True) as ours,
        ):
            its.hset(liveness.CUT, mapping=ours.hgetall(liveness.CUT))
        finding = deployment.only("session_unknown", "--guest")
    assert "REDIS_URL, [sites.docs] and [tiers.guest]" in finding["mend"]
    assert "eyJ" not in str(finding)
