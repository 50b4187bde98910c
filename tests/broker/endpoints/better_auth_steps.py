"""The calls of Better Auth's own clients that the broker answers. tests/node/client.mjs makes them in
the order of STEPS and prints what each gave."""

import json
import re
import subprocess
from collections.abc import Mapping
from typing import Any

from tests.broker.service import OTHER_SITE, SITE
from tests.node_packages import FOLDER, node

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

# The client's result of each step: its `data`, by some of its members, or the status and code of its
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


def steps_of(
    broker: str, origin: str, credentials: str, library: str, kind: str = "client"
) -> dict[str, Any]:
    """The steps by name. `kind` is the framework whose client the package is asked for."""
    # For Node solid-js exports its renderer for servers, in which nothing changes.
    conditions = ["--conditions=browser"] if kind == "solid" else []
    command = [node(), *conditions, "client.mjs", broker, origin, credentials, library, kind]
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    steps = [json.loads(line) for line in done.stdout.splitlines()]
    return {one["step"]: one for one in steps}


def seen(step: Mapping[str, Any], token: re.Pattern[str]) -> Any:
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


def _is_user(value: Any) -> bool:
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
