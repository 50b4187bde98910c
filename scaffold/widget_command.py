"""The command line of the widget's generator, the same for `chatgate generate widget` and for scripts/."""

import argparse
import json
import re
import shlex
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from . import files, values, widget
from .options import Parser
from .values import Refused
from .widget import Options

DESCRIPTION: Final = "Write the widget as files of a Docusaurus site, which are yours from then on."

_PUBLISHED: Final = "https://owner.github.io/my-book/"
_UP_PAGE: Final = "http://127.0.0.1:3000/"
"""The plain pages of `chatgate up`, which are of the site `docs`."""
_CONFIGURATIONS: Final = ("js", "mjs", "cjs", "ts", "mts", "cts")
_UP: Final = re.compile(r"(http://[^/]+):8001")


def main(arguments: Sequence[str] | None = None, program: str | None = None) -> int:
    """The exit code: 1 where nothing was written, which standard error explains. A wrong option is exit 2."""
    given = _parser(program).read(arguments)
    try:
        options = _options(given)
        texts = widget.generate(options)
        if not given.force:
            _require_site(given.output_dir)
        files.write_all(given.output_dir, texts, widget.twins, force=given.force)
    except Refused as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(_next_steps(options, given.output_dir, list(texts), _backend_command(program))))
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
    parser.add_argument(
        "--force", action="store_true", help="replace files that are there, and write where no site is"
    )
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


def _require_site(folder: Path) -> None:
    """Raises Refused for a folder that is no site's, where no file would be used."""
    if not any((folder / f"docusaurus.config.{one}").is_file() for one in _CONFIGURATIONS):
        raise Refused(
            f"{folder.absolute()} has no docusaurus.config, and these files are for a Docusaurus site's own"
            " folder, so nothing was written. --output-dir names it; --force writes all the same."
        )


def _backend_command(program: str | None) -> str:
    """The command of the other generator, as this one was called."""
    if program is not None:
        return f"{program.rpartition(' ')[0]} backend"
    return f"python {shlex.quote(str(Path(sys.argv[0]).with_name('generate_fastapi_backend.py')))}"


def _next_steps(options: Options, folder: Path, paths: Sequence[str], backend: str) -> Iterator[str]:
    yield f"Written below {folder.absolute()}:"
    yield from (f"  {path}" for path in paths)
    yield "Next:"
    yield from _placing(options)
    yield "  To publish it, copy url, baseUrl and, where you want it, the policy to docusaurus.config.js from"
    yield f"    {widget.SNIPPET}"
    if not options.has_sign_in:
        yield "  Start a backend that asks for no sign-in, for development alone:"
        yield f"    {backend}, and the uvicorn command that it prints."
    else:
        yield from _configuration(options)
    yield f"  {_start(options)}"


def _start(options: Options) -> str:
    if not options.has_sign_in or (options.is_local and not _is_up(options)):
        return "npm start"
    if options.is_local:
        return "npm start -- --port 3001, beside `chatgate up`."
    # Here the widget asks `chatgate up` too, which has that port without a path registered by itself.
    return (
        "To try it here: BASE_URL=/ npm start -- --port 3001, beside a `chatgate up` without a chatgate.toml."
    )


def _is_up(options: Options) -> bool:
    return _UP.fullmatch(options.backend_url) is not None and options.is_local


def _placing(options: Options) -> Iterator[str]:
    if options.placement == "chapter":
        yield "  In a chapter (.mdx):"
        yield "    import ChatKitWidget from '@site/src/components/ChatKitWidget';"
        yield "    <ChatKitWidget />"


def _configuration(options: Options) -> Iterator[str]:
    """For `chatgate up` the whole of it, as that fills in the rest; elsewhere the tables that a site adds."""
    is_up = _is_up(options)
    if is_up:
        yield "  In chatgate.toml where you start `chatgate up`, with your site's baseUrl after the port:"
        yield '    env = "development"'
    else:
        yield "  In the chatgate.toml of the services, with your site's url and baseUrl:"
    yield f"    [sites.{options.client_id}]"
    homes = _homes(options)
    yield f"    origins = {json.dumps(['/'.join(home.split('/')[:3]) for home in homes])}"
    yield f"    redirect_uris = {json.dumps([f'{home}chatgate-callback.html' for home in homes])}"
    yield '    backend = "book"'
    if options.auth == "guest":
        yield "    guests = true"
    yield "    [backends.book]"
    if not is_up:
        yield f'    url = "{widget.LOCAL_BACKEND}"'
    if options.is_local:
        yield "  These addresses are of this machine: a published site takes public https addresses."


def _homes(options: Options) -> list[str]:
    """Addresses of the pages that ask."""
    if not options.is_local:
        return [_PUBLISHED]
    if not _is_up(options):
        return ["http://localhost:3000/"]
    # `chatgate up` has pages of its own at 3000, which ask as this site where it has their name.
    others = [_UP_PAGE] if options.client_id == widget.LOCAL_CLIENT else []
    return ["http://localhost:3001/", *others]
