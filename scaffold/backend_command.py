"""The command line of the backend's generator, the same for `chatgate generate backend` and for scripts/."""

import argparse
import keyword
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from . import backend, files, values
from .backend import Options
from .options import Parser
from .values import Refused

DESCRIPTION: Final = "Write a RAG backend in one file, which is yours from then on."
PORT: Final = 8002

_NEXT: Final = {
    "none": "In the widget: backendUrl http://127.0.0.1:{port} and auth 'none'. It starts for development"
    " alone, as it has no authentication.",
    "better-auth": "In the broker's chatgate.toml: this backend's public address as proxy.url, and a table"
    " [resource_servers.NAME] with a secret of its own. In the widget: that address as backendUrl.",
    "proxy": "In the chat proxy's chatgate.toml: a table [backends.NAME] with url http://127.0.0.1:{port},"
    " and its secret.",
}


def main(arguments: Sequence[str] | None = None, program: str | None = None) -> int:
    """The exit code: 1 where nothing was written, which standard error explains. A wrong option is exit 2."""
    given = _parser(program).read(arguments)
    try:
        options = _options(given)
        files.write(given.output, backend.generate(options), force=given.force)
    except Refused as error:
        print(error, file=sys.stderr)
        return 1
    print(_next_steps(options, given.output))
    return 0


def _parser(program: str | None) -> Parser:
    parser = Parser(program, DESCRIPTION)
    default = Options()
    parser.add_argument(
        "--auth",
        choices=backend.AUTHS,
        default=default.auth,
        help="who may ask: every caller, for development (none, the default); readers by the broker's access"
        " tokens (better-auth); the chat proxy by its internal token (proxy)",
    )
    parser.add_argument(
        "--db",
        choices=backend.DBS,
        default=default.db,
        help="where conversations are kept: in the process (memory, the default), in Redis, in Postgres",
    )
    parser.add_argument(
        "--llm", choices=backend.LLMS, help="answer by an OpenAI-style model; else by quoting"
    )
    parser.add_argument(
        "--cors",
        nargs="+",
        action="extend",
        metavar="ORIGIN",
        help="pages that may ask, as in https://owner.github.io; Docusaurus in development if left out",
    )
    parser.add_argument("--output", type=Path, default=Path("backend.py"), metavar="FILE")
    parser.add_argument("--force", action="store_true", help="replace a file that is there")
    return parser


def _options(given: argparse.Namespace) -> Options:
    if given.cors and given.auth == "proxy":
        raise Refused(
            "--cors is for pages, and with --auth proxy only the chat proxy asks: leave it out, and list the"
            " pages' origins in chatgate.toml."
        )
    origins = tuple(dict.fromkeys(map(values.origin, given.cors or backend.DEVELOPMENT_ORIGINS)))
    return Options(given.auth, given.db, given.llm, origins, _module(given.output))


def _module(output: Path) -> str:
    """The name by which uvicorn imports the file. Raises Refused for one that it could not import."""
    name = output.stem
    if output.suffix != ".py" or not (name.isascii() and name.isidentifier()) or keyword.iskeyword(name):
        raise Refused(f"uvicorn cannot import {output.name!r}: name a file such as backend.py.")
    if name in sys.stdlib_module_names or name in backend.IMPORTED:
        raise Refused(f"{output.name} would hide the library {name} from itself: name it backend.py, say.")
    return name


def _pages(options: Options) -> list[str]:
    if options.auth == "proxy" or options.origins != backend.DEVELOPMENT_ORIGINS:
        return []
    return [f"  Pages of {' and '.join(options.origins)} may ask. --cors names those of a published site."]


def _next_steps(options: Options, output: Path) -> str:
    folder = "" if output.parent == Path() else f" --app-dir {shlex.quote(str(output.parent))}"
    return "\n".join(
        [
            f"{output} is written. Next:",
            f"  pip install {' '.join(map(shlex.quote, options.requirements()))}",
            f"  {_NEXT[options.auth].format(port=PORT)}",
            *_pages(options),
            f"  Set the variables that the head of {output.name} names.",
            f"  uvicorn{folder} {options.module}:app --port {PORT}",
        ]
    )
