"""`chatgate users`: accounts by the broker's own rules, straight in its database."""

import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated

import typer

from broker.accounts.accounts import Account, Accounts, check_name, new_id, normalise_email
from broker.accounts.hashing_queue import Asker
from broker.accounts.password_hashes import Cost, scheme_for
from broker.accounts.passwords import PasswordRefused, Passwords, check_new_password
from broker.config import resolve
from broker.storage.readers import RedisReaders
from broker.storage.redis import RedisSessions
from chatgate import tables
from chatgate.environment import Environment, standing
from chatgate.faults import Fault
from chatgate.records import account_id, accounts_of, explained, run, sessions_ended, store_of

PAGE = 500

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Accounts: add, list, ban, unban, tier, delete."
)

Email = Annotated[str, typer.Argument(metavar="EMAIL")]
Change = Callable[[Accounts, str], Awaitable[bool]]


@app.command("add")
def add(
    email: Email,
    name: Annotated[
        str, typer.Option(help="Shown to the reader; the address's first part if left out.")
    ] = "",
    tier: Annotated[str | None, typer.Option(help="Limits of this account, instead of its site's.")] = None,
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password as one line from standard input.")
    ] = False,
) -> None:
    """Make an account; the password is asked for."""
    around = standing()
    _require_tier(around, tier)
    with explained(around):
        address = normalise_email(email)
        account = _new_account(address, check_name(name or address.partition("@")[0]), tier)
    password = _password(password_stdin)
    made = run(around, _create(around, account, password))
    if made is None:
        raise Fault(f"{address} has an account already. Another address, or `chatgate users delete` first.")
    typer.echo(f"Added {address} ({made.id}).")


@app.command("list")
def show() -> None:
    """Everybody who has an account."""
    around = standing()
    rows = (
        (
            one.email,
            one.name,
            one.tier or "",
            "banned" if one.is_banned(_now()) else "",
            f"{one.created_at:%Y-%m-%d %H:%M}",
            one.id,
        )
        for one in run(around, _everybody(around))
    )
    tables.show(("email", "name", "tier", "state", "created (UTC)", "id"), rows)


@app.command()
def ban(email: Email) -> None:
    """Refuse an account's sign-ins and end its sessions."""
    around = standing()
    ended = run(around, _change(around, email, lambda accounts, sub: accounts.set_banned(sub, True)))
    typer.echo(f"Banned {email}; {sessions_ended(ended)}.")


@app.command()
def unban(email: Email) -> None:
    """Let a banned account sign in again."""
    around = standing()
    run(around, _change(around, email, lambda accounts, sub: accounts.set_banned(sub, False)))
    if run(around, _is_banned(around, email)):
        raise Fault(f"The site's Better Auth server has banned {email} too. Lift that ban there.")
    typer.echo(f"{email} may sign in again.")


@app.command("tier")
def set_tier(
    email: Email,
    tier: Annotated[str | None, typer.Argument(metavar="[TIER]")] = None,
    clear: Annotated[bool, typer.Option("--clear", help="Back to the tier of the site.")] = False,
) -> None:
    """Give an account limits of its own. Its sessions end, as they carry the old ones."""
    if (tier is None) != clear:
        raise Fault("Name a tier, or give --clear for the tier of the site.")
    around = standing()
    _require_tier(around, tier)
    ended = run(around, _change(around, email, lambda accounts, sub: accounts.set_tier(sub, tier)))
    typer.echo(
        f"{email} has {f'the tier {tier}' if tier else 'the tier of its site'}; {sessions_ended(ended)}."
    )


@app.command()
def delete(
    email: Email, yes: Annotated[bool, typer.Option("--yes", help="Do not ask first.")] = False
) -> None:
    """Remove an account with its conversations, and end its sessions."""
    around = standing()
    if not resolve(around.settings).own_database:
        raise Fault(
            "The accounts are those of the site's Better Auth server: delete one there, and end its sessions "
            "here with `chatgate sessions revoke --user`. If no such server uses the database, set "
            "broker.own_database."
        )
    sub = run(around, _sub(around, email))
    if not yes and not typer.confirm(f"Delete {email} ({sub}) for good?"):
        raise Fault("Nothing was deleted.")
    ended = run(around, _change(around, email, lambda accounts, sub: accounts.delete(sub)))
    try:
        run(around, _forget(around, sub))
    except Fault as fault:
        raise Fault(
            f"The account is deleted and {sessions_ended(ended)}, but not all of its conversations are gone: "
            f"{fault}\nThey end by themselves within a day."
        ) from None
    typer.echo(f"Deleted {email}; {sessions_ended(ended)}.")


async def _create(around: Environment, account: Account, password: str) -> Account | None:
    scheme = scheme_for(own_database=resolve(around.settings).own_database)
    passwords = Passwords(Cost(), scheme=scheme)
    try:
        hashed = await passwords.hash(password, Asker())
    finally:
        passwords.close()
    async with accounts_of(around) as accounts:
        return await accounts.create(account, hashed)


async def _everybody(around: Environment) -> list[Account]:
    found: list[Account] = []
    async with accounts_of(around) as accounts:
        while page := await accounts.page(found[-1].email if found else "", PAGE):
            found += page
    return found


async def _sub(around: Environment, email: str) -> str:
    async with accounts_of(around) as accounts:
        return await account_id(accounts, email)


async def _is_banned(around: Environment, email: str) -> bool:
    async with accounts_of(around) as accounts:
        found = await accounts.by_email(normalise_email(email))
        return found is not None and found.account.is_banned(_now())


async def _change(around: Environment, email: str, change: Change) -> int:
    """Change an account and end its sessions; returns their number. The row is written first: a sign-in that
    is under way then meets either the changed row or the raised generation, and cannot use the old row."""
    async with accounts_of(around) as accounts, store_of(around) as store:
        sub = await account_id(accounts, email)
        sessions = RedisSessions(store)
        # A read before the first write, so that an absent Redis leaves no change half done.
        await sessions.generation(sub, "")
        if not await change(accounts, sub):
            raise Fault(f"{email} was deleted a moment ago by another command.")
        try:
            with explained(around):
                return await sessions.revoke_all(sub)
        except Fault as fault:
            raise Fault(
                f"The account is changed, but its sessions live on: {fault}\nThen end them with "
                f"`chatgate sessions revoke --user {sub}`."
            ) from None


async def _forget(around: Environment, sub: str) -> None:
    async with store_of(around) as store:
        await RedisReaders(store, around.settings.sites, around.settings.tiers).forget(sub)


def _now() -> datetime:
    return datetime.now(UTC)


def _new_account(email: str, name: str, tier: str | None) -> Account:
    now = _now()
    return Account(
        id=new_id(),
        name=name,
        email=email,
        email_verified=False,
        image=None,
        created_at=now,
        updated_at=now,
        tier=tier,
    )


def _password(from_stdin: bool) -> str:
    if from_stdin:
        raw = sys.stdin.readline().rstrip("\r\n")
    elif not sys.stdin.isatty():
        raise Fault(
            "There is no terminal to ask for the password: give it in a line of standard input, with "
            "--password-stdin."
        )
    else:
        raw = typer.prompt("Password", hide_input=True, confirmation_prompt="The same again")
    try:
        return check_new_password(raw)
    except PasswordRefused as refusal:
        raise Fault(f"{refusal}. Choose another; no account was made.") from None


def _require_tier(around: Environment, tier: str | None) -> None:
    tiers = around.settings.tiers
    if tier is not None and tier not in tiers:
        raise Fault(f"There is no tier {tier}. The configuration has: {', '.join(sorted(tiers))}.")
