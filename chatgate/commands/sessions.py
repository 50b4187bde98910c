"""`chatgate sessions`: list the sessions of a user, and end sessions or tokens."""

import re
from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from broker.oauth.mint import JTI
from broker.sessions.revocation import LONGEST_MARK
from broker.sessions.session import Session
from broker.storage.cuts import RedisCuts
from broker.storage.redis import RedisSessions
from chatgate import tables
from chatgate.environment import Environment, standing
from chatgate.faults import Fault
from chatgate.records import account_id, accounts_of, run, sessions_ended, store_of

_SUB: Final = re.compile(r"[A-Za-z0-9_-]{32,43}")
_SID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Sessions: list those of a user; end one, a user's, a site's, or all; end a token.",
)


@app.command("list")
def show(user: Annotated[str, typer.Argument(metavar="EMAIL|SUB")]) -> None:
    """The living sessions of a user, the oldest first."""
    around = standing()
    sub, found = run(around, _of(around, user))
    # On the standard error, because another program may read the rows.
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
    token: Annotated[
        tuple[str, str] | None,
        typer.Option(
            metavar="EMAIL|SUB JTI",
            help="One access token, as audit lines name it, and those narrowed down from it.",
        ),
    ] = None,
    session: Annotated[
        tuple[str, str] | None,
        typer.Option(metavar="EMAIL|SUB SESSION", help="One session, as `list` names it."),
    ] = None,
    others: Annotated[
        tuple[str, str] | None,
        typer.Option(metavar="EMAIL|SUB SESSION", help="All sessions of a user but this one."),
    ] = None,
    user: Annotated[str | None, typer.Option(metavar="EMAIL|SUB", help="All sessions of a user.")] = None,
    client: Annotated[str | None, typer.Option(metavar="SITE", help="All sessions of a site.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="All sessions of all users.")] = False,
) -> None:
    """End sessions, with what they are doing and all their tokens; or one token."""
    reaches = [one for one in (token, session, others, user, client) if one is not None]
    if len(reaches) + everything != 1:
        raise Fault("Say which: one of --token, --session, --others, --user, --client and --all.")
    around = standing()
    if token is not None:
        sub = run(around, _end_token(around, *token))
        typer.echo(f"The token {token[1]} of {sub} is refused from now on.")
    elif session is not None:
        typer.echo(f"{sessions_ended(run(around, _end_one(around, *session)))}.")
    elif others is not None:
        typer.echo(f"{sessions_ended(run(around, _end_others(around, *others)))}.")
    elif user is not None:
        typer.echo(f"{sessions_ended(run(around, _end_user(around, user)))}.")
    else:
        cut = run(around, _cut(around, client))
        typer.echo(
            f"Every session made until {_time(cut)} UTC {f'for {client} ' if client else ''}has ended."
        )


async def _of(around: Environment, user: str) -> tuple[str, list[Session]]:
    sub = await _sub(around, user)
    async with store_of(around) as store:
        return sub, await RedisSessions(store).by_user(sub)


async def _end_user(around: Environment, user: str) -> int:
    sub = await _sub(around, user)
    async with store_of(around) as store:
        return await RedisSessions(store).revoke_all(sub)


async def _end_one(around: Environment, user: str, sid: str) -> int:
    _require_sid("--session", sid)
    sub = await _sub(around, user)
    async with store_of(around) as store:
        if not await RedisSessions(store).revoke(sub, sid):
            raise Fault("That session was not alive. `chatgate sessions list` shows those that are.")
    return 1


async def _end_others(around: Environment, user: str, sid: str) -> int:
    _require_sid("--others", sid)
    sub = await _sub(around, user)
    async with store_of(around) as store:
        sessions = RedisSessions(store)
        # A mistyped session id would keep none and end them all.
        if await sessions.by_id(sub, sid) is None:
            raise Fault(
                "The session to keep is not alive, so nothing was ended. `chatgate sessions list` shows "
                "those that are; --user ends all."
            )
        return await sessions.revoke_all(sub, keep=sid)


async def _end_token(around: Environment, user: str, jti: str) -> str:
    """Revoke a token and return the user's id. No token is stored, so the command cannot tell whether this
    one exists."""
    if not JTI.fullmatch(jti):
        raise Fault("--token takes the user and the token, as `sub` and `jti` of audit lines name them.")
    sub = await _sub(around, user)
    async with store_of(around) as store:
        await RedisSessions(store).revoke_token(sub, jti, LONGEST_MARK)
    return sub


def _require_sid(option: str, sid: str) -> None:
    if not _SID.fullmatch(sid):
        raise Fault(f"{option} takes the user and the session, as `chatgate sessions list` names them.")


async def _cut(around: Environment, client: str | None) -> int:
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


async def _sub(around: Environment, user: str) -> str:
    """The id of a user who is named by address, or by the id in tokens and logs: guests have no address."""
    if "@" not in user:
        if not _SUB.fullmatch(user):
            raise Fault(f"{user} is neither an address nor a user's id (32 to 43 letters and digits).")
        return user
    async with accounts_of(around) as accounts:
        return await account_id(accounts, user)


def _time(milliseconds: int) -> str:
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M:%S}"
