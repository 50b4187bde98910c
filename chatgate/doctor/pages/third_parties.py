"""Requests that the page makes to hosts other than the site and the services."""

import re
from collections.abc import Collection
from typing import Final
from urllib.parse import urljoin

from chatgate.doctor.addresses import origin_of
from chatgate.doctor.client import MAX_PAGE, Client, Unreachable
from chatgate.doctor.findings import Finding, found
from chatgate.doctor.pages.html import Loaded
from chatgate.doctor.pages.page import Page

MAX_NAMED: Final = 8
MAX_STYLES: Final = 10
_LOADS: Final = re.compile(
    r"""(?:@import\s{1,9}["']?|url\(\s{0,9}["']?)((?:https?:)?//[^"')\s;]{1,500})""", re.IGNORECASE
)


async def look(client: Client, page: Page, ours: Collection[str]) -> list[Finding]:
    """`ours` are the origins of the services."""
    foreign: dict[str, str] = {}
    for one in [*page.document.loaded, *await _of_styles(client, page)]:
        origin = _origin(one.url)
        if origin and origin != page.origin and origin not in ours:
            foreign.setdefault(origin, one.kind)
    if not foreign:
        return []
    named = [f"{origin} ({kind})" for origin, kind in list(foreign.items())[:MAX_NAMED]]
    more = f", and {len(foreign) - MAX_NAMED} more" if len(foreign) > MAX_NAMED else ""
    what = f"The page asks others by itself: {', '.join(named)}{more}."
    mend = "Serve these files from the site itself, or take their plugins out of docusaurus.config.js."
    return [found("third_party_requests", what, mend)]


async def _of_styles(client: Client, page: Page) -> list[Loaded]:
    """Fonts, images and other style sheets that the site's own style sheets load."""
    own = [url for url in page.document.addresses("stylesheet") if _origin(url) == page.origin]
    loaded: list[Loaded] = []
    for url in list(dict.fromkeys(own))[:MAX_STYLES]:
        try:
            answer = await client.send("GET", url, most=MAX_PAGE)
        except Unreachable:
            continue
        found_in = _LOADS.finditer(answer.text if answer.status == 200 else "")
        loaded += [Loaded("style sheet", urljoin(url, one[1])) for one in found_in]
    return loaded


def _origin(url: str) -> str:
    try:
        return origin_of(url)
    except ValueError:
        return ""
