"""Lines of the services' logs in a form for reading in a terminal."""

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Any, Final

import orjson
from rich.text import Text

STYLES: Final[Mapping[str, str]] = {
    "valkey": "magenta",
    "broker": "cyan",
    "proxy": "green",
    "backend": "yellow",
    "page": "blue",
    "index": "bright_magenta",
}
_LEVELS: Final[Mapping[str, str]] = {"warning": "yellow", "error": "red", "critical": "bold red"}
_TOLD_OTHERWISE: Final = frozenset({"event", "level", "timestamp", "service"})
_WIDTH: Final = max(map(len, STYLES))


def readable(service: str, line: str, zone: tzinfo | None = None) -> Text:
    """`broker | 12:04:31 signed_in client=docs`; a line that is no JSON object stays as it is.

    Times are in `zone` (None: this machine's). Control characters are escaped, as they could steer a
    terminal.
    """
    text = Text.assemble((f"{service:>{_WIDTH}} | ", STYLES.get(service, "white")))
    event = _parsed(line)
    if event is None:
        return text.append(harmless(line))
    text.append(f"{_time(event.get('timestamp'), zone)} ", "dim")
    text.append(harmless(str(event.get("event", ""))), _LEVELS.get(str(event.get("level")), "bold"))
    for name, value in event.items():
        if name not in _TOLD_OTHERWISE:
            text.append(f" {harmless(name)}=", "dim").append(harmless(_shown(value)))
    return text


def last(service: str, lines: Sequence[str], count: int) -> list[str]:
    """The `count` lines that say most about a service's end, readable and in their order. Lines that are no
    event (a traceback, a refusal to start) and warnings or errors are preferred, and later lines to earlier
    ones."""
    by_weight = sorted(range(len(lines)), key=lambda at: (_is_trouble(lines[at]), at))
    return [readable(service, lines[at]).plain for at in sorted(by_weight[-count:])]


def _is_trouble(line: str) -> bool:
    event = _parsed(line)
    return event is None or str(event.get("level")) in _LEVELS


def _parsed(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def _time(stamp: object, zone: tzinfo | None) -> str:
    try:
        return f"{datetime.fromisoformat(str(stamp)).astimezone(zone):%H:%M:%S}"
    except ValueError:
        return "--:--:--"


def _shown(value: object) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def harmless(text: str) -> str:
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
