"""Request bodies as Better Auth takes them: JSON or, at two endpoints, a form; errors are in its words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from starlette.requests import Request

from broker.accounts.accounts import is_email
from broker.endpoints import forms
from broker.errors import APIError
from edge.http.body_limit import read_body, too_large
from tokens import strict_json

MAX_BODY: Final = 65_536
"""Bytes. The longest valid body, a profile in JSON's longest escapes, has about 30,000."""
MAX_FORM_FIELDS: Final = 32
JSON: Final = "application/json"
FORM: Final = "application/x-www-form-urlencoded"

_TYPE_NAMES: Final = {
    str: "string",
    bool: "boolean",
    int: "number",
    float: "number",
    list: "array",
    dict: "object",
    type(None): "null",
}


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a body. A `nullable` one may be null, which differs from absent."""

    name: str
    kind: Literal["string", "nonempty", "email", "boolean"] = "string"
    required: bool = False
    nullable: bool = False

    @property
    def type(self) -> str:
        """Its JSON type."""
        return "boolean" if self.kind == "boolean" else "string"


CALLBACK_URL: Final = Member("callbackURL")
"""The address to go to afterwards; the pipeline refuses one that is not trusted."""


async def read(request: Request, members: Sequence[Member], *, form: bool) -> Mapping[str, Any]:
    """The members that are present, each of its kind; others are dropped, as Better Auth does.

    Raises APIError 400 (VALIDATION_ERROR, BAD_REQUEST) or 415, Problem 413.
    """
    raw = await read_body(request, MAX_BODY)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not kind:
        return _absent(members)
    if kind == FORM and form:
        if len(raw) > forms.MAX_BYTES:
            raise too_large(forms.MAX_BYTES)
        return _checked(_form(raw), members)
    if kind != JSON:
        raise APIError(415, "UNSUPPORTED_MEDIA_TYPE", f"Content-Type must be {JSON}")
    if not raw:
        return _absent(members)
    try:
        body = strict_json.loads(raw)
    except strict_json.NotStrictJSON:
        raise APIError(400, "BAD_REQUEST", "Invalid JSON in request body") from None
    if not isinstance(body, dict):
        raise APIError(400, "VALIDATION_ERROR", f"[body] {_expected('object', body)}")
    return _checked(body, members)


def schema(members: Sequence[Member]) -> dict[str, Any]:
    """The body's JSON Schema, for the OpenAPI document."""
    return {
        "type": "object",
        "properties": {
            one.name: {"type": [one.type, "null"] if one.nullable else one.type} for one in members
        },
        "required": [one.name for one in members if one.required],
    }


def _form(raw: bytes) -> dict[str, Any]:
    try:
        pairs = forms.fields(raw, MAX_FORM_FIELDS)
    except ValueError:
        raise APIError(400, "BAD_REQUEST", "The body is not a form") from None
    fields: dict[str, Any] = dict(pairs)
    if len(fields) < len(pairs):
        raise APIError(400, "BAD_REQUEST", "A form field was sent twice")
    flags = {"true": True, "false": False}
    return {
        name: flags.get(value, value) if name == "rememberMe" else value for name, value in fields.items()
    }


def _absent(members: Sequence[Member]) -> Mapping[str, Any]:
    if members:
        raise APIError(400, "VALIDATION_ERROR", "[body] Invalid input: expected object, received undefined")
    return {}


def _checked(body: Mapping[str, Any], members: Sequence[Member]) -> Mapping[str, Any]:
    found = {member.name: body[member.name] for member in members if member.name in body}
    faults = [
        f"[body.{member.name}] {fault}" for member in members if (fault := _fault(member, body)) is not None
    ]
    if faults:
        raise APIError(400, "VALIDATION_ERROR", "; ".join(faults))
    return found


def _fault(member: Member, body: Mapping[str, Any]) -> str | None:
    """The fault of a member, in Better Auth's words."""
    if member.name not in body:
        return f"Invalid input: expected {member.type}, received undefined" if member.required else None
    value = body[member.name]
    if value is None and member.nullable:
        return None
    if member.kind == "boolean":
        return None if isinstance(value, bool) else _expected("boolean", value)
    if not isinstance(value, str):
        return _expected("string", value)
    if member.kind == "nonempty" and not value:
        return "Too small: expected string to have >=1 characters"
    if member.kind == "email" and not is_email(value):
        return "Invalid email address"
    return None


def _expected(kind: str, value: Any) -> str:
    return f"Invalid input: expected {kind}, received {_TYPE_NAMES[type(value)]}"
