"""A whole sign-in as the widget does it: the authorization code flow with PKCE and DPoP, on the broker's own
page; or a guest's beginning."""

import secrets
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qs, urlencode, urlsplit

from chatgate.doctor.client import Answer, Client, Unreachable
from chatgate.doctor.findings import Finding, found
from chatgate.doctor.pages.callback import AUTHORIZE, parameters
from chatgate.doctor.pages.options import Options
from chatgate.doctor.readers.prover import Prover, blames_clock
from chatgate.doctor.services.headers import FORM, TOKEN
from chatgate.doctor.services.service import Service, unreachable

GUEST_GRANT: Final = "urn:chatgate:params:oauth:grant-type:guest"
REVOKE: Final = "/oauth2/revoke"
_WITH_CODE: Final = "Signing in"
_AS_GUEST: Final = "Beginning as a guest"


@dataclass(frozen=True, slots=True)
class Account:
    email: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Tokens:
    access: str = field(repr=False)
    refresh: str = field(repr=False)


class Failed(Exception):
    """The sign-in, or a step after it, failed."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.code)
        self.finding = finding


async def sign_in(prover: Prover, broker: Service, widget: Options, account: Account | None) -> Tokens:
    """The tokens of the account, or of a new guest. Raises Failed."""
    try:
        if account is None:
            form = {"grant_type": GUEST_GRANT}
            return _tokens(await _exchange(prover, broker, widget, form), _AS_GUEST)
        verifier = secrets.token_urlsafe(40)
        code = await _code(prover, broker, widget, account, verifier)
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": widget.callback,
            "code_verifier": verifier,
        }
        return _tokens(await _exchange(prover, broker, widget, form), _WITH_CODE)
    except Unreachable as error:
        raise Failed(unreachable(broker, error)) from None


async def sign_out(client: Client, broker: Service, widget: Options, origin: str, tokens: Tokens) -> None:
    """End the session that was made. Raises Failed."""
    form = {"client_id": widget.client_id, "token": tokens.refresh}
    headers = {"Origin": origin, "Content-Type": FORM}
    try:
        answer = await client.send("POST", broker.url + REVOKE, headers, urlencode(form).encode())
    except Unreachable as error:
        raise Failed(unreachable(broker, error)) from None
    if answer.status != 200:
        what = f"Signing out is answered with {answer.status} {answer.code}."
        mend = "The broker's log, by the request id " + answer.headers.get("X-Request-Id", "(none came)")
        raise Failed(found("sign_in_failed", what, mend))


async def _code(prover: Prover, broker: Service, widget: Options, account: Account, verifier: str) -> str:
    client, state = prover.client, secrets.token_urlsafe(24)
    asked = parameters(widget.client_id, widget.callback, state, verifier)
    asked["dpop_jkt"] = prover.key.thumbprint
    begun = await client.send("GET", f"{broker.url}{AUTHORIZE}?{urlencode(asked)}")
    login = begun.location
    # The password goes to this broker and nowhere else, even if a redirect leads elsewhere.
    if login is None or not login.startswith(f"{broker.url}/login?"):
        raise Failed(_failed(_WITH_CODE, begun, "and does not lead to the broker's sign-in page"))
    fields = urlencode({"email": account.email, "password": account.password}).encode()
    shown = await client.send("POST", login, {"Origin": broker.url, "Content-Type": FORM}, fields)
    _judge_form(shown)
    answer = parse_qs(urlsplit(shown.location or "").query)
    got = {name: values[0] for name, values in answer.items()}
    is_ours = (shown.location or "").startswith(f"{widget.callback}?") and got.get("state") == state
    if not is_ours or got.get("iss") != broker.own_address or "code" not in got:
        raise Failed(_failed(_WITH_CODE, shown, "and does not lead back to the callback page with a code"))
    return got["code"]


def _judge_form(shown: Answer) -> None:
    """Raises Failed unless the form led on."""
    if shown.location is not None:
        return
    if shown.status == 401:
        what = "The broker does not take this account's password."
        raise Failed(found("sign_in_refused", what, "--account and its password: `chatgate users list`."))
    if shown.status == 403:
        what = "The account is banned, or the form's Origin does not arrive as the browser sends it."
        mend = "`chatgate users unban`, or pass Origin on as it is in the reverse proxy."
        raise Failed(found("sign_in_refused", what, mend))
    raise Failed(_failed(_WITH_CODE, shown, "and not with the way back to the site"))


async def _exchange(prover: Prover, broker: Service, widget: Options, form: dict[str, str]) -> Answer:
    body = urlencode({"client_id": widget.client_id, **form}).encode()
    return await prover.send("POST", broker.url + TOKEN, {"Content-Type": FORM}, body)


def _tokens(answer: Answer, what: str) -> Tokens:
    if blames_clock(answer):
        told = "The broker refuses the time of every proof, by its own Date as well."
        mend = (
            "timedatectl set-ntp true on the broker's machine; or the reverse proxy's rule that writes Date."
        )
        raise Failed(found("clock_off", told, mend))
    if answer.code == "unauthorized_client" and what == _AS_GUEST:
        told = "The broker lets no guest of this site in."
        raise Failed(found("guests_refused", told, "guests = true in the site's table of chatgate.toml."))
    members = answer.json()
    access, refresh = members.get("access_token"), members.get("refresh_token")
    if answer.status != 200 or not isinstance(access, str) or not isinstance(refresh, str):
        raise Failed(_failed(what, answer, f"{answer.code} {answer.detail}".strip()))
    if str(members.get("token_type")).lower() != "dpop":
        told = "The broker gave a token that is not bound to the key of the proof that was sent."
        raise Failed(found("token_unbound", told, "Let the reverse proxy pass the header DPoP on."))
    return Tokens(access, refresh)


def _failed(what: str, answer: Answer, how: str) -> Finding:
    told = f"{what}: {answer.url.partition('?')[0]} answers {answer.status} {how}."
    if answer.status == 429:
        wait = answer.headers.get("Retry-After", "some")
        return found("limit_reached", told, f"Wait {wait} s, and run this again.")
    mend = f"The broker's log, by the request id {answer.headers.get('X-Request-Id', '(none came)')}."
    return found("sign_in_failed", told, mend)
