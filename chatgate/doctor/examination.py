"""The order of the looks. A look that a fault has already doomed is left out, so that each cause is named
once."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from chatgate.doctor.addresses import origin_of
from chatgate.doctor.client import Client, Unreachable
from chatgate.doctor.findings import Finding, found
from chatgate.doctor.pages import callback, content_security_policy, page, third_parties
from chatgate.doctor.pages.options import Options
from chatgate.doctor.pages.page import Page
from chatgate.doctor.readers import sign_in, stream
from chatgate.doctor.readers.prover import Prover
from chatgate.doctor.readers.sign_in import Account, Failed
from chatgate.doctor.readers.stream import Times
from chatgate.doctor.services import body_limit, certificates, clocks, headers, metadata, origins
from chatgate.doctor.services.service import Service, unreachable

NO_READER: Final = "no --account and no --guest"


@dataclass(frozen=True, slots=True)
class Asked:
    """`broker` and `proxy` are looked at in place of the page's; None leaves the page's. `account` is called
    with the broker's address when a sign-in comes, and returns None where there is to be none."""

    site: str
    broker: str | None = None
    proxy: str | None = None
    account: Callable[[str], Account] | None = None
    guest: bool = False


@dataclass(slots=True)
class Report:
    """The result. `looks` has each look that was made, `skipped` the others with the reason."""

    site: str
    findings: list[Finding] = field(default_factory=list)
    widget: Options | None = None
    times: Times | None = None
    looks: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)

    @property
    def has_fault(self) -> bool:
        return any(one.severity == "fault" for one in self.findings)

    def add(self, look: str, findings: Iterable[Finding]) -> bool:
        """Note a look with what it found, each once. Return True if it found no fault."""
        listed = list(findings)
        self.looks.append(look)
        self.findings += [one for one in listed if one not in self.findings]
        return not any(one.severity == "fault" for one in listed)


async def examine(asked: Asked, client: Client, clock: Callable[[], float]) -> Report:
    """`clock` is monotonic seconds."""
    report = Report(asked.site)
    looked = await page.look(client, asked.site)
    report.add("page", looked.findings)
    widget = looked.widget and _instead(asked, looked.widget, report)
    if looked.page is not None and widget is None and asked.broker and asked.proxy:
        # The services can be looked at for the page's origin, although nothing on the page names them.
        widget = Options(asked.proxy, asked.broker, "", "", "better-auth", (), None)
    if looked.page is None or widget is None:
        report.skipped["everything else"] = "the page or its widget"
        return report
    report.widget = widget
    around = _Around(client, looked.page, widget, Service("chat proxy", widget.proxy))
    if widget.broker:
        around.broker = Service("broker", widget.broker)
    await _look_at_page(around, report)
    if await _look_at_services(around, report):
        await _look_as_reader(asked, around, report, clock)
    else:
        report.skipped["sign-in, question"] = "the faults of the services"
    return report


@dataclass(slots=True)
class _Around:
    """`broker` is None for a widget with `auth` none."""

    client: Client
    page: Page
    widget: Options
    proxy: Service
    broker: Service | None = None

    @property
    def services(self) -> list[Service]:
        return [one for one in (self.broker, self.proxy) if one is not None]


def _instead(asked: Asked, widget: Options, report: Report) -> Options:
    """The options with the addresses that were asked for in place of the page's."""
    for name, given, own in (
        ("brokerUrl", asked.broker, widget.broker),
        ("backendUrl", asked.proxy, widget.proxy),
    ):
        if given is not None and given != own:
            what = f"The page's widget has {name} {own or '(none)'}, and {given} was to be looked at."
            mend = f"{name}: '{given}' of the widget, or leave the option away here."
            report.findings.append(found("options_differ", what, mend))
    broker = (asked.broker or widget.broker) if widget.auth != "none" else ""
    return replace(widget, broker=broker, proxy=asked.proxy or widget.proxy)


async def _look_at_page(around: _Around, report: Report) -> None:
    client, own, widget = around.client, around.page, around.widget
    report.add("policy", content_security_policy.look(own, widget))
    ours = list(dict.fromkeys(origin_of(one.url) for one in around.services))
    report.add("third parties", await third_parties.look(client, own, ours))
    if widget.client_id:
        report.add("callback page", await callback.look(client, own, widget))
    report.add("certificates", await certificates.look(client, (own.origin, *ours)))


async def _look_at_services(around: _Around, report: Report) -> bool:
    """Return True if nothing was found that would make a reader fail here as well. A browser would also stop
    at faults of the page, which do not matter to what follows."""
    before = len(report.findings)
    client, origin, client_id = around.client, around.page.origin, around.widget.client_id
    reached: list[Service] = []
    for service in around.services:
        if report.add(f"{service.name}", await _answered(service, metadata.reach(client, service))):
            reached.append(service)
    if around.proxy in reached and (around.broker is None or around.broker in reached):
        report.add("metadata", await metadata.compare(client, around.broker, around.proxy))
    for service in reached:
        look = await _answered(service, origins.look(client, service, origin, client_id))
        if report.add(f"preflight of the {service.name}", look):
            report.add(f"requests to the {service.name}", await _requests(around, service))
    if around.broker in reached and around.broker is not None and client_id:
        await _look_at_registration(around, around.broker, report)
    report.add("clocks", _clocks(around, reached))
    return not any(one.severity == "fault" for one in report.findings[before:])


async def _requests(around: _Around, service: Service) -> list[Finding]:
    client, origin, client_id = around.client, around.page.origin, around.widget.client_id
    if service.name == "broker":
        if not client_id:
            return []
        return await headers.of_broker(client, service, origin, client_id)
    if around.broker is None:
        return await headers.without_token(client, service, origin)
    findings = await headers.of_proxy(client, service, origin, client_id)
    return findings or await body_limit.look(client, service)


async def _look_at_registration(around: _Around, broker: Service, report: Report) -> None:
    if any(one.code in ("client_unknown", "issuer_differs") for one in report.findings):
        return
    look = callback.registered(around.client, broker, around.page, around.widget)
    report.add("registration", await look)


def _clocks(around: _Around, reached: list[Service]) -> list[Finding]:
    last = around.client.last
    told = [(service, last[origin_of(service.url)]) for service in reached]
    return clocks.look(around.page.answer, told)


async def _look_as_reader(asked: Asked, around: _Around, report: Report, clock: Callable[[], float]) -> None:
    broker, widget, origin = around.broker, around.widget, around.page.origin
    if broker is None or (asked.account is None and not asked.guest):
        report.skipped["sign-in, question"] = NO_READER if broker else "the widget has auth 'none'"
        return
    account = asked.account(broker.url) if asked.account is not None else None
    prover = Prover(around.client, origin)
    try:
        tokens = await sign_in.sign_in(prover, broker, widget, account)
    except Failed as failed:
        report.add("sign-in", [failed.finding])
        return
    report.add("sign-in", [])
    try:
        times, findings = await stream.ask(prover, around.proxy, broker, tokens.access, clock)
        report.times = times
        report.add("question", findings)
    except Failed as failed:
        report.add("question", [failed.finding])
    try:
        await sign_in.sign_out(around.client, broker, widget, origin, tokens)
        report.add("sign-out", [])
    except Failed as failed:
        report.add("sign-out", [failed.finding])


async def _answered(service: Service, look: Awaitable[list[Finding]]) -> list[Finding]:
    try:
        return await look
    except Unreachable as error:
        return [unreachable(service, error)]
