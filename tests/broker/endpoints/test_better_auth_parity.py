"""The same requests to a real Better Auth server and to our broker: both must answer alike in status, codes,
messages, order of members and attributes of cookies, but where DIFFERENCES says why not.

Not compared are headers that only we send (CORS, Cache-Control, X-Request-Id), rate limits, which theirs has
in production alone, and what decisions 4 and 14 say of tokens and lists; the tests at the end look at those.
"""

import itertools
import json
import re
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import httpx
import jwt
import pytest

from broker.sessions import cookies
from tests.broker.service import PASSWORD, SECRET, SITE
from tests.node_packages import FOLDER, node
from tests.ports import free_ports
from tests.processes import broker_process, serving

pytestmark = pytest.mark.node

TOML = f"""
env = "development"
[broker]
algorithm = "ES256"
[sign_in]
sign_ups_per_address = 10000
attempts_per_address = 10000
attempts_per_account = 1000
failures_per_address = 10000
failures_per_account = 1000
[sites.docs]
origins = ["{SITE}"]
backend = "book"
session_bearer = true
guests = true
[backends.book]
url = "http://127.0.0.1:8002"
secret = "another secret of the tests, as long"
"""
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
UNKNOWN = "A" * 32
_NUMBERS = itertools.count()


@dataclass(frozen=True)
class Case:
    """One request. `who` sends it: "nobody", "reader" (a cookie), "bearer" (the same reader's raw token),
    "fresh" and "guest" (readers of this case alone), or "unknown" (a signed cookie of no session).

    `body` is sent as JSON unless it is a string already; `{new}` in it is an address that nobody has,
    `{reader}` the sender's. `headers` replace those of a page of SITE; None leaves one out.
    """

    method: str
    path: str
    body: Any = None
    who: str = "nobody"
    headers: dict = field(default_factory=dict)


@dataclass
class Server:
    url: str
    http: httpx.Client
    email: str = ""
    cookie: str = ""

    def sign_up(self):
        email = f"reader{next(_NUMBERS)}@example.com"
        body = {"name": "Ada", "email": email, "password": PASSWORD}
        return email, self._cookie_of("/api/auth/sign-up/email", body)

    def sign_in_as_guest(self):
        return "", self._cookie_of("/api/auth/sign-in/anonymous", {})

    def _cookie_of(self, path, body):
        answer = self.http.post(self.url + path, json=body)
        assert answer.status_code == 200, answer.text
        self.http.cookies.clear()
        return answer.headers["set-cookie"].partition(";")[0]

    def answer(self, case):
        email, cookie = self._sender(case.who)
        headers = {"Origin": SITE}
        if case.who == "bearer":
            token = cookies.verify_token(cookie.partition("=")[2], SECRET.encode())
            headers["Authorization"] = f"Bearer {token}"
        elif cookie:
            headers["Cookie"] = cookie
        body = case.body
        if body is not None:
            headers["Content-Type"] = JSON
            body = body if isinstance(body, str) else json.dumps(body)
            body = body.replace("{new}", f"new{next(_NUMBERS)}@example.com").replace("{reader}", email)
        signed = cookie.partition("=")[2]
        headers |= {
            name: None
            if value is None
            else value.replace("{signed}", unquote(signed)).replace("{quoted}", signed)
            for name, value in case.headers.items()
        }
        headers = {name: value for name, value in headers.items() if value is not None}
        sent = self.http.build_request(case.method, self.url + case.path, content=body, headers=headers)
        answer = self.http.send(sent)
        self.http.cookies.clear()
        return _seen(answer)

    def _sender(self, who):
        if who == "fresh":
            return self.sign_up()
        if who == "guest":
            return self.sign_in_as_guest()
        if who == "unknown":
            [line] = cookies.Jar(SECRET.encode(), secure=False).session(UNKNOWN, 60)
            return self.email, line.partition(";")[0]
        if not self.email:
            self.email, self.cookie = self.sign_up()
        return self.email, "" if who == "nobody" else self.cookie


@pytest.fixture(scope="module")
def servers():
    """Theirs and ours."""
    command = [node(), "server.mjs"]
    with ExitStack() as stack:
        [port] = free_ports(1)
        theirs = f"http://127.0.0.1:{port}"
        stack.enter_context(
            serving([*command, str(port), SECRET, SITE], f"{theirs}/api/auth/ok", folder=FOLDER)
        )
        ours = stack.enter_context(broker_process(TOML, secret=SECRET))
        http = stack.enter_context(httpx.Client(trust_env=False))
        yield Server(theirs, http), Server(ours, http)


