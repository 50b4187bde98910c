"""The images by the files of deploy/, in an engine: the pods of Kubernetes, and what platforms build.

The cluster itself is not here: no scheduler, no policies of the network, no scaling.
"""

import json
import re
import secrets
import time
from types import SimpleNamespace

import httpx
import pytest

from tests.compose.engine import COMPOSE, run
from tests.compose.pods import Cluster
from tests.compose.stack import Stack
from tests.deploy.machine import PAGE, Reader
from tests.deploy.manifests import built
from tests.deploy.postgres import DATABASE, OWNER, PASSWORD, postgres_server
from tests.folders import open_folder
from tests.processes import REPOSITORY
from tests.system.stack import browser_on

pytestmark = pytest.mark.compose

QUESTION = {"message": "How often does the station record a value?", "session_id": "s1", "mode": "normal"}
FAILOVER_WITHIN_S = 30
PORTS = {"broker": 8000, "proxy": 8001}
DOCUMENT = REPOSITORY / "docs" / "deploying.md"


def layers(docker, image):
    return json.loads(docker("image", "inspect", image))[0]["RootFS"]["Layers"]


@pytest.mark.parametrize("target", ["service", "backend"])
def test_a_platform_without_targets_builds_the_one_that_it_is_told(stack, docker, clone, target):
    """As Railway and Render do: no target, and the variables of the service as arguments."""
    told = [] if target == "service" else ["--build-arg", f"BUILD_TARGET={target}"]
    docker("build", "--quiet", "--tag", f"chosen/{target}", *told, str(clone), timeout=400)
    assert layers(docker, f"chosen/{target}") == layers(docker, f"chatgate/{target}")


