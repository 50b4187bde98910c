"""The command line of the widget's generator, the same for `chatgate generate widget` and for scripts/."""

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from . import files, values, widget
from .options import Parser
from .values import Refused
from .widget import Options

DESCRIPTION: Final = "Write the widget as files of a Docusaurus site, which are yours from then on."

_HOME: Final = {True: "http://localhost:3000/", False: "https://owner.github.io/my-book/"}
_CONFIGURATIONS: Final = ("js", "mjs", "cjs", "ts", "mts", "cts")
_UP: Final = re.compile(r"(http://[^/]+):8001")


def main(arguments: Sequence[str] | None = None, program: str | None = None) -> int:
    """The exit code: 1 where nothing was written, which standard error explains. A wrong option is exit 2."""
    given = _parser(program).read(arguments)
    try:
        options = _options(given)
        texts = widget.generate(options)
        files.write_all(given.output_dir, texts, widget.twins, force=given.force)
    except Refused as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(_next_steps(options, given.output_dir, list(texts))))
    return 0


def _parser(program: str | None) -> Parser:
    parser = Parser(program, DESCRIPTION)
    default = Options()
    _add_addresses(parser)
    parser.add_argument(
        "--mode",
        choices=widget.MODES,
        default=default.mode,
        help="questions about the whole book (normal), about a selected passage alone (selection_only), or"
        " either (both, the default)",
    )
    parser.add_argument(
        "--auth",
        choices=widget.AUTHS,
        default=default.auth,
        help="who may ask: every caller, for development (none, the default); readers who signed in"
        " (better-auth); guests, who may sign in (guest)",
    )
    parser.add_argument(
        "--placement",
        choices=widget.PLACEMENTS,
        default=default.placement,
        help="a button on every page (global, the default), or the chat in chapters that import it (chapter)",
    )
    parser.add_argument("--typescript", action="store_true", help="write .ts and .tsx files")
    parser.add_argument(
        "--output-dir",
        type=Path,
        default=Path(),
        metavar="DIR",
        help="the site's folder; this one if left out",
    )
    parser.add_argument("--force", action="store_true", help="replace files that are there")
    return parser


def _add_addresses(parser: Parser) -> None:
    parser.add_argument(
        "--backend-url",
        metavar="URL",
        help=f"the chat proxy, as in https://chat.example.org, or a backend that pages ask directly; left"
        f" out, {widget.LOCAL_PROXY}, or {widget.LOCAL_BACKEND} with --auth none",
    )
    parser.add_argument(
        "--broker-url",
        metavar="URL",
        help="the broker, as in https://auth.example.org; left out, at the address of --backend-url",
    )
    parser.add_argument(
        "--client-id",
        metavar="ID",
        default=widget.LOCAL_CLIENT,
        help="the name of the site's table in chatgate.toml; docs if left out",
    )


def _options(given: argparse.Namespace) -> Options:
    left_out = widget.LOCAL_BACKEND if given.auth == "none" else widget.LOCAL_PROXY
    backend_url = values.address(
        "--backend-url", left_out if given.backend_url is None else given.backend_url
    )
    # `docker compose up` has both at one origin, `chatgate up` the broker one port below.
    beside = _UP.sub(r"\1:8000", "/".join(backend_url.split("/")[:3]))
    broker_url = values.address("--broker-url", beside if given.broker_url is None else given.broker_url)
    client_id = values.client_id("--client-id", given.client_id)
    return Options(
        backend_url, broker_url, client_id, given.mode, given.auth, given.placement, given.typescript
    )


def _next_steps(options: Options, folder: Path, paths: Sequence[str]) -> Iterator[str]:
    yield f"Written below {folder.absolute()}:"
    yield from (f"  {path}" for path in paths)
    if not any((folder / f"docusaurus.config.{one}").is_file() for one in _CONFIGURATIONS):
        yield "There is no docusaurus.config here: these paths are for a Docusaurus site's own folder."
    yield "Next:"
    yield from _placing(options)
    yield "  Copy url and baseUrl, and the policy where you want one, to docusaurus.config.js from"
    yield f"    {widget.SNIPPET}"
    yield from _services(options)
    # `chatgate up` has pages of its own at 3000, and lets those at 3001 ask.
    is_beside_up = options.has_sign_in and (options.backend_url == widget.LOCAL_PROXY or not options.is_local)
    yield "  npm start -- --port 3001, beside `chatgate up`." if is_beside_up else "  npm start"


def _placing(options: Options) -> Iterator[str]:
    if options.placement == "chapter":
        yield "  In a chapter (.mdx):"
        yield "    import ChatKitWidget from '@site/src/components/ChatKitWidget';"
        yield "    <ChatKitWidget />"


def _services(options: Options) -> Iterator[str]:
    if not options.has_sign_in:
        yield "  Start a backend that asks for no sign-in, for development alone:"
        yield "    python generate_fastapi_backend.py, and the uvicorn command that it prints."
        return
    home = _HOME[options.is_local]
    yield "  In chatgate.toml, with your site's url and baseUrl:"
    yield f"    [sites.{options.client_id}]"
    yield f'    origins = ["{"/".join(home.split("/")[:3])}"]'
    yield f'    redirect_uris = ["{home}chatgate-callback.html"]'
    yield '    backend = "book"'
    if options.auth == "guest":
        yield "    guests = true"
    if options.is_local:
        yield "  These addresses are of this machine: a published site takes public https addresses."