def _seen(answer):
    kind = answer.headers.get("content-type")
    is_json = kind is not None and kind.partition(";")[0] == JSON
    return {
        "status": answer.status_code,
        "type": None if kind is None else kind.partition(";")[0],
        "body": _shape(answer.json()) if is_json else answer.text,
        "cookies": [_cookie_shape(line) for line in answer.headers.get_list("set-cookie")],
        "set-auth-token": "set-auth-token" in answer.headers,
        "location": answer.headers.get("location"),
    }


def _shape(value, name=""):
    """The value with what differs from one account to the next put as a word."""
    if isinstance(value, dict):
        # As a list, because their order counts.
        return [(key, _shape(member, key)) for key, member in value.items()]
    if isinstance(value, list):
        return [_shape(member) for member in value]
    if isinstance(value, str) and name not in ("code", "message", "url", "name"):
        return "date" if DATE.fullmatch(value) else "text"
    return value


def _cookie_shape(line):
    pair, *attributes = line.split("; ")
    name, _, value = pair.partition("=")
    return [name, "value" if value else "", *attributes]


def post(path, body=None, who="nobody", **headers):
    return Case("POST", "/api/auth" + path, body, who, _named(headers))


def get(path, who="nobody", **headers):
    return Case("GET", "/api/auth" + path, None, who, _named(headers))


def _named(headers):
    return {name.replace("_", "-"): value for name, value in headers.items()}


NEW = {"name": "Ada", "email": "{new}", "password": PASSWORD}
OWN = {"email": "{reader}", "password": PASSWORD}


def without(body, name):
    return {key: value for key, value in body.items() if key != name}


