"""/sign-up/email, /sign-in/email, /sign-in/anonymous, /sign-out."""

from collections.abc import Sequence
from typing import Final

from starlette.responses import Response

from broker import audit
from broker.endpoints.better_auth import views
from broker.endpoints.better_auth.bodies import CALLBACK_URL, Member
from broker.endpoints.better_auth.pipeline import Call, Endpoint
from broker.endpoints.session_cookies import without_planted, without_session
from broker.errors import APIError
from broker.login import anonymous, email
from broker.sessions.current import MAX_SESSIONS, Current, session_cookies
from broker.sessions.revocation import revoke_session

REMEMBER: Final = Member("rememberMe", "boolean")


async def sign_up_email(call: Call) -> Response:
    client = call.client()
    previous = await call.previous_sessions()
    done = await email.sign_up(
        call.broker,
        client,
        call.caller,
        name=call.body["name"],
        email=call.body["email"],
        password=call.body["password"],
        image=call.body.get("image"),
        remember=call.body.get("rememberMe", True),
    )
    await _end(call, previous)
    response = views.opened(call.broker, done.opened, views.user(done.account))
    return without_planted(response, call.broker, call.request.headers)


async def sign_in_email(call: Call) -> Response:
    url: str | None = call.body.get("callbackURL")
    client = call.client()
    previous = await call.previous_sessions()
    done = await email.sign_in(
        call.broker,
        client,
        call.caller,
        email=call.body["email"],
        password=call.body["password"],
        remember=call.body.get("rememberMe", True),
    )
    await _end(call, previous)
    shown = views.user(done.account)
    # Better Auth answers 200 here too: its client follows `url` by itself.
    response = views.opened(call.broker, done.opened, shown, redirect=bool(url), url=url)
    if url:
        response.headers["Location"] = url
    return without_planted(response, call.broker, call.request.headers)


async def sign_in_anonymous(call: Call) -> Response:
    client = call.client()
    previous = await call.previous_sessions()
    if len(previous) == 1 and previous[0].session.is_guest:
        raise APIError(
            400,
            "ANONYMOUS_USERS_CANNOT_SIGN_IN_AGAIN_ANONYMOUSLY",
            "Anonymous users cannot sign in again anonymously",
        )
    opened = await anonymous.sign_in(call.broker, client, call.caller)
    await _end(call, previous)
    response = views.opened(call.broker, opened, views.guest(opened.session))
    return without_planted(response, call.broker, call.request.headers)


async def sign_out(call: Call) -> Response:
    broker, headers = call.broker, call.request.headers
    living = await call.own_sessions()
    for one in living:
        await broker.sessions.revoke(one.session.sub, one.session.id)
        audit.record(audit.SIGNED_OUT, sub=one.session.sub, sid=one.session.id)
    if not living:
        for token in session_cookies(broker, headers)[:MAX_SESSIONS]:
            await broker.sessions.revoke_named(token)
    return without_planted(without_session(views.answer({"success": True}), broker), broker, headers)


async def _end(call: Call, previous: Sequence[Current]) -> None:
    # The browser's earlier session is ended: an attacker may have planted it.
    for one in previous:
        await revoke_session(call.broker.sessions, one.session.sub, one.session.id, by="sign_in")


ENDPOINTS: Final = (
    Endpoint(
        "POST",
        "/sign-up/email",
        sign_up_email,
        (
            Member("name", required=True),
            Member("email", "email", required=True),
            Member("password", "nonempty", required=True),
            Member("image"),
            CALLBACK_URL,
            REMEMBER,
        ),
        form=True,
        signs_in=True,
    ),
    Endpoint(
        "POST",
        "/sign-in/email",
        sign_in_email,
        (Member("email", required=True), Member("password", required=True), CALLBACK_URL, REMEMBER),
        form=True,
        signs_in=True,
    ),
    Endpoint("POST", "/sign-in/anonymous", sign_in_anonymous, signs_in=True),
    Endpoint("POST", "/sign-out", sign_out),
)
