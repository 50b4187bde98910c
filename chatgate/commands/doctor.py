"""`chatgate doctor`: look at a deployed site from outside, and explain what is wrong."""

import asyncio
import os
import sys
import time
from importlib import metadata
from typing import Annotated, Final
from urllib.parse import urlsplit

import typer

from chatgate.doctor import report
from chatgate.doctor.addresses import is_loopback, origin_of
from chatgate.doctor.client import Client
from chatgate.doctor.examination import Asked, Report, examine
from chatgate.doctor.readers.sign_in import Account
from chatgate.faults import Fault

PASSWORD: Final = "CHATGATE_DOCTOR_PASSWORD"  # noqa: S105  the name of a variable
WITHIN: Final = 300.0
"""Seconds for the whole examination."""
MAX_ADDRESS: Final = 2048

app = typer.Typer(add_completion=False)


@app.command("doctor")
def examine_site(
    site: Annotated[str, typer.Option(metavar="URL", help="Address of the site, with its base URL.")],
    broker: Annotated[str | None, typer.Option(metavar="URL", help="In place of the widget's.")] = None,
    proxy: Annotated[str | None, typer.Option(metavar="URL", help="In place of the widget's.")] = None,
    account: Annotated[
        str | None, typer.Option(metavar="EMAIL", help="Sign in, and ask a question. Asks for the password.")
    ] = None,
    guest: Annotated[bool, typer.Option("--guest", help="Ask a question as a guest.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The report as JSON.")] = False,
) -> None:
    """Look at a deployed site from outside, as a reader's browser would, and explain what is wrong."""
    raise typer.Exit(run(site, broker, proxy, account, guest=guest, as_json=as_json))


def run(
    site: str, broker: str | None, proxy: str | None, account: str | None, *, guest: bool, as_json: bool
) -> int:
    """Print the report, and return the exit code: 1 for a fault. Raises typer.BadParameter."""
    if account is not None and guest:
        raise typer.BadParameter("give --account or --guest, not both")
    asked = Asked(
        _page_address(site),
        _service_address("--broker", broker),
        _service_address("--proxy", proxy),
        _account(account, broker) if account is not None else None,
        guest,
    )
    try:
        found = asyncio.run(_examined(asked))
    except TimeoutError:
        raise Fault(f"The examination took more than {WITHIN:.0f} s, and was given up.") from None
    print(report.as_json(found) if as_json else report.text(found))
    return 1 if found.has_fault else 0


async def _examined(asked: Asked) -> Report:
    agent = f"chatgate-doctor/{metadata.version('chatgate')}"
    async with Client(time.time, agent) as client, asyncio.timeout(WITHIN):
        return await examine(asked, client, time.monotonic)


def _account(email: str, broker: str | None) -> "Reader":
    if not 3 <= len(email) <= 320 or "@" not in email:
        raise typer.BadParameter("--account takes the address of an account")
    password = os.environ.get(PASSWORD)
    if password is not None and broker is None:
        # The page names the broker, and the page may be a stranger's.
        raise typer.BadParameter(f"with {PASSWORD} give --broker as well: the password is sent there alone")
    if password is None and not sys.stdin.isatty():
        raise typer.BadParameter(f"--account asks for the password in a terminal, or reads {PASSWORD}")
    return Reader(email, password)


class Reader:
    """The reader to sign in. A missing password is asked for once the broker that receives it is known."""

    def __init__(self, email: str, password: str | None) -> None:
        self._email = email
        self._password = password

    def __call__(self, broker: str) -> Account:
        password = self._password
        if password is None:
            prompt = f"Password of {self._email}, which is sent to {broker}"
            password = str(typer.prompt(prompt, hide_input=True, err=True))
        return Account(self._email, password)


def _page_address(site: str) -> str:
    try:
        origin_of(site)
    except ValueError as error:
        raise typer.BadParameter(f"--site: {error}, as https://owner.github.io/book/ is") from None
    if len(site) > MAX_ADDRESS:
        raise typer.BadParameter("--site: it is too long")
    return site.partition("#")[0] if urlsplit(site).path else f"{site}/"


def _service_address(option: str, address: str | None) -> str | None:
    if address is None:
        return None
    try:
        origin = origin_of(address)
    except ValueError as error:
        raise typer.BadParameter(f"{option}: {error}") from None
    if urlsplit(address).path not in ("", "/"):
        raise typer.BadParameter(f"{option}: give an origin and nothing more, as in https://auth.example.org")
    if origin.startswith("http://") and not is_loopback(origin):
        raise typer.BadParameter(f"{option}: use https; http is for an address of this machine")
    return origin
