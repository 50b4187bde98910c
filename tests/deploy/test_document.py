"""docs/deploying.md names existing things, and its commands set the variables that the files read."""

import json
import re
import subprocess
import sys

import httpx
import pytest

from edge.config.variables import keys, variable
from edge.redis.topologies.addresses import OfSentinels, parse
from tests.deploy.manifests import DEPLOY
from tests.matches import find
from tests.ports import free_ports
from tests.processes import REPOSITORY, serving
from tests.system.stack import own_environment

DOCUMENT = REPOSITORY / "docs" / "deploying.md"
TEXT = DOCUMENT.read_text()


def anchors(text):
    """As GitHub makes them of headings."""
    for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE):
        yield re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def section(title):
    return find(rf"^## {title}\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL)[1]


def test_every_link_leads_somewhere():
    links = re.findall(r"\]\(([^)]+)\)", TEXT)
    assert len(links) > 30
    for link in links:
        path, _, anchor = link.partition("#")
        target = (DOCUMENT.parent / path).resolve() if path else DOCUMENT
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target.read_text()), link


def test_every_folder_is_in_the_document():
    for folder in DEPLOY.iterdir():
        assert f"(../deploy/{folder.name})" in TEXT


def test_every_file_of_one_machine_is_put_into_place():
    named = set(re.findall(r"\S+", section("One machine") + section("Backup and restore")))
    joined = " ".join(named)
    for path in (DEPLOY / "systemd").iterdir():
        placed = path.name.startswith(("chatgate-", "backup-chatgate."))
        assert placed or path.name in joined, path.name


def test_every_variable_in_the_document_is_a_setting():
    table = {"sites": ["docs"], "tiers": [], "backends": ["book"], "resource_servers": []}
    known = {variable(*path) for path, _ in keys(table)}
    names = set(re.findall(r"\bCHATGATE_[A-Z_]+[A-Z]\b", TEXT))
    assert len(names) > 10
    # The reference backend's own are its configuration's.
    names -= {"CHATGATE_CONFIG", "CHATGATE_BACKEND_SECRET", "CHATGATE_BACKEND_HOST"}
    assert {name.removesuffix("_FILE") for name in names} <= known


@pytest.mark.parametrize("app", ["broker", "proxy", "backend", "redis"])
def test_fly_is_given_the_secrets_that_an_app_reads(app):
    block = find(r"```sh\n(.*?)```", section("Fly"), re.DOTALL)[1].replace("\\\n", " ")
    [line] = re.findall(rf"fly secrets set --stage --app chatgate-{app} (.*)", block)
    given = set(re.findall(r"([A-Z][A-Z_]+)=", line))
    expected = {
        "broker": {"CHATGATE_BROKER_SECRET", "CHATGATE_REDIS_URL", "CHATGATE_BROKER_DATABASE_URL"},
        "proxy": {"CHATGATE_BACKENDS_BOOK_SECRET", "CHATGATE_REDIS_URL"},
        "backend": {"CHATGATE_BACKEND_SECRET"},
        "redis": {"REDIS_PASSWORD"},
    }
    assert given == expected[app]
    assert f"--config deploy/fly/{app}.toml" in block


def test_kubernetes_is_given_the_files_that_the_pods_read():
    block = find(r"```sh\n(.*?)```", section("Kubernetes"), re.DOTALL)[1]
    made = {
        name: set(re.findall(r"--from-file=(\w+)", rest))
        for name, rest in re.findall(r"secret generic (\w+) (.*)", block)
    }
    assert made == {
        "broker": {"broker_secret", "redis_url", "database_url"},
        "proxy": {"book_secret", "redis_url"},
        "backend": {"book_secret"},
        "redis": {"password"},
    }


def test_the_address_of_the_sentinels_is_what_the_services_read(tmp_path):
    block = find(r"```sh\n(.*?)```", section("Kubernetes"), re.DOTALL)[1]
    [command] = re.findall(r"(printf 'redis\+sentinel.*?> redis_url)", block, re.DOTALL)
    (tmp_path / "redis_password").write_text("0a1b")
    subprocess.run(["sh", "-eu", "-c", command], cwd=tmp_path, check=True)
    found = parse((tmp_path / "redis_url").read_text())
    assert isinstance(found, OfSentinels)
    assert found.master == "chatgate"
    assert found.sentinels == tuple(f"redis://:0a1b@redis-{number}:26379" for number in range(3))
    assert found.server.at("redis-0", 6379) == "redis://:0a1b@redis-0:6379/0"


def test_vercel_finds_the_application_of_a_generated_backend(tmp_path, valkey):
    """By its entry point `index.py` in the root."""
    file = json.loads((DEPLOY / "vercel" / "vercel.json").read_text())
    # As long as the proxy waits for an answer.
    assert file["functions"] == {"index.py": {"maxDuration": 120}}
    (tmp_path / "index.py").write_text((DEPLOY / "vercel" / "index.py").read_text())
    generate = [sys.executable, "-m", "chatgate", "generate", "backend", "--auth", "proxy", "--db", "redis"]
    subprocess.run([*generate, "--output", "backend.py"], cwd=tmp_path, check=True, capture_output=True)
    [port] = free_ports(1)
    url = f"http://127.0.0.1:{port}/readyz"
    command = [sys.executable, "-m", "uvicorn", "index:app", "--port", str(port)]
    environ = own_environment() | {"CHATGATE_BACKEND_SECRET": "x1" * 32, "REDIS_URL": valkey.url}
    with serving(command, url, folder=tmp_path, environ=environ):
        assert httpx.get(url).json() == {"status": "ready"}
