"""Accounts and sessions as Better Auth's JSON shows them."""

import hashlib
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from starlette.responses import Response

from broker.accounts.accounts import Account
from broker.endpoints.session_cookies import shown_token, with_session
from broker.sessions.session import Opened, Session
from broker.state import Broker

NO_STORE: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}


def instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_ms(milliseconds: int) -> str:
    return instant(datetime.fromtimestamp(milliseconds / 1000, UTC))


def user(account: Account) -> dict[str, Any]:
    return {
        "name": account.name,
        "email": account.email,
        "emailVerified": account.email_verified,
        "image": account.image,
        "createdAt": instant(account.created_at),
        "updatedAt": instant(account.updated_at),
        "isAnonymous": account.is_anonymous,
        "id": account.id,
    }


def guest(session: Session) -> dict[str, Any]:
    """The user of a guest's session, who is in no database; the address is made from the id."""
    local = hashlib.sha256(session.sub.encode()).hexdigest()[:32]
    created = from_ms(session.created_at)
    return {
        "name": "Anonymous",
        "email": f"{local}@anonymous.placeholder.invalid",
        "emailVerified": False,
        "image": None,
        "createdAt": created,
        "updatedAt": created,
        "isAnonymous": True,
        "id": session.sub,
    }


async def user_of(broker: Broker, session: Session) -> dict[str, Any] | None:
    """The session's user; None when the account is gone."""
    if session.is_guest:
        return guest(session)
    credential = await broker.accounts.by_id(session.sub)
    return None if credential is None else user(credential.account)


def session(found: Session, token: str) -> dict[str, Any]:
    """`token` is the raw one only for the session's own reader, and only where the site allows it."""
    return {
        "expiresAt": from_ms(found.expires_at),
        "token": token,
        "createdAt": from_ms(found.created_at),
        "updatedAt": from_ms(found.updated_at),
        "ipAddress": found.ip_address,
        "userAgent": found.user_agent,
        "userId": found.sub,
        "id": found.id,
    }


def answer(body: Any, status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, NO_STORE, "application/json")


def opened(
    broker: Broker,
    new: Opened,
    shown_user: dict[str, Any],
    *,
    redirect: bool | None = None,
    url: str | None = None,
) -> Response:
    """A sign-in's or sign-up's answer, and the cookies; a member that is None is left out."""
    members = {
        "redirect": redirect,
        "token": shown_token(broker, new.session, new.token),
        "url": url,
        "user": shown_user,
    }
    body = {name: value for name, value in members.items() if value is not None}
    return with_session(answer(body), broker, new.session, new.token)