CASES = {
    # Sign-up.
    "sign-up": post("/sign-up/email", NEW),
    "sign-up with everything": post(
        "/sign-up/email", {**NEW, "image": "https://x.example/a.png", "callbackURL": "/docs"}
    ),
    "sign-up for a day": post("/sign-up/email", {**NEW, "rememberMe": False}),
    "sign-up with unknown members": post("/sign-up/email", {**NEW, "role": "x", "emailVerified": True}),
    "sign-up as a form": post(
        "/sign-up/email", f"name=Ada&email={{new}}&password={PASSWORD}", Content_Type=FORM
    ),
    "sign-up without name": post("/sign-up/email", without(NEW, "name")),
    "sign-up without email": post("/sign-up/email", without(NEW, "email")),
    "sign-up without password": post("/sign-up/email", without(NEW, "password")),
    "sign-up with nothing": post("/sign-up/email", {}),
    "sign-up without a body": post("/sign-up/email"),
    "sign-up with an empty name": post("/sign-up/email", {**NEW, "name": ""}),
    "sign-up with an empty password": post("/sign-up/email", {**NEW, "password": ""}),
    "sign-up with a bad email": post("/sign-up/email", {**NEW, "email": "ada"}),
    "sign-up with an empty email": post("/sign-up/email", {**NEW, "email": ""}),
    "sign-up with a spaced email": post("/sign-up/email", {**NEW, "email": " ada@example.com"}),
    "sign-up with a bad email and password": post("/sign-up/email", {**NEW, "email": "ada", "password": "x"}),
    "sign-up with a number as name": post("/sign-up/email", {**NEW, "name": 5}),
    "sign-up with wrong types": post(
        "/sign-up/email", {"name": None, "email": [], "password": {}, "rememberMe": "yes"}
    ),
    "sign-up with null image": post("/sign-up/email", {**NEW, "image": None}),
    "sign-up with a short password": post("/sign-up/email", {**NEW, "password": "1234567"}),
    "sign-up with a long password": post("/sign-up/email", {**NEW, "password": "x" * 129}),
    "sign-up with a password of 128": post("/sign-up/email", {**NEW, "password": "xy" * 64}),
    "sign-up with a common password": post("/sign-up/email", {**NEW, "password": "password123"}),
    "sign-up with a foreign address": post("/sign-up/email", {**NEW, "callbackURL": "https://evil.example"}),
    "sign-up with a long email": post("/sign-up/email", {**NEW, "email": f"{'a' * 250}@example.com"}),
    "sign-up with a long name": post("/sign-up/email", {**NEW, "name": "x" * 257}),
    "sign-up again": post("/sign-up/email", {**NEW, "email": "{reader}"}),
    "sign-up while signed in": post("/sign-up/email", NEW, "fresh"),
    # Sign-in.
    "sign-in": post("/sign-in/email", OWN),
    "sign-in for a day": post("/sign-in/email", {**OWN, "rememberMe": False}),
    "sign-in with a path": post("/sign-in/email", {**OWN, "callbackURL": "/docs"}),
    "sign-in with a trusted address": post("/sign-in/email", {**OWN, "callbackURL": f"{SITE}/docs"}),
    "sign-in with a foreign address": post("/sign-in/email", {**OWN, "callbackURL": "https://evil.example"}),
    "sign-in with two slashes": post("/sign-in/email", {**OWN, "callbackURL": "//evil.example"}),
    "sign-in with a script": post("/sign-in/email", {**OWN, "callbackURL": "javascript:alert(1)"}),
    "sign-in with an empty address": post("/sign-in/email", {**OWN, "callbackURL": ""}),
    "sign-in with a number as address": post("/sign-in/email", {**OWN, "callbackURL": 5}),
    "sign-in as a form": post("/sign-in/email", f"email={{reader}}&password={PASSWORD}", Content_Type=FORM),
    "sign-in as a form for a day": post(
        "/sign-in/email", f"email={{reader}}&password={PASSWORD}&rememberMe=false", Content_Type=FORM
    ),
    "sign-in with a wrong password": post("/sign-in/email", {**OWN, "password": "wrong password"}),
    "sign-in with an empty password": post("/sign-in/email", {**OWN, "password": ""}),
    "sign-in with a long password": post("/sign-in/email", {**OWN, "password": "x" * 129}),
    "sign-in of nobody": post("/sign-in/email", {**OWN, "email": "{new}"}),
    "sign-in with a bad email": post("/sign-in/email", {**OWN, "email": "ada"}),
    "sign-in without email": post("/sign-in/email", without(OWN, "email")),
    "sign-in without password": post("/sign-in/email", without(OWN, "password")),
    "sign-in with nothing": post("/sign-in/email", {}),
    "sign-in with wrong types": post("/sign-in/email", {"email": 1, "password": True, "rememberMe": 0}),
    "sign-in with null": post("/sign-in/email", {"email": None, "password": PASSWORD}),
    "sign-in with a list": post("/sign-in/email", []),
    "sign-in with text": post("/sign-in/email", '"text"'),
    "sign-in with JSON null": post("/sign-in/email", "null"),
    "sign-in with bad JSON": post("/sign-in/email", "{"),
    "sign-in with an empty body": post("/sign-in/email", ""),
    "sign-in with no type": post("/sign-in/email", json.dumps(OWN), Content_Type=None),
    "sign-in with another type": post("/sign-in/email", "email=a", Content_Type="text/plain"),
    "sign-in with JSON of a charset": post(
        "/sign-in/email", OWN, Content_Type="application/json; charset=utf-8"
    ),
    "sign-in with problem JSON": post("/sign-in/email", OWN, Content_Type="application/problem+json"),
    # Guests.
    "guest": post("/sign-in/anonymous", {}),
    "guest without a body": post("/sign-in/anonymous"),
    "guest again": post("/sign-in/anonymous", {}, "guest"),
    "guest while signed in": post("/sign-in/anonymous", {}, "fresh"),
    "guest with bad JSON": post("/sign-in/anonymous", "{"),
    "session of a guest": get("/get-session", "guest"),
    # Sign-out.
    "sign-out": post("/sign-out", {}, "fresh"),
    "sign-out without a body": post("/sign-out", None, "fresh"),
    "sign-out of nobody": post("/sign-out", {}),
    "sign-out of an unknown session": post("/sign-out", {}, "unknown"),
    "sign-out as a form": post("/sign-out", "a=b", "fresh", Content_Type=FORM),
    # Reading sessions.
    "session": get("/get-session", "reader"),
    "session by bearer": get("/get-session", "bearer"),
    "session of nobody": get("/get-session"),
    "session of an unknown token": get("/get-session", "unknown"),
    "session of a forged cookie": get(
        "/get-session", Cookie=f"better-auth.session_token={UNKNOWN}.{'A' * 43}%3D"
    ),
    "session of a bare cookie": get("/get-session", Cookie=f"better-auth.session_token={UNKNOWN}"),
    "session of an unknown bearer": get("/get-session", Authorization=f"Bearer {UNKNOWN}"),
    "session of a short bearer": get("/get-session", Authorization="Bearer x"),
    "session without refresh": get("/get-session?disableRefresh=true", "reader"),
    "session without the cache": get("/get-session?disableCookieCache=true", "reader"),
    "session of two cookies": get(
        "/get-session",
        "reader",
        Cookie="better-auth.session_token={quoted}; better-auth.session_token={quoted}",
    ),
    "session by POST": post("/get-session", {}, "reader"),
    "list": get("/list-sessions", "fresh"),
    "list of nobody": get("/list-sessions"),
    "list of an unknown token": get("/list-sessions", "unknown"),
    "list of an unknown bearer": get("/list-sessions", Authorization=f"Bearer {UNKNOWN}"),
    # Revoking them.
    "revoke an unknown session": post("/revoke-session", {"token": UNKNOWN}, "reader"),
    "revoke without token": post("/revoke-session", {}, "reader"),
    "revoke with a number": post("/revoke-session", {"token": 5}, "reader"),
    "revoke without token of nobody": post("/revoke-session", {}),
    "revoke of nobody": post("/revoke-session", {"token": UNKNOWN}),
    "revoke all": post("/revoke-sessions", {}, "fresh"),
    "revoke all without a body": post("/revoke-sessions", None, "fresh"),
    "revoke all of nobody": post("/revoke-sessions", {}),
    "revoke others": post("/revoke-other-sessions", {}, "fresh"),
    "revoke others of nobody": post("/revoke-other-sessions", {}),
    "revoke others of an unknown token": post("/revoke-other-sessions", {}, "unknown"),
    # The account.
    "update": post("/update-user", {"name": "Ada King"}, "fresh"),
    "update by bearer": post("/update-user", {"name": "Ada"}, "bearer"),
    "update of the image": post("/update-user", {"image": "https://x.example/a.png"}, "fresh"),
    "update with null image": post("/update-user", {"image": None}, "fresh"),
    "update with null name": post("/update-user", {"name": None}, "fresh"),
    "update with null name and image": post("/update-user", {"name": None, "image": None}, "fresh"),
    "update with an empty name": post("/update-user", {"name": ""}, "fresh"),
    "update of nothing": post("/update-user", {}, "reader"),
    "update without a body": post("/update-user", None, "reader"),
    "update with unknown members": post("/update-user", {"role": "admin"}, "reader"),
    "update of the email": post("/update-user", {"email": "{new}"}, "reader"),
    "update with an empty email": post("/update-user", {"email": ""}, "reader"),
    "update of name and email": post("/update-user", {"name": "x", "email": "{new}"}, "reader"),
    "update with a number as email": post("/update-user", {"email": 5}, "reader"),
    "update with a number as name": post("/update-user", {"name": 5}, "fresh"),
    "update with a list": post("/update-user", [], "reader"),
    "update of nobody": post("/update-user", {"name": "x"}),
    "update of nothing by nobody": post("/update-user", {}),
    "change": post(
        "/change-password", {"currentPassword": PASSWORD, "newPassword": "another horse"}, "fresh"
    ),
    "change for all": post(
        "/change-password",
        {"currentPassword": PASSWORD, "newPassword": "another horse", "revokeOtherSessions": True},
        "fresh",
    ),
    "change with a wrong password": post(
        "/change-password", {"currentPassword": "wrong password", "newPassword": "another horse"}, "reader"
    ),
    "change to a short password": post(
        "/change-password", {"currentPassword": PASSWORD, "newPassword": "1234567"}, "reader"
    ),
    "change to a short password from a wrong one": post(
        "/change-password", {"currentPassword": "wrong password", "newPassword": "1234567"}, "reader"
    ),
    "change to a long password": post(
        "/change-password", {"currentPassword": PASSWORD, "newPassword": "x" * 129}, "reader"
    ),
    "change from a long password": post(
        "/change-password", {"currentPassword": "x" * 129, "newPassword": "another horse"}, "reader"
    ),
    "change with nothing": post("/change-password", {}, "reader"),
    "change with wrong types": post(
        "/change-password", {"currentPassword": 1, "newPassword": [], "revokeOtherSessions": 1}, "reader"
    ),
    "change of nobody": post(
        "/change-password", {"currentPassword": PASSWORD, "newPassword": "another horse"}
    ),
    "change of a guest": post(
        "/change-password", {"currentPassword": PASSWORD, "newPassword": "another horse"}, "guest"
    ),
    "delete": post("/delete-user", {"password": PASSWORD}, "fresh"),
    "delete while fresh": post("/delete-user", {}, "fresh"),
    "delete with a wrong password": post("/delete-user", {"password": "wrong password"}, "reader"),
    "delete with a number": post("/delete-user", {"password": 5}, "reader"),
    "delete without a body": post("/delete-user", None, "fresh"),
    "delete with a long password": post("/delete-user", {"password": "x" * 129}, "reader"),
    "delete with a foreign address": post(
        "/delete-user", {"password": PASSWORD, "callbackURL": "https://evil.example"}, "reader"
    ),
    "delete of nobody": post("/delete-user", {}),
    "delete of a guest": post("/delete-user", {}, "guest"),
    # Tokens.
    "token": get("/token", "reader"),
    "token by bearer": get("/token", "bearer"),
    "token of nobody": get("/token"),
    "token of an unknown session": get("/token", "unknown"),
    "jwks": get("/jwks"),
    "ok": get("/ok"),
    # Forms of a bearer.
    "bearer with a signature": get("/get-session", "reader", Cookie=None, Authorization="Bearer {signed}"),
    "bearer percent-encoded": get("/get-session", "reader", Cookie=None, Authorization="Bearer {quoted}"),
    "bearer in lower case": get("/get-session", "reader", Cookie=None, Authorization="bearer {signed}"),
    "bearer with a forged signature": get("/get-session", Authorization=f"Bearer {UNKNOWN}.{'A' * 43}="),
    "bearer with a forged signature beside a cookie": get(
        "/get-session", "reader", Authorization=f"Bearer {UNKNOWN}.{'A' * 43}="
    ),
    "unknown bearer beside a cookie": get("/get-session", "reader", Authorization=f"Bearer {UNKNOWN}"),
    "bearer of another key of the store": get("/get-session", Authorization="Bearer active-sessions-x"),
    "no bearer but a password": get("/get-session", "reader", Authorization="Basic YTpi"),
    "bearer without a token": get("/get-session", "reader", Authorization="Bearer"),
    # Where a request comes from.
    "sign-in without Origin": post("/sign-in/email", OWN, Origin=None),
    "sign-in from null": post("/sign-in/email", OWN, Origin="null"),
    "sign-in from elsewhere": post("/sign-in/email", OWN, Origin="https://evil.example"),
    "sign-in by a referer": post("/sign-in/email", OWN, Origin=None, Referer=f"{SITE}/docs"),
    "sign-in by a foreign referer": post("/sign-in/email", OWN, Origin=None, Referer="https://evil.example/"),
    "sign-in by a script without Origin": post(
        "/sign-in/email", OWN, Origin=None, Sec_Fetch_Site="cross-site"
    ),
    "sign-in by navigation": post(
        "/sign-in/email", OWN, Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate"
    ),
    "sign-in of a page with the broker's cookie": post("/sign-in/email", OWN, "reader", Origin=None),
    "sign-up from null": post("/sign-up/email", NEW, Origin="null"),
    "sign-out without Origin": post("/sign-out", {}, "fresh", Origin=None),
    "sign-out from null": post("/sign-out", {}, "fresh", Origin="null"),
    "sign-out from null of the same origin": post(
        "/sign-out", {}, "fresh", Origin="null", Sec_Fetch_Site="same-origin"
    ),
    "sign-out from elsewhere": post("/sign-out", {}, "fresh", Origin="https://evil.example"),
    "sign-out by a referer": post("/sign-out", {}, "fresh", Origin=None, Referer=f"{SITE}/docs"),
    "update by bearer without Origin": post("/update-user", {"name": "Ada"}, "bearer", Origin=None),
    "update by bearer from null": post("/update-user", {"name": "Ada"}, "bearer", Origin="null"),
    "update without token or Origin": post("/update-user", {"name": "x"}, "reader", Origin=None),
    "guest from null": post("/sign-in/anonymous", {}, Origin="null"),
    "guest without Origin": post("/sign-in/anonymous", {}, Origin=None),
    "guest by a script without Origin": post(
        "/sign-in/anonymous", {}, Origin=None, Sec_Fetch_Site="cross-site"
    ),
    "session from elsewhere": get("/get-session", "reader", Origin="https://evil.example"),
    "other cookies without Origin": post("/update-user", {"name": "x"}, "bearer", Origin=None, Cookie="a=b"),
    "bad JSON without Origin": post("/sign-out", "{", "reader", Origin=None),
    # Paths and methods.
    "unknown path": get("/nothing-here"),
    "unknown path by POST": post("/nothing-here", {}),
    "the base path": get(""),
    "trailing slash": get("/get-session/", "reader"),
    "two slashes": get("//get-session", "reader"),
    "sign-in by GET": get("/sign-in/email"),
    "sign-out by GET": get("/sign-out", "reader"),
    "list by POST": post("/list-sessions", {}, "reader"),
    "token by POST": post("/token", {}, "reader"),
    "session by DELETE": Case("DELETE", "/api/auth/get-session", None, "reader"),
    "session by PUT": Case("PUT", "/api/auth/get-session", {}, "reader"),
    "session by HEAD": Case("HEAD", "/api/auth/get-session", None, "reader"),
    "session by OPTIONS": Case("OPTIONS", "/api/auth/get-session"),
}

