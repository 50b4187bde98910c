"""`chatgate keys`: the ring of signing keys, changed in order or in an emergency."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from broker.config import resolve
from broker.signing.keyring import KeyCipher, UnreadableKey
from broker.signing.operations import KeyChanges, NoRing, Rotated
from broker.signing.record import RETIRING_MS, SealedKey, TooYoung
from broker.storage.key_ring import RedisKeyStore
from chatgate import tables
from chatgate.environment import Environment, standing
from chatgate.faults import Fault
from chatgate.records import run, store_of

MENDS: Final = (
    "A key that is not readable was encrypted under a secret that this configuration does not have. Put that "
    "secret into broker.previous_secrets, or do without the key: `chatgate keys retire --unreadable`."
)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Signing keys: list them, rotate, retire one in an emergency.",
)


@app.command("list")
def show() -> None:
    """The keys that may verify: the one that signs, the next one, and those that retire."""
    around = standing()
    keys, unreadable = run(around, _listed(around))
    rows = (
        (
            key.kid,
            key.alg,
            key.state if key.until is None else f"retiring until {_time(key.until)}",
            _time(key.since),
            key.fingerprint,
            "no" if key.kid in unreadable else "yes",
        )
        for key in keys
    )
    tables.show(("kid", "algorithm", "state (UTC)", "published since (UTC)", "secret", "readable"), rows)
    if unreadable:
        typer.echo(MENDS, err=True)


@app.command()
def rotate(
    wait: Annotated[bool, typer.Option("--wait", help="Wait until the next key may sign.")] = False,
) -> None:
    """Sign with the next key from now on. The old one verifies until its last token is dead."""
    around = standing()
    done = run(around, _rotate(around, wait))
    typer.echo(
        f"{done.current} signs. {done.retiring} verifies for {RETIRING_MS // 1000} s more, and then goes. "
        f"{done.following} is next."
    )


@app.command()
def retire(
    kids: Annotated[
        list[str] | None, typer.Argument(metavar="KID", help="As `chatgate keys list` names them.")
    ] = None,
    unreadable: Annotated[
        bool, typer.Option("--unreadable", help="Every key that no configured secret opens.")
    ] = False,
) -> None:
    """Take keys out at once: every token that they signed is refused, and what it is doing is cut off."""
    if bool(kids) == unreadable:
        raise Fault("Say which keys: their KIDs, or --unreadable.")
    around = standing()
    gone = run(around, _retire(around, kids or []))
    if not gone:
        raise Fault("Every key is readable with the configured secrets, so none was retired.")
    typer.echo(f"Retired {', '.join(key.kid for key in gone)}. The tokens that they signed are refused.")


@asynccontextmanager
async def _changes(around: Environment) -> AsyncIterator[KeyChanges]:
    """The operations on the ring. Raises Fault when the ring is missing or cannot be read."""
    cipher = KeyCipher(resolve(around.settings).secrets)
    try:
        async with store_of(around) as store:
            yield KeyChanges(RedisKeyStore(store), cipher)
    except NoRing:
        raise Fault("There are no signing keys yet: the first broker that runs makes them.") from None
    except UnreadableKey as error:
        raise Fault(f"Nothing was changed: {error}.") from None


async def _listed(around: Environment) -> tuple[tuple[SealedKey, ...], set[str]]:
    async with _changes(around) as changes:
        keys = (await changes.ring()).keys
        return keys, {key.kid for key in keys if not changes.is_readable(key)}


async def _rotate(around: Environment, wait: bool) -> Rotated:
    async with _changes(around) as changes:
        while isinstance(done := await changes.rotate(), TooYoung):
            if not wait:
                seconds = -(-done.wait_ms // 1000)
                raise Fault(
                    "The next key has not been published for long enough for every verifier to know it. "
                    f"Rotate in {seconds} s, or with --wait."
                )
            await asyncio.sleep(done.wait_ms / 1000)
        return done


async def _retire(around: Environment, kids: list[str]) -> tuple[SealedKey, ...]:
    """Retire the keys of `kids`; without any, the keys that cannot be read."""
    async with _changes(around) as changes:
        missing = set(kids) - {key.kid for key in (await changes.ring()).keys}
        if missing:
            raise Fault(
                f"There is no key {', '.join(sorted(missing))}, and nothing was retired. "
                "`chatgate keys list` shows those that there are."
            )
        return await changes.retire(lambda key: key.kid in kids if kids else not changes.is_readable(key))


def _time(milliseconds: int) -> str:
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M:%S}"
