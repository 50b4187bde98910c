"""/get-session, /list-sessions, /revoke-session, /revoke-sessions, /revoke-other-sessions."""

from typing import Final

from starlette.responses import Response

from broker import cookies, revocation
from broker.endpoints.better_auth import views
from broker.endpoints.better_auth.bodies import Member
from broker.endpoints.better_auth.pipeline import Call, Endpoint
from broker.endpoints.session_cookies import (
    shown_token,
    with_slid_session,
    without_dead_session,
    without_session,
)
from broker.errors import APIError
from broker.sessions import SID


async def get_session(call: Call) -> Response:
    slide = call.request.query_params.get("disableRefresh") != "true"
    current = await call.find_session(slide=slide)
    shown = None if current is None else await views.user_of(call.broker, current.session)
    if current is None or shown is None:
        return without_dead_session(views.answer(None), call.broker, call.request.headers)
    token = shown_token(call.broker, current.session, current.token)
    body = {"session": views.session(current.session, token), "user": shown}
    return with_slid_session(views.answer(body), call.broker, current)


async def list_sessions(call: Call) -> Response:
    current = await call.session()
    if not current.session.is_fresh(call.broker.now() * 1000):
        raise APIError(403, "SESSION_NOT_FRESH", "Session is not fresh")
    found = await call.broker.sessions.by_user(current.session.sub)
    # The handle, for every one of them: a list is no place for another device's credential.
    body = [views.session(one, one.id) for one in found]
    return with_slid_session(views.answer(body), call.broker, current)


async def revoke_session(call: Call) -> Response:
    """`token` is the handle of list-sessions or a raw token; one that is not the caller's changes nothing."""
    current = await call.session()
    sub, named = current.session.sub, call.body["token"]
    sid = named
    if cookies.TOKEN.fullmatch(named):
        meant = await call.broker.sessions.by_token(named, slide=False)
        sid = meant.id if meant is not None and meant.sub == sub else ""
    if SID.fullmatch(sid):
        await revocation.revoke_session(call.broker.sessions, sub, sid, by=current.session.id)
    return views.answer({"status": True})


async def revoke_sessions(call: Call) -> Response:
    current = await call.session()
    await revocation.revoke_all(call.broker.sessions, current.session.sub, by=current.session.id)
    return without_session(views.answer({"status": True}), call.broker)


async def revoke_other_sessions(call: Call) -> Response:
    current = await call.session()
    sub, sid = current.session.sub, current.session.id
    await revocation.revoke_all(call.broker.sessions, sub, by=sid, keep=sid)
    return views.answer({"status": True})


ENDPOINTS: Final = (
    Endpoint("GET", "/get-session", get_session),
    Endpoint("GET", "/list-sessions", list_sessions),
    Endpoint("POST", "/revoke-session", revoke_session, (Member("token", required=True),)),
    Endpoint("POST", "/revoke-sessions", revoke_sessions),
    Endpoint("POST", "/revoke-other-sessions", revoke_other_sessions),
)
