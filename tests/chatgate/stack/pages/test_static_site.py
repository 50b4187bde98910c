import base64
import hashlib
import os
import socket
import subprocess
import sys
from contextlib import closing

import httpx
import pytest

from chatgate.stack.pages.static_site import create_static_app
from tests.processes import PATIENCE_S

INLINE = 'document.documentElement.dataset.theme = "dark"'
PAGE = (
    f'<!doctype html><script>{INLINE}</script><script src="/x.js"></script>'
    '<script type="application/ld+json">{"a": 1}</script><p>{name}</p>'
)
CALLBACK = '<!doctype html><meta http-equiv="Content-Security-Policy" content="default-src \'none\'">'


@pytest.fixture
def site(tmp_path):
    files = {
        "index.html": "home",
        "404.html": "no such page",
        "sensors.html": "sensors",
        "1.0.html": "the first edition",
        "1.0/sensors.html": "its sensors",
        "slashed/index.html": "slashed",
        "assets/a.js": "",
    }
    for name, text in files.items():
        path = tmp_path / "site" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(PAGE.replace("{name}", text))
    (tmp_path / "site" / "callback.html").write_text(CALLBACK)
    (tmp_path / "outside.html").write_text("outside")
    os.symlink(tmp_path / "outside.html", tmp_path / "site" / "link.html")
    return tmp_path / "site"


def client(site, **options):
    transport = httpx.ASGITransport(create_static_app(site, "/my-book/", **options))
    return httpx.AsyncClient(transport=transport, base_url="http://site")


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/my-book/", 200, "home"),
        ("/my-book/sensors", 200, "sensors"),
        ("/my-book/sensors.html", 200, "sensors"),
        ("/my-book/1.0", 200, "the first edition"),
        ("/my-book/1.0/sensors", 200, "its sensors"),
        ("/my-book/slashed/", 200, "slashed"),
        ("/my-book/none", 404, "no such page"),
        ("/my-book/link", 404, "no such page"),
        ("/my-book/%2e%2e/outside.html", 404, "no such page"),
        ("/my-book/a%00b", 404, "no such page"),
        ("/sensors", 404, "no such page"),
    ],
)
async def test_a_path_is_the_file_that_a_static_host_would_take(site, path, status, text):
    async with client(site) as http:
        answer = await http.get(path)
    assert (answer.status_code, f"<p>{text}</p>" in answer.text) == (status, True)
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("path", "leads_to"), [("/", "/my-book/"), ("/my-book/slashed?a=1", "http://site/my-book/slashed/?a=1")]
)
async def test_a_folder_has_a_slash(site, path, leads_to):
    async with client(site) as http:
        answer = await http.get(path)
    assert (answer.status_code, answer.headers["location"]) == (307, leads_to)


async def test_a_page_comes_with_a_policy_that_has_its_inline_scripts_and_no_exception(site):
    async with client(site, connect=["https://auth.example.org", "https://chat.example.org"]) as http:
        page = await http.get("/my-book/sensors")
        missing = await http.get("/my-book/none")
        script = await http.get("/my-book/assets/a.js")
    digest = base64.b64encode(hashlib.sha256(INLINE.encode()).digest()).decode()
    policy = page.headers["content-security-policy"]
    assert policy == missing.headers["content-security-policy"]
    assert f"script-src 'self' 'sha256-{digest}';" in policy
    assert "connect-src 'self' https://auth.example.org https://chat.example.org;" in policy
    assert "unsafe" not in policy
    assert "content-security-policy" not in script.headers


async def test_a_page_with_a_policy_of_its_own_keeps_it(site):
    async with client(site, connect=[]) as http:
        page = await http.get("/my-book/callback")
    assert page.headers["content-security-policy"] == "frame-ancestors 'none'"


async def test_without_addresses_there_is_no_policy(site):
    async with client(site) as http:
        assert "content-security-policy" not in (await http.get("/my-book/sensors")).headers


def test_a_taken_port_is_one_line(site):
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "chatgate.stack.pages.static_site", str(site), port, "/"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S)
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    assert line.startswith(f"Port {port}: Address already in use")
