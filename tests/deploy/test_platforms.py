"""The services take what the files of every platform say, and do the main job with it.

The platforms are not here. Their files are read as they read them, and the services are started by the
command and with the environment that the files give.
"""

import os
import re
import secrets
import sys
from contextlib import ExitStack

import httpx
import pytest

from edge.config import read
from edge.config.checks import Owner
from edge.config.guessing import strength
from tests.deploy.manifests import PLATFORMS, SECRETS, SERVICES
from tests.ports import free_ports
from tests.processes import REPOSITORY, serving
from tests.sample_book import indexed
from tests.system.stack import own_environment

STOPS_WITHIN_S = 15
OWN_SECRETS = {
    "broker": {"broker_secret", "redis_url", "database_url"},
    "proxy": {"book_secret", "redis_url"},
    "backend": {"book_secret"},
}
PUBLIC = "https://auth.example.org"
PAGE = "https://owner.github.io"

every_service = pytest.mark.parametrize(
    ("platform", "name"), [(platform, name) for platform in PLATFORMS for name in SERVICES]
)


def filled(service, folder, values):
    """The environment with real secrets, in files of `folder` where the platform has files."""
    for name, value in values.items():
        (folder / name).write_text(value)
    known = values | {f"{name}_file": str(folder / name) for name in values}
    return {key: value.format_map(known) for key, value in service.environ.items()}


@pytest.fixture
def values(tmp_path):
    return {
        "broker_secret": secrets.token_hex(32),
        "book_secret": secrets.token_hex(32),
        "redis_url": "redis://127.0.0.1:6379/0",
        "database_url": f"sqlite:///{tmp_path}/accounts.db",
    }


@every_service
def test_each_service_has_its_own_secrets_and_no_other(platform, name):
    service = PLATFORMS[platform](name)
    told = {secret for secret in SECRETS for value in service.environ.values() if secret in value}
    # On one machine the accounts are a file.
    missing = {"database_url"} if platform == "systemd" else set()
    assert told == OWN_SECRETS[name] - missing


@every_service
def test_each_service_runs_what_the_image_has(platform, name):
    service = PLATFORMS[platform](name)
    line = " ".join(service.command)
    assert re.search(rf"python -m {SERVICES[name]}$", line)
    if service.target is not None:
        assert service.target == ("backend" if name == "backend" else "service")
        dockerfile = (REPOSITORY / "Dockerfile").read_text()
        assert re.search(rf"^FROM \S+ AS {service.target}$", dockerfile, re.MULTILINE)


@every_service
def test_each_service_listens_where_it_is_asked(platform, name):
    service = PLATFORMS[platform](name)
    ports = {"broker": 8000, "proxy": 8001, "backend": 8002}
    assert service.port == ports[name]
    host = service.environ[f"CHATGATE_{name.upper()}_HOST"]
    # Beside the services of systemd is the reverse proxy; elsewhere it comes by the network.
    assert host == ("127.0.0.1" if platform == "systemd" else "0.0.0.0")
    if service.health is not None:
        assert service.health in ("/healthz", "/readyz")


@every_service
def test_a_service_that_is_stopped_may_finish_its_answers(platform, name):
    assert PLATFORMS[platform](name).grace > STOPS_WITHIN_S


@pytest.mark.parametrize("name", ["broker", "proxy"])
@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_configuration_is_good_for_production(platform, name, tmp_path, values):
    service = PLATFORMS[platform](name)
    environ = filled(service, tmp_path, values)
    needed: frozenset[Owner] = frozenset({"broker" if name == "broker" else "backends"})
    settings = read.read(service.config, environ, needed)
    assert settings.env == "production"
    assert list(strength.faults(settings)) == []
    assert settings.broker.url == PUBLIC
    [site] = settings.sites.values()
    assert site.origins == (PAGE,)
    assert site.redirect_uris == (f"{PAGE}/my-book/chatgate-callback.html",)
    # No forwarded address is believed, unless a proxy of the operator's own says it.
    assert bool(settings.edge.trusted_proxies) != bool(settings.edge.shared_addresses)


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    made = tmp_path_factory.mktemp("index") / "book.db"
    made.write_bytes(indexed())
    return made


@pytest.fixture
def running(request, tmp_path, values, valkey, index):
    """All three by the files of one platform, on loopback: where each is."""
    ports = dict(zip(SERVICES, free_ports(3), strict=True))
    urls = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    values["redis_url"] = valkey.url
    # Ports and addresses are this machine's.
    own = {
        "broker": {"CHATGATE_BROKER_METRICS_PORT": "0", "CHATGATE_DATA_DIR": str(tmp_path)},
        "proxy": {
            "CHATGATE_PROXY_METRICS_PORT": "0",
            "CHATGATE_PROXY_JWKS_URL": f"{urls['broker']}/.well-known/jwks.json",
            "CHATGATE_BACKENDS_BOOK_URL": urls["backend"],
            "BACKEND_AT": urls["backend"].removeprefix("http://"),
        },
        "backend": {"CHATGATE_BACKEND_INDEX": str(index)},
    }
    with ExitStack() as stack:
        for name in ("backend", "broker", "proxy"):
            service = PLATFORMS[request.param](name)
            environ = own_environment() | filled(service, tmp_path, values) | own[name]
            environ |= {
                f"CHATGATE_{name.upper()}_PORT": str(ports[name]),
                f"CHATGATE_{name.upper()}_HOST": "127.0.0.1",
                "CHATGATE_REDIS_DEADLINE_SECONDS": "2",
                "PATH": f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}",
            }
            if name == "backend":
                del environ["CHATGATE_REDIS_DEADLINE_SECONDS"]
            else:
                environ["CHATGATE_CONFIG"] = str(service.config)
            health = service.health or "/readyz"
            stack.enter_context(
                serving(service.command, f"{urls[name]}{health}", folder=tmp_path, environ=environ)
            )
        yield urls


@pytest.mark.system
@pytest.mark.parametrize("running", PLATFORMS, indirect=True)
def test_the_services_of_every_platform_do_the_main_job(running):
    with httpx.Client(headers={"Origin": PAGE}, timeout=20) as http:
        account = {"name": "Ada", "email": "ada@example.com", "password": "a-tall-ship-and-a-star"}
        joined = http.post(f"{running['broker']}/api/auth/sign-up/email", json=account)
        assert joined.status_code == 200, joined.text
        # The cookie is for https alone, which ends before the services.
        kept = [one.partition(";")[0] for one in joined.headers.get_list("set-cookie")]
        cookie = {"Cookie": "; ".join(kept)}
        token = http.get(f"{running['broker']}/auth/token", headers=cookie).json()["token"]
        question = {"message": "How often does the station record a value?", "session_id": "s1"}
        asked = http.post(
            f"{running['proxy']}/chat",
            json=question | {"mode": "normal"},
            headers={"Authorization": f"Bearer {token}"},
        )
        assert asked.status_code == 200, asked.text
        assert "6 minutes" in asked.json()["response"]
        assert asked.headers["access-control-allow-origin"] == PAGE
        out = http.post(f"{running['broker']}/api/auth/sign-out", headers=cookie)
        assert out.json() == {"success": True}
        again = http.post(
            f"{running['proxy']}/chat",
            json=question | {"mode": "normal"},
            headers={"Authorization": f"Bearer {token}"},
        )
        assert again.status_code == 401
