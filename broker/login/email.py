"""Signing in and signing up with a mail address and a password."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from broker import audit
from broker.accounts.accounts import Account, Credential, check_image, check_name, new_id, normalise_email
from broker.accounts.hashing_queue import Asker
from broker.accounts.passwords import HashingBusy, PasswordTooLong, Verdict, check_new_password, is_too_long
from broker.errors import APIError
from broker.oauth.clients import Client
from broker.sessions.session import PASSWORD, Caller, Identity, Opened, open_session
from broker.state import Broker
from edge.http.client_address import bucket

NOBODY: Final = "0" * 32
"""Stands for the id of an unknown address, so that it costs the same look-ups."""


@dataclass(frozen=True, slots=True)
class Proved:
    account: Account
    identity: Identity


@dataclass(frozen=True, slots=True)
class SignedIn:
    account: Account
    opened: Opened


async def sign_in(
    broker: Broker, client: Client, caller: Caller, *, email: str, password: str, remember: bool
) -> SignedIn:
    """As `prove`, and opens a session."""
    proved = await prove(broker, client, caller, email=email, password=password)
    return await _open(broker, client, caller, proved, remember)


async def prove(broker: Broker, client: Client, caller: Caller, *, email: str, password: str) -> Proved:
    """Raises APIError 401 for a wrong password and, in the same words and time, for an unknown address."""
    _require_hashable(password)
    address = normalise_email(email)
    await broker.rates.admit(caller.address, address)
    found = await broker.accounts.by_email(address)
    sub = NOBODY if found is None else found.account.id
    # The generation is read before the hash that is compared, so that a password that is changed in between
    # opens nothing: either the new hash is read, or the generation has changed.
    generation = await broker.sessions.generation(sub, client.id)
    credential = await broker.accounts.by_id(sub)
    stored = None if credential is None else credential.password_hash
    verdict = await broker.passwords.verify(password, stored, _asker(caller, address))
    if credential is None or not verdict.ok:
        await broker.rates.failed(caller.address, address)
        audit.record(audit.SIGN_IN_FAILED, client=client.id, sub=sub, address=caller.address)
        raise APIError(401, "INVALID_EMAIL_OR_PASSWORD", "Invalid email or password")
    _require_welcome(broker, client, caller, credential.account)
    await _rehash(broker, caller, credential, password, verdict)
    return _proved(credential.account, client, generation)


def _require_welcome(broker: Broker, client: Client, caller: Caller, account: Account) -> None:
    """Raises APIError 403 for a banned reader, and for one of whom Better Auth asks a second factor."""
    if account.is_banned(_utc(broker)):
        refusal = APIError(403, "BANNED_USER", "You have been banned from this application")
    elif account.two_factor:
        refusal = APIError(
            403, "TWO_FACTOR_REQUIRED", "This account needs a second factor, which is not supported"
        )
    else:
        return
    audit.record(
        audit.SIGN_IN_FAILED, client=client.id, sub=account.id, address=caller.address, reason=refusal.code
    )
    raise refusal


async def sign_up(
    broker: Broker,
    client: Client,
    caller: Caller,
    *,
    name: str,
    email: str,
    password: str,
    image: str | None,
    remember: bool,
) -> SignedIn:
    """As `make_account`, and opens a session."""
    made = await make_account(broker, client, caller, name=name, email=email, password=password, image=image)
    return await _open(broker, client, caller, made, remember)


async def make_account(
    broker: Broker,
    client: Client,
    caller: Caller,
    *,
    name: str,
    email: str,
    password: str,
    image: str | None,
) -> Proved:
    """Raises APIError 400 when sign-up is closed or a value is refused, 422 when the address is taken."""
    if not broker.config.sign_up:
        raise APIError(400, "EMAIL_PASSWORD_SIGN_UP_DISABLED", "Email and password sign up is not enabled")
    now = _utc(broker)
    account = Account(
        id=new_id(),
        name=check_name(name),
        email=normalise_email(email),
        email_verified=False,
        image=None if image is None else check_image(image),
        created_at=now,
        updated_at=now,
    )
    normalised = check_new_password(password)
    await broker.rates.sign_up(caller.address)
    hashed = await broker.passwords.hash(normalised, _asker(caller, account.email))
    made = await broker.accounts.create(account, hashed)
    if made is None:
        raise APIError(
            422,
            "USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL",
            "User already exists. Use another email.",
        )
    audit.record(audit.SIGNED_UP, client=client.id, sub=made.id, address=caller.address)
    return _proved(made, client, await broker.sessions.generation(made.id, client.id))


async def check_password(broker: Broker, caller: Caller, credential: Credential, password: str) -> bool:
    """Return True if a signed-in reader knows their password; it is counted as a sign-in is.

    Raises PasswordTooLong, Problem 429.
    """
    _require_hashable(password)
    await broker.rates.admit(caller.address, credential.account.email)
    verdict = await broker.passwords.verify(
        password, credential.password_hash, _asker(caller, credential.account.email)
    )
    if not verdict.ok:
        await broker.rates.failed(caller.address, credential.account.email)
    return verdict.ok


def _require_hashable(password: str) -> None:
    if is_too_long(password):
        raise PasswordTooLong("Password too long")


async def hash_password(broker: Broker, caller: Caller, credential: Credential, normalised: str) -> str:
    """Hash a new password. Raises HashingBusy."""
    return await broker.passwords.hash(normalised, _asker(caller, credential.account.email))


def _asker(caller: Caller, email: str) -> Asker:
    return Asker(bucket(caller.address), email)


def _proved(account: Account, client: Client, generation: str) -> Proved:
    return Proved(account, Identity(account.id, account.tier or client.tier, PASSWORD, generation))


async def _open(broker: Broker, client: Client, caller: Caller, proved: Proved, remember: bool) -> SignedIn:
    opened = await open_session(broker.sessions, proved.identity, client, caller, remember=remember)
    if opened is None:
        raise APIError(401, "FAILED_TO_CREATE_SESSION", "Failed to create session")
    audit.signed_in(opened.session)
    return SignedIn(proved.account, opened)


async def _rehash(
    broker: Broker, caller: Caller, credential: Credential, password: str, verdict: Verdict
) -> None:
    stored = credential.password_hash
    if stored is None or not verdict.needs_rehash or not broker.config.own_database:
        return
    # A sign-in must not fail because a better hash cannot be made now; the next one tries again.
    with suppress(HashingBusy):
        new_hash = await broker.passwords.rehash(password, _asker(caller, credential.account.email))
        await broker.accounts.replace_password(
            credential.account.id, old_hash=stored, new_hash=new_hash, now=_utc(broker)
        )


def _utc(broker: Broker) -> datetime:
    return datetime.fromtimestamp(broker.now(), UTC)