BODY = {"body"}
ANSWER = {"status", "body"}
SESSION = {"status", "body", "cookies", "set-auth-token"}
COOKIES = {"cookies"}
ALL = {"status", "type", "body"}

# By the reason: the case, what of the answer differs, and the status and code of theirs and of ours.
DIFFERENCES = {
    "A password that is guessed first is no password.": {
        "sign-up with a common password": (SESSION, (200, None), (400, "PASSWORD_COMMON")),
    },
    "Every stored text has a limit, so that no account can fill the database.": {
        "sign-up with a long email": (SESSION, (200, None), (400, "VALIDATION_ERROR")),
        "sign-up with a long name": (SESSION, (200, None), (400, "INVALID_PROFILE")),
    },
    "A name is text: what a number would be shown as is nobody's choice.": {
        "update with a number as name": (SESSION, (200, None), (400, "VALIDATION_ERROR")),
    },
    "Every error has a code.": {
        "update of nothing": (BODY, (400, None), (400, "NO_FIELDS_TO_UPDATE")),
        "update with unknown members": (BODY, (400, None), (400, "NO_FIELDS_TO_UPDATE")),
        "update with an empty email": (BODY, (400, None), (400, "NO_FIELDS_TO_UPDATE")),
        "sign-in with a number as address": (BODY, (400, None), (400, "VALIDATION_ERROR")),
    },
    "Members are checked for their type before their meaning, as at every other endpoint.": {
        "update with a number as email": (
            BODY,
            (400, "EMAIL_CAN_NOT_BE_UPDATED"),
            (400, "VALIDATION_ERROR"),
        ),
    },
    "Their message names a type of their validator, a record, where JSON has an object.": {
        "sign-up without a body": (BODY, (400, "VALIDATION_ERROR"), (400, "VALIDATION_ERROR")),
        "update without a body": (BODY, (400, "VALIDATION_ERROR"), (400, "VALIDATION_ERROR")),
        "update with a list": (BODY, (400, "VALIDATION_ERROR"), (400, "VALIDATION_ERROR")),
    },
    "No error echoes input; theirs repeats the Content-Type.": {
        "sign-in with another type": (BODY, (415, "UNSUPPORTED_MEDIA_TYPE"), (415, "UNSUPPORTED_MEDIA_TYPE")),
        "sign-in with problem JSON": (BODY, (415, "UNSUPPORTED_MEDIA_TYPE"), (415, "UNSUPPORTED_MEDIA_TYPE")),
        "sign-out as a form": (BODY, (415, "UNSUPPORTED_MEDIA_TYPE"), (415, "UNSUPPORTED_MEDIA_TYPE")),
    },
    "A form has only text, so its `false` must mean false for the member to be of use.": {
        "sign-in as a form for a day": (SESSION, (400, "VALIDATION_ERROR"), (200, None)),
    },
    "A bearer that stands for nothing costs nobody their cookie, and leaves it its turn.": {
        "session of an unknown bearer": (COOKIES, (200, None), (200, None)),
        "session of a short bearer": (COOKIES, (200, None), (200, None)),
        "bearer of another key of the store": (COOKIES, (200, None), (200, None)),
        "list of an unknown bearer": (COOKIES, (401, "UNAUTHORIZED"), (401, "UNAUTHORIZED")),
        "unknown bearer beside a cookie": (BODY | COOKIES, (200, None), (200, None)),
    },
    "Credentials that can be read in two ways are read in none.": {
        "bearer without a token": (ANSWER, (200, None), (400, "INVALID_REQUEST")),
    },
    "A session is for the pages of its own site.": {
        "session from elsewhere": (BODY | {"status"}, (200, None), (403, "CLIENT_NOT_ALLOWED")),
    },
    "Its client posts here only after `needsRefresh`, which is never answered.": {
        "session by POST": (ALL, (405, "METHOD_NOT_ALLOWED_DEFER_SESSION_REQUIRED"), (404, None)),
    },
    "Verifiers need `use`, and any order of a JWK's members is the same JWK (RFC 7517).": {
        "jwks": (BODY, (200, None), (200, None)),
    },
    "The origin is judged before the body is read.": {
        "bad JSON without Origin": (ANSWER, (400, "BAD_REQUEST"), (403, "MISSING_OR_NULL_ORIGIN")),
    },
    "CORS stands around everything and refuses the origin `null` before a service sees it.": {
        "sign-in from null": (BODY, (403, "MISSING_OR_NULL_ORIGIN"), (403, "INVALID_ORIGIN")),
        "sign-up from null": (BODY, (403, "MISSING_OR_NULL_ORIGIN"), (403, "INVALID_ORIGIN")),
        "sign-out from null": (BODY, (403, "MISSING_OR_NULL_ORIGIN"), (403, "INVALID_ORIGIN")),
        "sign-out from null of the same origin": (
            {"status", "body", "cookies"},
            (200, None),
            (403, "INVALID_ORIGIN"),
        ),
        "update by bearer from null": (SESSION, (200, None), (403, "INVALID_ORIGIN")),
        "guest from null": (SESSION, (200, None), (403, "INVALID_ORIGIN")),
    },
    "A target that two readers take apart differently is refused at the door.": {
        "two slashes": (ALL, (404, None), (400, None)),
    },
    "A guest's session is a session: a page may not plant one either.": {
        "guest by a script without Origin": (SESSION, (200, None), (403, "MISSING_OR_NULL_ORIGIN")),
    },
}


