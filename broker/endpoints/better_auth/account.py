"""/update-user, /change-password, /delete-user."""

from datetime import UTC, datetime
from typing import Final

from starlette.responses import Response

from broker import audit
from broker.accounts.accounts import UNSET, Credential, check_image, check_name
from broker.accounts.passwords import check_new_password
from broker.endpoints.better_auth import views
from broker.endpoints.better_auth.bodies import CALLBACK_URL, Member
from broker.endpoints.better_auth.pipeline import Call, Endpoint
from broker.endpoints.session_cookies import with_session, without_session
from broker.errors import APIError, Unauthorized
from broker.login.email import check_password, hash_password
from broker.sessions.current import Current
from broker.sessions.revocation import revoke_all
from broker.sessions.session import PASSWORD, Identity, open_session


async def update_user(call: Call) -> Response:
    current = await call.session()
    if call.body.get("email"):
        raise APIError(400, "EMAIL_CAN_NOT_BE_UPDATED", "Email can not be updated")
    if not call.body.keys() & {"name", "image"}:
        raise APIError(400, "NO_FIELDS_TO_UPDATE", "No fields to update")
    name, image = call.body.get("name"), call.body.get("image", UNSET)
    await call.broker.rates.profile(current.session.sub)
    changed = await call.broker.accounts.update_profile(
        current.session.sub,
        # As in Better Auth, null is no name and leaves the present one.
        name=None if name is None else check_name(name),
        image=check_image(image) if isinstance(image, str) else image,
        now=_now(call),
    )
    if changed is None:
        raise APIError(400, "FAILED_TO_UPDATE_USER", "Failed to update user")
    response = views.answer({"status": True})
    return with_session(response, call.broker, current.session, current.token)


async def change_password(call: Call) -> Response:
    current = await call.session()
    sub, client, sessions = current.session.sub, current.session.client, call.broker.sessions
    # Read before the account: a ban, a deletion or a sign-out from here on raises the generation, and then
    # nothing is changed and no session made.
    generation = await sessions.generation(sub, client)
    credential = await _credential(call, current)
    normalised = check_new_password(call.body["newPassword"])
    if credential.password_hash is None:
        raise APIError(400, "CREDENTIAL_ACCOUNT_NOT_FOUND", "Credential account not found")
    await _require_password(call, credential, call.body["currentPassword"])
    new_hash = await hash_password(call.broker, call.caller, credential, normalised)
    # Raised before as well as after the change: if sessions cannot be revoked the password is not changed
    # either, and a sign-in with the old password that is still under way creates nothing.
    generation = _raised(await sessions.raise_generation(sub, client, generation))
    if not await call.broker.accounts.replace_password(
        sub, old_hash=credential.password_hash, new_hash=new_hash, now=_now(call)
    ):
        raise APIError(400, "INVALID_PASSWORD", "Invalid password")
    audit.record(audit.PASSWORD_CHANGED, sub=sub, by=current.session.id)
    generation = _raised(await sessions.raise_generation(sub, client, generation))
    if not call.body.get("revokeOtherSessions", False):
        return views.answer({"token": None, "user": views.user(credential.account)})
    return await _start_anew(call, current, credential, generation)


def _raised(generation: str | None) -> str:
    if generation is None:
        raise Unauthorized
    return generation


async def _start_anew(call: Call, current: Current, credential: Credential, generation: str) -> Response:
    session, broker = current.session, call.broker
    opened = await open_session(
        broker.sessions,
        Identity(session.sub, session.tier, PASSWORD, generation),
        broker.config.clients.choose(session.client, None),
        call.caller,
        remember=session.remember,
    )
    if opened is None:
        raise Unauthorized
    # The new session is made first, so that a request that ends all sessions meanwhile ends it too.
    await revoke_all(broker.sessions, session.sub, by=session.id, keep=opened.session.id)
    return views.opened(broker, opened, views.user(credential.account))


async def delete_user(call: Call) -> Response:
    current = await call.session()
    if not call.broker.config.own_database:
        # The account is the site's: its server may not let readers delete theirs, or has to clean up.
        raise APIError(404, "NOT_FOUND", "Not found")
    sub, password = current.session.sub, call.body.get("password")
    if password is not None:
        await _require_password(call, await _credential(call, current), password)
    elif not current.session.is_fresh(call.broker.now() * 1000):
        raise APIError(400, "SESSION_EXPIRED", "Session expired. Re-authenticate to perform this action.")
    # Twice, as for a password: a user whose sessions cannot be ended is not deleted, and a sign-in that was
    # under way during the deletion is ended with it. In between no session can ask a question, so no new
    # conversation appears after `forget`.
    await revoke_all(call.broker.sessions, sub, by=current.session.id)
    await call.broker.readers.forget(sub)
    await call.broker.accounts.delete(sub)
    await revoke_all(call.broker.sessions, sub, by=current.session.id)
    audit.record(audit.USER_DELETED, sub=sub, by=current.session.id)
    body = {"success": True, "message": "User deleted"}
    return without_session(views.answer(body), call.broker)


async def _credential(call: Call, current: Current) -> Credential:
    found = await call.broker.accounts.by_id(current.session.sub)
    if found is None:
        raise APIError(400, "CREDENTIAL_ACCOUNT_NOT_FOUND", "Credential account not found")
    return found


async def _require_password(call: Call, credential: Credential, password: str) -> None:
    if not await check_password(call.broker, call.caller, credential, password):
        raise APIError(400, "INVALID_PASSWORD", "Invalid password")


def _now(call: Call) -> datetime:
    return datetime.fromtimestamp(call.broker.now(), UTC)


ENDPOINTS: Final = (
    Endpoint(
        "POST",
        "/update-user",
        update_user,
        (Member("name", nullable=True), Member("image", nullable=True), Member("email")),
    ),
    Endpoint(
        "POST",
        "/change-password",
        change_password,
        (
            Member("newPassword", required=True),
            Member("currentPassword", required=True),
            Member("revokeOtherSessions", "boolean"),
        ),
    ),
    Endpoint("POST", "/delete-user", delete_user, (Member("password"), Member("token"), CALLBACK_URL)),
)
