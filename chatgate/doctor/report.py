"""A report as text for a person, and as JSON for a program."""

from collections.abc import Iterator
from typing import Any, Final

import orjson

from chatgate.doctor.examination import Report
from chatgate.doctor.findings import Finding
from chatgate.stack.log_lines import harmless

_MARKS: Final = {"fault": "FAULT", "warning": "warning"}


def text(report: Report) -> str:
    return "\n".join(_lines(report))


def as_json(report: Report) -> str:
    return orjson.dumps(_members(report), option=orjson.OPT_INDENT_2).decode()


def _lines(report: Report) -> Iterator[str]:
    yield harmless(report.site)
    widget = report.widget
    if widget is not None:
        asks = f"  widget: asks {widget.proxy}"
        if widget.broker:
            asks += f", signs in at {widget.broker} as site {widget.client_id} ({widget.auth})"
        yield harmless(asks)
    yield f"  looked at: {', '.join(report.looks)}"
    for look, reason in report.skipped.items():
        yield f"  not looked at: {look} ({reason})"
    times = report.times
    if times is not None:
        yield f"  answer: {times.events} events, the first after {times.first:.2f} s, the last after " + (
            f"{times.last:.2f} s" if times.can_tell else f"{times.last:.2f} s: too fast to tell a held stream"
        )
    for one in sorted(report.findings, key=lambda found: found.severity):
        yield ""
        yield from _shown(one)
    yield ""
    faults = sum(one.severity == "fault" for one in report.findings)
    warnings = len(report.findings) - faults
    yield (
        f"{_counted(faults, 'fault')}, {_counted(warnings, 'warning')}."
        if report.findings
        else "All is well."
    )


def _shown(finding: Finding) -> Iterator[str]:
    yield f"{_MARKS[finding.severity]} {finding.code}"
    yield f"  what: {finding.what}"
    yield f"  why:  {finding.why}"
    yield f"  mend: {finding.mend}"


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _members(report: Report) -> dict[str, Any]:
    widget, times = report.widget, report.times
    return {
        "site": report.site,
        "is_well": not report.has_fault,
        "widget": widget
        and {
            "backendUrl": widget.proxy,
            "brokerUrl": widget.broker,
            "clientId": widget.client_id,
            "callbackUrl": widget.callback,
            "auth": widget.auth,
        },
        "answer": times
        and {
            "events": times.events,
            "first_event_seconds": round(times.first, 3),
            "last_event_seconds": round(times.last, 3),
            "can_tell_buffering": times.can_tell,
        },
        "looks": report.looks,
        "skipped": report.skipped,
        "findings": [
            {
                "code": one.code,
                "severity": one.severity,
                "what": one.what,
                "why": one.why,
                "mend": one.mend,
            }
            for one in report.findings
        ],
    }