@pytest.mark.parametrize("name", CASES)
def test_both_answer_alike(servers, name):
    theirs, ours = (server.answer(CASES[name]) for server in servers)
    differing = {key for key in theirs if theirs[key] != ours[key]}
    known = {case: one for cases in DIFFERENCES.values() for case, one in cases.items()}
    if name not in known:
        assert ours == theirs
    else:
        assert (differing, _outcome(theirs), _outcome(ours)) == known[name]


def test_every_known_difference_is_of_a_case():
    assert {case for cases in DIFFERENCES.values() for case in cases} <= set(CASES)


def _outcome(seen):
    body = seen["body"]
    members = dict(body) if isinstance(body, list) and body and isinstance(body[0], tuple) else {}
    return seen["status"], members.get("code")


def test_a_list_names_sessions_by_handles_where_theirs_gives_the_credentials(servers):
    for server, is_raw in zip(servers, (True, False), strict=True):
        _, cookie = server.sign_up()
        raw = cookies.verify_token(cookie.partition("=")[2], SECRET.encode())
        [only] = server.http.get(
            f"{server.url}/api/auth/list-sessions", headers={"Cookie": cookie, "Origin": SITE}
        ).json()
        assert (only["token"] == raw) is is_raw


def test_a_token_says_less_of_its_reader_and_lives_shorter(servers):
    claims = []
    for server in servers:
        email, cookie = server.sign_up()
        token = server.http.get(
            f"{server.url}/api/auth/token", headers={"Cookie": cookie, "Origin": SITE}
        ).json()["token"]
        claims.append(jwt.decode(token, options={"verify_signature": False}))
        assert (email in json.dumps(claims[-1])) is (server is servers[0])
    theirs, ours = claims
    assert theirs["exp"] - theirs["iat"] == 900
    assert ours["exp"] - ours["iat"] == 300
    assert {"sid", "jti", "client_id", "scope"} <= ours.keys() - theirs.keys()


@pytest.mark.parametrize("path", ["/sign-in/email", "/get-session", "/token", "/nothing-here"])
def test_no_answer_of_ours_is_kept_by_a_cache(servers, path):
    _, ours = servers
    answer = ours.http.get(f"{ours.url}/api/auth{path}", headers={"Origin": SITE})
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["vary"] == "Origin"
    assert answer.headers["x-request-id"]
