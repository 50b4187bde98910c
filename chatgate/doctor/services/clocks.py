"""Tells which clock is wrong: the dates of answers beside this machine's clock."""

from collections.abc import Iterable
from email.utils import parsedate_to_datetime
from typing import Final

from chatgate.doctor.client import Answer
from chatgate.doctor.findings import Finding, found
from chatgate.doctor.services.service import Service

TOLERATED: Final = 30.0
"""Seconds: half of the time in which a DPoP proof is good."""


def offset(answer: Answer) -> float | None:
    """Seconds by which the answer's Date is before (negative) or after this machine's clock; None without a
    Date. A cache's copy has an Age, which is added (RFC 9110 5.6.7, RFC 9111 5.1)."""
    try:
        date = parsedate_to_datetime(answer.headers["Date"]).timestamp()
        age = float(answer.headers.get("Age", "0"))
    except (KeyError, ValueError, OverflowError):
        return None
    return date + age - answer.at


def look(site: Answer, services: Iterable[tuple[Service, Answer]]) -> list[Finding]:
    """Judge each service's last answer. The site's host is the witness for this machine's own clock."""
    told = {service.name: (service, offset(answer)) for service, answer in services}
    offsets = [seconds for _, seconds in told.values() if seconds is not None]
    witness = offset(site)
    if _is_here(witness, offsets):
        shown = _shown(-witness) if witness is not None else ""
        what = f"This machine's clock is {shown} the site's and the services'."
        return [found("clock_here_off", what, "timedatectl set-ntp true, on this machine.")]
    return [
        found(
            "clock_off",
            f"The Date of the {service.name}'s answers is {_shown(seconds)} this machine's clock.",
            "timedatectl set-ntp true, on its machine; or the reverse proxy's rule that writes Date.",
        )
        for service, seconds in told.values()
        if seconds is not None and abs(seconds) > TOLERATED
    ]


def _is_here(witness: float | None, offsets: list[float]) -> bool:
    """All others agree with each other and not with this machine."""
    if witness is None or not offsets or abs(witness) <= TOLERATED:
        return False
    return all(abs(one - witness) <= TOLERATED for one in offsets)


def _shown(seconds: float) -> str:
    return f"{abs(seconds):.0f} s {'after' if seconds > 0 else 'before'}"
