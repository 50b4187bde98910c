"""`chatgate sessions`: who is signed in, and ending it."""

import re
from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from broker.sessions import Session
from broker.storage.cuts import RedisCuts
from broker.storage.redis import RedisSessions
from chatgate import tables
from chatgate.faults import Fault
from chatgate.records import account_id, accounts_of, run, sessions_ended, store_of
from chatgate.surroundings import Surroundings, here

_SUB: Final = re.compile(r"[A-Za-z0-9_-]{32,43}")
_SID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")

app = typer.Typer(no_args_is_help=True, help="Sessions: list those of a user, end one, some or all.")


@app.command("list")
def show(user: Annotated[str, typer.Argument(metavar="EMAIL|SUB")]) -> None:
    """The living sessions of a user, the oldest first."""
    around = here()
    sub, found = run(around, _of(around, user))
    # Beside the rows, which another program may read.
    typer.echo(f"user {sub}", err=True)
    rows = (
        (
            one.id,
            one.client,
            one.tier,
            one.proved_by,
            _time(one.created_at),
            _time(one.expires_at),
            one.ip_address,
            one.user_agent,
        )
        for one in found
    )
    header = ("session", "site", "tier", "proved by", "created (UTC)", "expires (UTC)", "address", "agent")
    tables.show(header, rows)


@app.command()
def revoke(
    user: Annotated[str | None, typer.Option(metavar="EMAIL|SUB", help="All sessions of a user.")] = None,
    session: Annotated[
        tuple[str, str] | None,
        typer.Option(metavar="EMAIL|SUB SESSION", help="One session, as `list` names it."),
    ] = None,
    client: Annotated[str | None, typer.Option(metavar="SITE", help="All sessions of a site.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All sessions of all users.")] = False,
) -> None:
    """End sessions; what they are doing is cut off, and their tokens are dead with them."""
    if sum((user is not None, session is not None, client is not None, everything)) != 1:
        raise Fault("Say which sessions: one of --user, --session, --client and --all.")
    around = here()
    if client is not None or everything:
        cut = run(around, _cut(around, client))
        typer.echo(
            f"Every session made until {_time(cut)} UTC {f'for {client} ' if client else ''}has ended."
        )
        return
    if user is not None:
        count = run(around, _end_user(around, user))
    elif session is not None:
        count = run(around, _end_one(around, *session))
    typer.echo(f"{sessions_ended(count)}.")


async def _of(around: Surroundings, user: str) -> tuple[str, list[Session]]:
    sub = await _sub(around, user)
    async with store_of(around) as store:
        return sub, await RedisSessions(store).by_user(sub)


async def _end_user(around: Surroundings, user: str) -> int:
    sub = await _sub(around, user)
    async with store_of(around) as store:
        return await RedisSessions(store).revoke_all(sub)


async def _end_one(around: Surroundings, user: str, sid: str) -> int:
    if not _SID.fullmatch(sid):
        raise Fault("--session takes the user and the session, as `chatgate sessions list` names them.")
    sub = await _sub(around, user)
    async with store_of(around) as store:
        if not await RedisSessions(store).revoke(sub, sid):
            raise Fault("That session was not alive. `chatgate sessions list` shows those that are.")
    return 1


async def _cut(around: Surroundings, client: str | None) -> int:
    sites = around.settings.sites
    if client is not None and client not in sites:
        raise Fault(f"There is no site {client}. The configuration has: {', '.join(sorted(sites))}.")
    async with store_of(around) as store:
        cuts = RedisCuts(store)
        cut = await (cuts.end_all() if client is None else cuts.end_client(client))
    if cut is None:
        raise Fault(
            "Redis keeps no cuts (cg:cut is missing), so every session is refused already. A running broker "
            "sets them again within a second or two; then repeat this."
        )
    return cut


async def _sub(around: Surroundings, user: str) -> str:
    """A user by address, or by the id that tokens and logs have; guests have no address."""
    if "@" not in user:
        if not _SUB.fullmatch(user):
            raise Fault(f"{user} is neither an address nor a user's id (32 to 43 letters and digits).")
        return user
    async with accounts_of(around) as accounts:
        return await account_id(accounts, user)


def _time(milliseconds: int) -> str:
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M:%S}"
