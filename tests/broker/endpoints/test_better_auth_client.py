"""Better Auth's own client, as npm has it, through every call that the broker answers: tests/node/client.mjs
makes the calls in the order of STEPS and prints what each gave."""

import json
import re
import subprocess

import jwt
import pytest

from broker.sessions import cookies
from tests.broker.service import OTHER_SITE, SECRET, SITE
from tests.node_packages import FOLDER, node
from tests.processes import broker_process

pytestmark = pytest.mark.node

# Two sites that take guests; the second keeps its session tokens in cookies alone.
SITES = f"""
env = "development"
[sites.docs]
origins = ["{SITE}"]
backend = "book"
session_bearer = true
guests = true
[sites.other]
origins = ["{OTHER_SITE}"]
backend = "book"
guests = true
[backends.book]
url = "http://127.0.0.1:8002"
secret = "another secret of the tests, as long"
"""

RAW = re.compile(r"[A-Za-z0-9]{32}")
HANDLE = re.compile(r"[A-Za-z0-9_-]{22}")
NOBODY = None
SUCCESS = {"success": True}
STATUS = {"status": True}
ADA = {"user": "Ada Lovelace"}

# What the client returned for each step: its `data`, by some of its members, or the status and code of its
# `error`. "session", "opened" and so on stand for what `_SHAPES` looks at more closely.
STEPS = {
    "ok": {"ok": True},
    "session of nobody": NOBODY,
    "list of nobody": (401, "UNAUTHORIZED"),
    "sign up": "opened",
    "store after sign up": ADA,
    "session": "session",
    "sign up again": (422, "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL"),
    "sign out": SUCCESS,
    "store after sign out": NOBODY,
    "session after sign out": NOBODY,
    "sign in, wrong": (401, "INVALID_EMAIL_OR_PASSWORD"),
    "sign in, unknown": (401, "INVALID_EMAIL_OR_PASSWORD"),
    "sign in": "signed in",
    "store after sign in": ADA,
    "sign in for a day": "signed in",
    "list": ["first", "second"],
    "revoke one": STATUS,
    "revoke an unknown one": STATUS,
    "session of the revoked": NOBODY,
    "list after revoke": ["first"],
    "sign in on the other": "signed in",
    "revoke others": STATUS,
    "session of the other": NOBODY,
    "session of the one": "session",
    "update": STATUS,
    "store after update": {"user": "Ada King"},
    "update of the address": (400, "EMAIL_CAN_NOT_BE_UPDATED"),
    "token": "token",
    "jwks": "jwks",
    "change, wrong": (400, "INVALID_PASSWORD"),
    "change": "not opened",
    "session after change": "session",
    "sign in, old password": (401, "INVALID_EMAIL_OR_PASSWORD"),
    "sign in, new password": "signed in",
    "change for all": "opened",
    "session of the one after change": "session",
    "session of the other after change": NOBODY,
    "revoke all": STATUS,
    "store after revoke all": NOBODY,
    "sign in to delete": "signed in",
    "delete, wrong": (400, "INVALID_PASSWORD"),
    "delete": {"success": True, "message": "User deleted"},
    "store after delete": NOBODY,
    "sign in, deleted": (401, "INVALID_EMAIL_OR_PASSWORD"),
    "guest": "opened",
    "store of a guest": {"user": "Anonymous"},
    "guest again": (400, "ANONYMOUS_USERS_CANNOT_SIGN_IN_AGAIN_ANONYMOUSLY"),
    "token of a guest": "token",
    "guest leaves": SUCCESS,
    "store after the guest": NOBODY,
}


PREFIXES = ("better-auth", "chatgate-8100")


@pytest.fixture(scope="module", params=PREFIXES)
def broker(request):
    """Under the names that its cookies have with either prefix: the client looks at none of them."""
    node()
    toml = SITES.replace("[sites.docs]", f'[broker]\ncookie_prefix = "{request.param}"\n[sites.docs]')
    with broker_process(toml, secret=SECRET) as url:
        yield url


@pytest.fixture(
    scope="module",
    params=[
        (SITE, "cookie", "better-auth"),
        (OTHER_SITE, "cookie", "better-auth"),
        (SITE, "bearer", "better-auth"),
        (SITE, "cookie", "better-auth-1.6"),
    ],
    ids=["cookies", "cookies alone", "bearer", "cookies, 1.6"],
)
def run(request, broker):
    """The site, how the client shows who it is, and the steps by name."""
    origin, credentials, library = request.param
    command = [node(), "client.mjs", broker, origin, credentials, library]
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    steps = [json.loads(line) for line in done.stdout.splitlines()]
    return origin, credentials, {one["step"]: one for one in steps}


