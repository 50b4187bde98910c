"""/get-session, /list-sessions, /revoke-session, /revoke-sessions, /revoke-other-sessions.

A site lists and ends the sessions that were made for it, and no other of the same account
(docs/decisions/0014).
"""

from typing import Final

from starlette.responses import Response

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
from broker.sessions import cookies, revocation
from broker.sessions.session import SID


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
    found = await call.broker.sessions.by_user(current.session.sub, client=current.session.client)
    # The handle for every session: a list must not reveal another device's credential.
    body = [views.session(one, one.id) for one in found]
    return with_slid_session(views.answer(body), call.broker, current)


async def revoke_session(call: Call) -> Response:
    """`token` is the handle of list-sessions or a raw token; a session that is not the caller's, or is
    of another site, stays as it is."""
    current = await call.session()
    sub, client, named = current.session.sub, current.session.client, call.body["token"]
    sid = named
    if cookies.TOKEN.fullmatch(named):
        meant = await call.broker.sessions.by_token(named, slide=False)
        sid = meant.id if meant is not None and meant.sub == sub else ""
    if SID.fullmatch(sid):
        sessions, by = call.broker.sessions, current.session.id
        await revocation.revoke_session(sessions, sub, sid, by=by, client=client)
    return views.answer({"status": True})


async def revoke_sessions(call: Call) -> Response:
    session = (await call.session()).session
    await revocation.revoke_all(call.broker.sessions, session.sub, by=session.id, client=session.client)
    return without_session(views.answer({"status": True}), call.broker)


async def revoke_other_sessions(call: Call) -> Response:
    session = (await call.session()).session
    await revocation.revoke_all(
        call.broker.sessions, session.sub, by=session.id, client=session.client, keep=session.id
    )
    return views.answer({"status": True})


ENDPOINTS: Final = (
    Endpoint("GET", "/get-session", get_session),
    Endpoint("GET", "/list-sessions", list_sessions),
    Endpoint("POST", "/revoke-session", revoke_session, (Member("token", required=True),)),
    Endpoint("POST", "/revoke-sessions", revoke_sessions),
    Endpoint("POST", "/revoke-other-sessions", revoke_other_sessions),
)
