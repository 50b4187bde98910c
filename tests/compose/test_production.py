"""With a domain: secrets that were made here are refused, and TLS is Caddy's."""

import re
import secrets
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.compose.stack import Reader, Stack, trusting
from tests.folders import open_folder
from tests.matches import find

pytestmark = pytest.mark.compose

NAMES = ("broker_secret", "book_secret", "redis_password")
DOCUMENT = Path(__file__).parents[2] / "docs" / "containers.md"


def fresh():
    return {name: secrets.token_hex(32) for name in NAMES}


def given(folder, values):
    """A folder of secrets that user 10001 can read."""
    for name, value in values.items():
        (folder / name).unlink(missing_ok=True)
        (folder / name).write_text(value)
        (folder / name).chmod(0o444)
    folder.chmod(0o755)
    return {"CHATGATE_SECRETS": str(folder)}


@pytest.fixture
def public(docker, are_stand_ins, clone, stack):
    """Makes a stack for a domain, beside the other one, whose images it uses."""
    with ExitStack() as ends:

        def make(domain, values):
            folder = ends.enter_context(open_folder())
            environ = {"CHATGATE_DOMAIN": domain, **given(folder, values)}
            made = Stack(docker, clone, "chatgate-public", "10.213.214", environ)
            ends.callback(made.end)
            return made

        yield make


@pytest.mark.parametrize(
    ("domain", "values", "told"),
    [
        ("docs.example.org", {}, [f"{name}: is missing" for name in NAMES]),
        (
            "docs.example.org",
            {name: f"made-for-development-only-{secrets.token_hex(32)}" for name in NAMES},
            [f"{name}: was made for development" for name in NAMES],
        ),
        ("https://docs.example.org/", {}, ["CHATGATE_DOMAIN: must be a host's name alone"]),
    ],
    ids=["none", "development", "no host"],
)
def test_a_start_for_a_domain_without_its_secrets_is_refused(public, domain, values, told):
    stack = public(domain, values)
    done = stack("up", "--detach", "--wait", check=False)
    assert done.returncode != 0
    logs = stack("logs", "--no-color", "secrets")
    for line in told:
        assert line in logs
    assert stack("ps", "--quiet", "--status", "running") == ""


def test_secrets_that_are_kept_from_development_do_not_stand_in(public):
    stack = public("docs.example.org", {})
    stack.environ["CHATGATE_DOMAIN"] = ""
    stack("run", "--rm", "-T", "secrets")
    stack.environ["CHATGATE_DOMAIN"] = "docs.example.org"
    assert stack("up", "--detach", "--wait", check=False).returncode != 0
    assert "broker_secret: is missing" in stack("logs", "--no-color", "secrets")


@pytest.fixture(scope="module")
def local(docker, are_stand_ins, clone, stack):
    """A stack for a name of which Caddy is its own authority, so that no other has to be asked."""
    with open_folder() as folder:
        environ = {"CHATGATE_DOMAIN": "localhost", **given(folder, fresh())}
        local = Stack(docker, clone, "chatgate-local", "10.213.215", environ)
        try:
            local.up()
            yield local
        finally:
            local.end()


def behind_tls(stack):
    root = stack.inside("caddy", "cat", "/caddy/caddy/pki/authorities/local/root.crt")
    return Reader(f"https://localhost:{stack.tls_port}", origin="https://localhost", verify=trusting(root))


def test_for_a_domain_everything_is_behind_tls(local):
    plain = httpx.get(f"http://localhost:{local.port}/book/sensors")
    assert plain.status_code == 308
    assert plain.headers["location"] == "https://localhost/book/sensors"
    reader = behind_tls(local)
    for path, status in {"/book/sensors": 200, "/auth/token": 401, "/sessions": 401, "/nowhere": 404}.items():
        answer = reader.http.get(path)
        assert answer.status_code == status
        assert answer.headers.get_list("strict-transport-security") == ["max-age=31536000"]
    joined = reader.sign_up("tls@example.com")
    assert joined.status_code == 200, joined.text
    cookie = joined.headers["set-cookie"]
    assert cookie.startswith("__Secure-")
    assert "Secure" in cookie.split("; ")
    token = reader.token().raise_for_status().json()["token"]
    assert reader.ask(token).status_code == 200
    server = reader.http.get("/.well-known/oauth-authorization-server").json()
    assert server["issuer"] == "https://localhost"
    assert reader.sign_out().status_code == 200
    assert reader.ask(token).status_code == 401


def test_secrets_that_are_changed_as_documented_sign_no_reader_out(local, clone):
    reader = behind_tls(local)
    assert reader.sign_up("kept@example.com").status_code == 200
    token = reader.token().raise_for_status().json()["token"]
    folder = Path(local.environ["CHATGATE_SECRETS"])
    changed = find(r"## Changing a secret.*?```yaml\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)[1]
    (clone / "changed.yml").write_text(changed)
    previous = clone / "containers" / "secrets" / "previous_broker_secrets"
    previous.write_text((folder / "broker_secret").read_text())
    previous.chmod(0o444)
    before = password_in(local)
    given(folder, fresh())
    local.up("--force-recreate", files=["changed.yml"])
    assert password_in(local) != before
    # Both are of the old secret: the key that signed the one, and what signed the cookie behind the other.
    assert reader.ask(token).status_code == 200
    assert reader.ask(reader.token().raise_for_status().json()["token"]).status_code == 200
    listed = local(
        "--file", "docker-compose.yml", "--file", "changed.yml", "run", "-T", "chatgate", "keys", "list"
    )
    assert "unreadable" not in listed.lower()


def password_in(stack):
    return stack.inside("broker", "cat", "/run/chatgate/redis_url")