def documented(step, stack):
    """A command of docs/deploying.md, run in a shell for the project of `stack`."""
    blocks = re.findall(r"```sh\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    [line] = [one for block in blocks for one in block.splitlines() if step in one]
    compose = f"{COMPOSE} --project-name {stack.project} --project-directory {stack.clone}"
    environ = stack.docker.environ | stack.environ
    run(["sh", "-eu", "-c", line.replace("docker compose", compose)], environ, cwd=stack.clone)


def test_accounts_come_back_into_another_stack(stack, docker, clone):
    account = {"name": "Ada", "email": "kept@example.com", "password": "a-tall-ship-and-a-star"}
    assert stack_reader(stack).post("/api/auth/sign-up/email", json=account).status_code == 200
    documented("serialize()", stack)
    assert (clone / "accounts.db").read_bytes().startswith(b"SQLite format 3")
    restored = Stack(docker, clone, "chatgate-restored", "10.213.217")
    try:
        documented("cat > /data/accounts.db", restored)
        restored.up()
        assert stack_reader(restored).post("/api/auth/sign-in/email", json=account).status_code == 200
        unknown = account | {"email": "unknown@example.com"}
        assert stack_reader(restored).post("/api/auth/sign-in/email", json=unknown).status_code == 401
    finally:
        restored.end()


def stack_reader(stack):
    return browser_on(stack.url, url=stack.url)


@pytest.fixture(scope="module")
def cluster_folder():
    with open_folder() as made:
        yield made


@pytest.fixture(scope="module")
def cluster(stack, docker, cluster_folder):
    objects = built("sentinel")
    for pod in (
        one["spec"]["template"]["spec"] for one in objects.values() if "template" in one.get("spec", {})
    ):
        for container in pod["containers"]:
            if "/chatgate/" in container["image"]:
                own = f"chatgate/{container['image'].partition('/chatgate/')[2].partition(':')[0]}"
                docker("tag", own, container["image"])
    made = Cluster(docker, cluster_folder, objects, {})
    made.open()
    try:
        with postgres_server(host=made.gateway) as postgres:
            postgres.make_database()
            made.secrets |= secrets_of(f"{made.gateway}:{postgres.port}")
            made.run("StatefulSet", "redis")
            made.run("Deployment", "backend", wait=False)
            made.run("Deployment", "broker")
            made.run("Deployment", "proxy")
            made.wait("backend")
            yield made
    finally:
        made.close()


def secrets_of(postgres):
    """The Secrets as the commands of docs/deploying.md make them."""
    password, book = secrets.token_hex(32), secrets.token_hex(32)
    redis_url = f"redis+sentinel://:{password}@redis-0,redis-1,redis-2/chatgate?sentinel_password={password}"
    return {
        "broker": {
            "broker_secret": secrets.token_hex(32),
            "redis_url": redis_url,
            "database_url": f"postgresql://{OWNER}:{PASSWORD}@{postgres}/{DATABASE}",
        },
        "proxy": {"book_secret": book, "redis_url": redis_url},
        "backend": {"book_secret": book},
        "redis": {"password": password},
    }


def at(cluster, number):
    """One replica of each."""
    broker, proxy = (cluster.pods[name][number] for name in ("broker", "proxy"))
    return SimpleNamespace(broker=broker.url(PORTS["broker"]), proxy=proxy.url(PORTS["proxy"]))


def ask(where, token):
    headers = {"Authorization": f"Bearer {token}", "Origin": PAGE}
    return httpx.post(f"{where.proxy}/chat", json=QUESTION, headers=headers, timeout=20)


def test_the_pods_do_the_main_job_whichever_replica_is_asked(cluster):
    first, second = at(cluster, 0), at(cluster, 1)
    reader = Reader("ann")
    assert reader.sign_up(first).status_code == 200
    token = reader.token(second).json()["token"]
    for where in (first, second):
        answer = ask(where, token)
        assert answer.status_code == 200, answer.text
        assert "6 minutes" in answer.json()["response"]
    assert reader.sign_out(second).json() == {"success": True}
    assert [ask(where, token).status_code for where in (first, second)] == [401, 401]


def test_a_pod_hands_its_metrics_to_who_may_ask_and_nothing_else(cluster):
    for name in ("broker", "proxy"):
        pod = cluster.pods[name][0]
        assert "chatgate_workers 1" in httpx.get(f"{pod.url(9100)}/metrics").text
        assert httpx.get(f"{pod.url(9100)}/healthz").status_code == 404
    assert "chatgate_answers_open 0" in httpx.get(f"{cluster.pods['proxy'][0].url(9100)}/metrics").text


def test_a_lost_master_is_replaced_and_comes_back_as_a_replica(cluster):
    where = at(cluster, 0)
    reader = Reader("bob")
    assert reader.sign_up(where).status_code == 200
    master = cluster.pods["redis"][0]
    assert role(cluster, master) == "master"
    master.kill()
    until(lambda: reader.token(where).status_code == 200)
    # The reader is still signed in: the new master has all that the old one had.
    token = reader.token(where).json()["token"]
    until(lambda: ask(where, token).status_code == 200)
    # A write that a failover must not undo is acknowledged only when both replicas have it.
    assert Reader("bob").sign_in(where).status_code == 503
    assert reader.sign_out(where).status_code == 503
    # The pods stay reachable, as a service itself tells readers what to do.
    for name in ("broker", "proxy"):
        for pod in cluster.pods[name]:
            assert httpx.get(f"{pod.url(PORTS[name])}/healthz").status_code == 200
    master.start()
    until(lambda: role(cluster, master) == "slave")
    until(lambda: Reader("bob").sign_in(where).status_code == 200)
    until(lambda: reader.sign_out(where).status_code in (200, 401))
    until(lambda: ask(where, token).status_code == 401)


def test_a_pod_that_is_stopped_ends_by_itself(cluster):
    pod = cluster.pods["proxy"][1]
    assert pod.stop() == ["0", "0"]
    pod.start()
    cluster.wait("proxy")


def role(cluster, pod):
    command = 'REDISCLI_AUTH="$(cat /run/redis/password)" redis-cli role | head -n 1'
    done = cluster.docker("exec", pod.container("redis"), "sh", "-c", command, check=False)
    return done.stdout.strip()


def until(is_so):
    deadline = time.monotonic() + FAILOVER_WITHIN_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.2)
