"""The page's Content-Security-Policy (CSP3) against what the widget needs, and the callback page's."""

import base64
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from chatgate.doctor.addresses import origin_of
from chatgate.doctor.client import Answer
from chatgate.doctor.findings import Finding, found
from chatgate.doctor.pages.html import Document
from chatgate.doctor.pages.options import Options
from chatgate.doctor.pages.page import Page

MAX_POLICY: Final = 16_384
"""Characters of a policy; a longer one is cut there."""
_FALLBACKS: Final = {
    "connect-src": ("connect-src", "default-src"),
    "script-src": ("script-src-elem", "script-src", "default-src"),
}
_SCHEMES: Final = {"http": ("http", "https"), "https": ("https",)}


@dataclass(frozen=True, slots=True)
class Policy:
    directives: dict[str, tuple[str, ...]]

    def sources(self, directive: str) -> tuple[str, tuple[str, ...]] | None:
        """The directive that governs, with its sources; None if everything may be loaded."""
        for name in _FALLBACKS[directive]:
            if name in self.directives:
                return name, self.directives[name]
        return None


def policies(answer: Answer, document: Document) -> Iterator[Policy]:
    """All policies that apply: those of every header, which may have several each, and of meta elements."""
    headers = answer.headers.getlist("Content-Security-Policy")
    for text in [part for header in headers for part in header.split(",")] + document.policies:
        directives: dict[str, tuple[str, ...]] = {}
        for directive in text[:MAX_POLICY].split(";"):
            name, *sources = directive.split() or [""]
            # The first of several with one name counts (CSP3 2.2.1).
            if name:
                directives.setdefault(name.lower(), tuple(sources))
        yield Policy(directives)


def allows(sources: Sequence[str], url: str, page: str) -> bool:
    """Whether a source list lets a page of the origin `page` reach `url` (CSP3 6.7.2.8), by its origin."""
    return any(_matches(source, url, page) for source in sources)


def look(page: Page, widget: Options) -> list[Finding]:
    findings: dict[str, Finding] = {}
    needed = [one for one in dict.fromkeys((widget.broker, widget.proxy)) if one]
    for policy in policies(page.answer, page.document):
        governed = policy.sources("connect-src")
        blocked = [one for one in needed if governed and not allows(governed[1], one, page.origin)]
        if governed and blocked:
            findings.setdefault("connect", _connect(governed, blocked))
        governed = policy.sources("script-src")
        if governed and not _lets_run(governed[1], widget, page):
            findings.setdefault("script", _script(governed, widget.script or page.url))
    return list(findings.values())


def callback_blocked(answer: Answer, document: Document) -> bool:
    """Whether a policy of the callback page keeps its one inline script from running."""
    for policy in policies(answer, document):
        governed = policy.sources("script-src")
        if governed and not all(_inline(governed[1], script) for script in document.inline_scripts):
            return True
    return False


def _inline(sources: Sequence[str], script: str) -> bool:
    hashed = any(one.startswith(("'sha256-", "'sha384-", "'sha512-", "'nonce-")) for one in sources)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return f"'sha256-{digest}'" in sources or ("'unsafe-inline'" in sources and not hashed)


def _lets_run(sources: Sequence[str], widget: Options, page: Page) -> bool:
    if any(one.startswith("'nonce-") or one == "'strict-dynamic'" for one in sources):
        # A page with nonces names the scripts that it trusts itself, and these load others.
        return True
    scripts = [widget.script] if widget.script else page.document.addresses("script")
    return all(allows(sources, url, page.origin) for url in scripts if origin_of(url) == page.origin)


def _connect(governed: tuple[str, tuple[str, ...]], blocked: Sequence[str]) -> Finding:
    name, sources = governed
    origins = " ".join(dict.fromkeys(origin_of(one) for one in blocked))
    kept = " ".join(one for one in sources if one != "'none'")
    what = f"The page's policy has `{name} {' '.join(sources)}`, which does not allow {origins}."
    mend = f"connect-src {kept} {origins}".replace("  ", " ")
    return found("csp_blocks_connect", what, f"Content-Security-Policy: {mend}")


def _script(governed: tuple[str, tuple[str, ...]], script: str) -> Finding:
    name, sources = governed
    what = f"The page's policy has `{name} {' '.join(sources)}`, which does not allow {script}."
    return found("csp_blocks_script", what, "Content-Security-Policy: script-src 'self', and what is there.")


def _matches(source: str, url: str, page: str) -> bool:
    target, own = urlsplit(url), urlsplit(page)
    if source.lower() == "'self'":
        return origin_of(url) == page or (
            target.hostname == own.hostname and (own.scheme, target.scheme) == ("http", "https")
        )
    if source == "*":
        return target.scheme in ("http", "https")
    if source.startswith("'"):
        return False
    if source.endswith(":"):
        return target.scheme in _SCHEMES.get(source[:-1].lower(), (source[:-1].lower(),))
    scheme, separator, rest = source.partition("://")
    if not separator:
        scheme, rest = own.scheme, source
    host, _, path = rest.partition("/")
    return (
        target.scheme in _SCHEMES.get(scheme.lower(), ())
        and _host(host, target.hostname or "", target.port, target.scheme)
        and (not path or f"{target.path}/".startswith(f"/{path.rstrip('/')}/"))
    )


def _host(source: str, host: str, port: int | None, scheme: str) -> bool:
    name, _, number = source.rpartition(":") if ":" in source.rpartition("]")[2] else (source, "", "")
    actual = port or {"http": 80, "https": 443}[scheme]
    if number == "*":
        is_port = True
    elif number:
        is_port = number == str(actual)
    else:
        is_port = actual in (80, 443)
    name = name.lower()
    if name.startswith("*."):
        return is_port and host.endswith(name[1:])
    return is_port and name.strip("[]") == host
