"""/sign-up/email, /sign-in/email, /sign-in/anonymous, /sign-out."""

from typing import Final

from starlette.responses import Response

from broker import audit
from broker.credentials import Current, session_cookie
from broker.endpoints.better_auth import views
from broker.endpoints.better_auth.bodies import CALLBACK_URL, Member
from broker.endpoints.better_auth.pipeline import Call, Endpoint
from broker.endpoints.session_cookies import without_session
from broker.errors import APIError
from broker.login import anonymous, email
from broker.revocation import revoke_session

REMEMBER: Final = Member("rememberMe", "boolean")


async def sign_up_email(call: Call) -> Response:
    client = call.client()
    previous = await call.previous_session()
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
    return views.opened(call.broker, done.opened, views.user(done.account))


async def sign_in_email(call: Call) -> Response:
    url: str | None = call.body.get("callbackURL")
    client = call.client()
    previous = await call.previous_session()
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
    # Better Auth answers 200 all the same: its client follows `url` by itself.
    response = views.opened(call.broker, done.opened, shown, redirect=bool(url), url=url)
    if url:
        response.headers["Location"] = url
    return response


async def sign_in_anonymous(call: Call) -> Response:
    client = call.client()
    previous = await call.previous_session()
    if previous is not None and previous.session.is_guest:
        raise APIError(
            400,
            "ANONYMOUS_USERS_CANNOT_SIGN_IN_AGAIN_ANONYMOUSLY",
            "Anonymous users cannot sign in again anonymously",
        )
    opened = await anonymous.sign_in(call.broker, client, call.caller)
    await _end(call, previous)
    return views.opened(call.broker, opened, views.guest(opened.session))


async def sign_out(call: Call) -> Response:
    present = await call.find_session(slide=False)
    if present is not None:
        await call.broker.sessions.revoke(present.session.sub, present.session.id)
        audit.record(audit.SIGNED_OUT, sub=present.session.sub, sid=present.session.id)
    elif (token := session_cookie(call.broker, call.request.headers)) is not None:
        await call.broker.sessions.revoke_named(token)
    return without_session(views.answer({"success": True}), call.broker)


async def _end(call: Call, previous: Current | None) -> None:
    # A session that the browser had before is not left behind: it may be one that somebody else planted.
    if previous is not None:
        await revoke_session(call.broker.sessions, previous.session.sub, previous.session.id, by="sign_in")


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
