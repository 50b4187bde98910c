"""A server as the families ask it, and the answer in a form in which two servers can be compared."""

import itertools
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import httpx

from broker.sessions import cookies
from tests.broker.endpoints.better_auth_parity.cases import JSON, UNKNOWN, Case
from tests.broker.service import PASSWORD, SECRET, SITE

DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_NUMBERS = itertools.count()


@dataclass
class Server:
    url: str
    http: httpx.Client
    email: str = ""
    cookie: str = ""

    def sign_up(self) -> tuple[str, str]:
        email = f"reader{next(_NUMBERS)}@example.com"
        body = {"name": "Ada", "email": email, "password": PASSWORD}
        return email, self._cookie_of("/api/auth/sign-up/email", body)

    def sign_in_as_guest(self) -> tuple[str, str]:
        return "", self._cookie_of("/api/auth/sign-in/anonymous", {})

    def _cookie_of(self, path: str, body: Mapping[str, Any]) -> str:
        answer = self.http.post(self.url + path, json=body)
        assert answer.status_code == 200, answer.text
        self.http.cookies.clear()
        return answer.headers["set-cookie"].partition(";")[0]

    def answer(self, case: Case) -> dict[str, Any]:
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
        named = {
            name: None
            if value is None
            else value.replace("{signed}", unquote(signed)).replace("{quoted}", signed)
            for name, value in case.headers.items()
        }
        headers = {name: value for name, value in {**headers, **named}.items() if value is not None}
        sent = self.http.build_request(case.method, self.url + case.path, content=body, headers=headers)
        answer = self.http.send(sent)
        self.http.cookies.clear()
        return _seen(answer)

    def _sender(self, who: str) -> tuple[str, str]:
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


def _seen(answer: httpx.Response) -> dict[str, Any]:
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


def _shape(value: Any, name: str = "") -> Any:
    """The value, with a word in place of each part that differs between accounts."""
    if isinstance(value, dict):
        # As a list, because their order counts.
        return [(key, _shape(member, key)) for key, member in value.items()]
    if isinstance(value, list):
        return [_shape(member) for member in value]
    if isinstance(value, str) and name not in ("code", "message", "url", "name"):
        return "date" if DATE.fullmatch(value) else "text"
    return value


def _cookie_shape(line: str) -> list[str]:
    pair, *attributes = line.split("; ")
    name, _, value = pair.partition("=")
    return [name, "value" if value else "", *attributes]


def outcome(seen: Mapping[str, Any]) -> tuple[int, Any]:
    body = seen["body"]
    members = dict(body) if isinstance(body, list) and body and isinstance(body[0], tuple) else {}
    return seen["status"], members.get("code")
