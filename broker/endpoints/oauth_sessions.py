"""`POST /oauth2/sessions`, `/oauth2/sessions/revoke`: a reader's sessions at the site that asks.

A refresh token identifies the reader, as it is the one credential of theirs that a page of another origin
has. It is not spent: a page that looks while another tab refreshes must not end the session of both.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from broker.endpoints import forms, origins, proved
from broker.endpoints.callers import reading
from broker.errors import OAuthError
from broker.oauth.grants import public_client, required
from broker.oauth.mint import is_served
from broker.oauth.refresh import Refused
from broker.sessions import revocation
from broker.sessions.session import SID, Session
from broker.state import Broker

_LIST: Final = forms.described("client_id", "token")
_REVOKE: Final = forms.described("client_id", "token", "session_id")
_REASONS: Final = {
    Refused.OTHER_KEY: "token: it is bound to another DPoP key, whose proof is needed",
    Refused.REUSED: "token: it was used before",
}

router = APIRouter(prefix="/oauth2/sessions")


@dataclass(frozen=True, slots=True)
class _Sent:
    """A form that a page of the site `client_id` sent."""

    broker: Broker
    client_id: str
    parameters: Mapping[str, str]

    async def session(self, jkt: str) -> Session:
        """The refresh token's session. Raises OAuthError `invalid_grant`, Problem 429."""
        handle = self.broker.refresh_tokens.read(required(self.parameters, "token"))
        if handle is None:
            raise _refused(Refused.UNKNOWN)
        session = await self.broker.families.look(handle, self.client_id, jkt)
        if isinstance(session, Refused):
            raise _refused(session)
        if not is_served(session, self.broker.config.clients):
            raise _refused(Refused.UNKNOWN)
        if not await self.broker.upstreams.vouches(self.broker.sessions, session):
            raise _refused(Refused.UNKNOWN)
        await self.broker.rates.session_list(session.sub)
        return session


@router.post("", response_class=Response, openapi_extra=_LIST)
async def list_sessions(request: Request) -> Response:
    """The reader and their sessions at this site, the newest first. The reader is None for a guest, and where
    a Better Auth server of the site's own keeps their name."""
    sent = await _read(request)

    async def act(jkt: str) -> dict[str, Any]:
        current = await sent.session(jkt)
        user = await _user(sent.broker, current)
        found = await sent.broker.sessions.by_user(current.sub)
        own = [one for one in reversed(found) if one.client == sent.client_id]
        return {"user": user, "sessions": [_shown(one, current) for one in own]}

    return await proved.answer(request, act)


@router.post("/revoke", response_class=Response, openapi_extra=_REVOKE)
async def revoke(request: Request) -> Response:
    """200 whatever `session_id` was, once the revocation is acknowledged, as in RFC 7009."""
    sent = await _read(request)
    sid = required(sent.parameters, "session_id")

    async def act(jkt: str) -> dict[str, Any]:
        current = await sent.session(jkt)
        if SID.fullmatch(sid):
            meant = await sent.broker.sessions.by_id(current.sub, sid)
            # A session that is gone is ended again: an earlier attempt may not have been acknowledged.
            if meant is None or meant.client == sent.client_id:
                await revocation.revoke_session(sent.broker.sessions, current.sub, sid, by=current.id)
        return {}

    return await proved.answer(request, act)


async def _read(request: Request) -> _Sent:
    broker: Broker = request.app.state.broker
    with reading(request):
        parameters = await forms.read(request)
    origin = origins.foreign_origin(request.headers, broker.config)
    client = public_client(broker, parameters, request.headers, origin)
    required(parameters, "token")
    return _Sent(broker, client.id, parameters)


async def _user(broker: Broker, session: Session) -> dict[str, str] | None:
    if session.is_guest or session.upstream:
        return None
    credential = await broker.accounts.by_id(session.sub)
    if credential is None:
        # The account was deleted after the session was read.
        raise _refused(Refused.UNKNOWN)
    return {"name": credential.account.name, "email": credential.account.email}


def _shown(session: Session, current: Session) -> dict[str, Any]:
    return {
        "id": session.id,
        "created_at": session.created_at // 1000,
        "expires_at": session.expires_at // 1000,
        "user_agent": session.user_agent or None,
        "address": session.ip_address or None,
        "current": session.id == current.id,
    }


def _refused(reason: Refused) -> OAuthError:
    return OAuthError("invalid_grant", _REASONS.get(reason, "token: it is unknown, expired or revoked"))
