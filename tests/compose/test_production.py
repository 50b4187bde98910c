"""With a domain: secrets that were made here are refused, and TLS is Caddy's."""

import secrets

import httpx
import pytest

from tests.compose.stack import QUESTION, Reader, Stack, trusting

pytestmark = pytest.mark.compose

NAMES = ("broker_secret", "book_secret", "redis_password")


def given(folder, values):
    """A folder of secrets that user 10001 can read."""
    for name, value in values.items():
        (folder / name).write_text(value)
        (folder / name).chmod(0o444)
    folder.chmod(0o755)
    return {"CHATGATE_SECRETS": str(folder)}


@pytest.fixture
def public(docker, are_stand_ins, clone, stack, tmp_path_factory):
    """Makes a stack for a domain, beside the other one, whose images it uses."""
    made = []

    def make(domain, values):
        folder = tmp_path_factory.mktemp("secrets")
        for parent in (folder, *folder.parents[:2]):
            parent.chmod(0o755)
        environ = {"CHATGATE_DOMAIN": domain, **given(folder, values)}
        made.append(Stack(docker, clone, "chatgate-public", "10.213.214.0/28", environ))
        return made[-1]

    yield make
    for one in made:
        one.end()


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


def test_for_a_domain_everything_is_behind_tls(public):
    # For this name Caddy is its own authority, so that nobody else has to be asked.
    stack = public("localhost", {name: secrets.token_hex(32) for name in NAMES})
    stack.up()
    plain = httpx.get(f"http://localhost:{stack.port}/book/sensors")
    assert plain.status_code == 308
    assert plain.headers["location"] == "https://localhost/book/sensors"
    root = stack.inside("caddy", "cat", "/caddy/caddy/pki/authorities/local/root.crt")
    reader = Reader(f"https://localhost:{stack.tls_port}", origin="https://localhost", verify=trusting(root))
    page = reader.http.get("/book/sensors")
    assert page.status_code == 200
    assert "max-age" in page.headers["strict-transport-security"]
    joined = reader.sign_up("tls@example.com")
    assert joined.status_code == 200, joined.text
    cookie = joined.headers["set-cookie"]
    assert cookie.startswith("__Secure-")
    assert "Secure" in cookie.split("; ")
    token = reader.token().raise_for_status().json()["token"]
    answer = reader.http.post("/chat", json=QUESTION, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    server = reader.http.get("/.well-known/oauth-authorization-server").json()
    assert server["issuer"] == "https://localhost"
    assert reader.sign_out().status_code == 200
    assert (
        reader.http.post("/chat", json=QUESTION, headers={"Authorization": f"Bearer {token}"}).status_code
        == 401
    )
