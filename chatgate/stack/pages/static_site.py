"""`python -m chatgate.stack.pages.static_site FOLDER PORT BASE_URL [ADDRESS ...]` serves a built site on
loopback, as a static host does. With addresses, pages come with a policy that lets scripts reach those alone.

As on GitHub Pages, `/base/x` is `x.html` or the index of the folder `x/`, and a missing page is `404.html`.
"""

import base64
import hashlib
import re
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from os import PathLike, stat_result
from pathlib import Path
from stat import S_ISDIR
from typing import Final

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from edge.telemetry import logs

HEADERS: Final[Mapping[str, str]] = {
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}
BROUGHT_POLICY: Final = b'http-equiv="Content-Security-Policy"'
"""A page that contains this has a policy of its own, as the callback page does."""

_INLINE_SCRIPT: Final = re.compile(
    rb"<script(?![^>]*\bsrc=)(?![^>]*\btype=\"?application/)[^>]*>(.*?)</script>", re.S
)


def create_static_app(folder: Path, base_url: str = "/", connect: Sequence[str] | None = None) -> Starlette:
    """Serve the site in `folder` under `base_url`, which begins and ends with a slash.

    `connect` has the addresses that the site's scripts may reach. With it, pages have a policy that allows
    these addresses, the site's own files, and the inline scripts that it was built with, by their hashes.
    """
    pages = _Pages(directory=folder, html=True, connect=connect)

    async def home(_: Request) -> Response:
        return RedirectResponse(base_url)

    async def missing(_: Request, __: Exception) -> Response:
        page = folder / "404.html"
        body = page.read_bytes() if page.is_file() else b"<!doctype html><title>No such page</title>"
        return HTMLResponse(body, 404, headers={**HEADERS, **_policy_header(body, connect)})

    root = [Route("/", home)] if base_url != "/" else []
    routes = [*root, Mount(base_url.rstrip("/"), pages)]
    return Starlette(routes=routes, exception_handlers={404: missing})


def serve(app: Starlette, listener: socket.socket) -> None:
    """Serve on a socket that listens, until Ctrl-C."""
    logs.configure("site")
    config = uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=2
    )
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listener])


def policy_for(page: bytes, connect: Sequence[str]) -> str:
    """The strictest policy that a page of Docusaurus runs under: its icons are `data:` images."""
    reached = " ".join(("'self'", *connect))
    hashes = "".join(f" 'sha256-{_digest(script)}'" for script in _INLINE_SCRIPT.findall(page))
    return (
        f"default-src 'self'; script-src 'self'{hashes}; img-src 'self' data:;"
        f" connect-src {reached}; base-uri 'none'; form-action 'none';"
        " frame-ancestors 'none'"
    )


class _Pages(StaticFiles):
    def __init__(self, *, directory: Path, html: bool, connect: Sequence[str] | None) -> None:
        super().__init__(directory=directory, html=html)
        self._connect = connect

    def lookup_path(self, path: str) -> tuple[str, stat_result | None]:
        found = super().lookup_path(path)
        if found[1] is None or (S_ISDIR(found[1].st_mode) and path not in ("", ".")):
            page = super().lookup_path(f"{path}.html")
            return page if page[1] is not None else found
        return found

    def file_response(
        self, full_path: str | PathLike[str], stat_result: stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        path = Path(full_path)
        policy = _policy_header(path.read_bytes(), self._connect) if path.suffix == ".html" else {}
        return FileResponse(path, status_code, headers={**HEADERS, **policy}, stat_result=stat_result)

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if response.status_code == 404:
            # StaticFiles' own 404 page lacks these headers.
            raise HTTPException(404)
        return response


def _policy_header(page: bytes, connect: Sequence[str] | None) -> dict[str, str]:
    if connect is None:
        return {}
    policy = "frame-ancestors 'none'" if BROUGHT_POLICY in page else policy_for(page, connect)
    return {"Content-Security-Policy": policy}


def _digest(script: bytes) -> str:
    return base64.b64encode(hashlib.sha256(script).digest()).decode()


def main() -> int:
    folder, port, base_url, *connect = sys.argv[1:]
    try:
        listener = socket.create_server(("127.0.0.1", int(port)))
    except OSError as error:
        print(f"Port {port}: {error.strerror}", file=sys.stderr)
        return 1
    serve(create_static_app(Path(folder), base_url, connect or None), listener)
    return 0


if __name__ == "__main__":
    sys.exit(main())