@pytest.fixture
def prefix(request):
    return request.node.callspec.params["broker"]


def test_every_step_gives_what_better_auth_would(run):
    origin, _, steps = run
    assert list(steps) == list(STEPS)
    token = RAW if origin == SITE else HANDLE
    found = {name: _seen(step, token) for name, step in steps.items()}
    assert found == STEPS


def test_the_day_long_session_has_a_cookie_without_an_age(run, prefix):
    _, _, steps = run
    [*_, sign_in] = steps["sign in for a day"]["wire"]
    assert [line.partition("=")[0] for line in sign_in["setCookies"]] == [
        f"{prefix}.session_token",
        f"{prefix}.dont_remember",
    ]
    assert not any("Max-Age" in line for line in sign_in["setCookies"])


def test_the_token_is_signed_by_a_published_key_and_names_the_site(run, broker):
    origin, _, steps = run
    keys = jwt.PyJWKSet.from_dict(steps["jwks"]["data"])
    for name in ("token", "token of a guest"):
        token = steps[name]["data"]["token"]
        header = jwt.get_unverified_header(token)
        claims = jwt.decode(
            token, keys[header["kid"]], ["ES256"], issuer=broker, audience="http://127.0.0.1:8001"
        )
        assert header["typ"] == "at+jwt"
        assert claims["client_id"] == ("docs" if origin == SITE else "other")


def test_a_raw_session_token_is_in_no_answer_but_where_the_site_allows_it(run):
    """Of a site without `session_bearer`: in Set-Cookie alone. Of one with it: in the answers to its own
    reader, but in no list."""
    origin, _, steps = run
    wire = [one for step in steps.values() for one in step["wire"]]
    raw = {token for one in wire for line in one["setCookies"] if (token := _raw_token(line))}
    assert len(raw) >= 7
    shown = [
        one["path"]
        for one in wire
        if any(token in one["body"] or token in json.dumps(one["headers"]) for token in raw)
    ]
    if origin == OTHER_SITE:
        assert shown == []
    assert "/api/auth/list-sessions" not in shown
    announced = [one["path"] for one in wire if "set-auth-token" in dict(one["headers"])]
    assert bool(announced) == (origin == SITE)


def test_every_answer_can_be_read_by_the_page(run):
    origin, _, steps = run
    for one in (one for step in steps.values() for one in step["wire"]):
        headers = dict(one["headers"])
        assert headers["access-control-allow-origin"] == origin
        assert headers["access-control-allow-credentials"] == "true"
        assert "set-auth-token" in headers["access-control-expose-headers"]


def _raw_token(line):
    name, _, value = line.partition(";")[0].partition("=")
    return cookies.verify_token(value, SECRET.encode()) if name.endswith(".session_token") else None


def _seen(step, token):
    """The step in the words of STEPS; what does not fit is given as it is, so that a failure shows it."""
    data, error = step["data"], step["error"]
    if error is not None:
        return error["status"], error["code"]
    if isinstance(data, list):
        return [one["userAgent"] for one in data if HANDLE.fullmatch(one["token"])]
    for name, fits in _SHAPES.items():
        if isinstance(data, dict) and fits(data, token):
            return name
    return data


def _is_user(value):
    members = ["name", "email", "emailVerified", "image", "createdAt", "updatedAt", "isAnonymous", "id"]
    return list(value) == members and RAW.fullmatch(value["id"]) is not None


_SHAPES = {
    "opened": lambda data, token: (
        list(data) == ["token", "user"] and token.fullmatch(data["token"] or "") and _is_user(data["user"])
    ),
    "not opened": lambda data, _: (
        list(data) == ["token", "user"] and data["token"] is None and _is_user(data["user"])
    ),
    "signed in": lambda data, token: (
        list(data) == ["redirect", "token", "user"]
        and data["redirect"] is False
        and token.fullmatch(data["token"])
        and _is_user(data["user"])
    ),
    "session": lambda data, token: (
        list(data) == ["session", "user"]
        and token.fullmatch(data["session"]["token"])
        and data["session"]["userId"] == data["user"]["id"]
        and _is_user(data["user"])
    ),
    "token": lambda data, _: list(data) == ["token"] and data["token"].count(".") == 2,
    "jwks": lambda data, _: list(data) == ["keys"] and len(data["keys"]) >= 1,
}
