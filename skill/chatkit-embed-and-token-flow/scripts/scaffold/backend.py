"""A RAG backend in one file: the pieces in backend_parts/, chosen and joined by the options."""

import itertools
import shlex
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

from . import imports, parts

Auth = Literal["none", "better-auth", "proxy"]
Db = Literal["memory", "redis", "postgres"]
Llm = Literal["openai"]
AUTHS: Final[tuple[Auth, ...]] = get_args(Auth)
DBS: Final[tuple[Db, ...]] = get_args(Db)
LLMS: Final[tuple[Llm, ...]] = get_args(Llm)

DEVELOPMENT_ORIGINS: Final = ("http://localhost:3000", "http://127.0.0.1:3000")
"""Origins of the site under `docusaurus start`; they are used when none is named."""

PINS: Final = {
    "fastapi": "0.165.0",
    "uvicorn": "0.54.0",
    "pydantic": "2.14.3",
    "sse-starlette": "3.7.0",
    "pyjwt": "2.15.1",
    "httpx2": "2.16.2",
    "redis": "8.1.0",
    "psycopg": "3.3.9",
    "psycopg-pool": "3.3.3",
    "openai": "3.57.0",
}
"""The versions that the generated files are tested with, as requirements/dev.lock has them."""

IMPORTED: Final = frozenset(
    {"fastapi", "httpx2", "jwt", "openai", "psycopg", "psycopg_pool", "pydantic", "redis"}
    | {"sse_starlette", "starlette", "uvicorn"}
)
"""Modules that a generated file must not be named like."""

_FOLDER: Final = Path(__file__).parent / "backend_parts"
# No blank lines follow these: the end of the example, and assignments that others come after.
_DEFINES: Final = ("async def", "def", "class", "@", "#")
_ENDS: Final = ("# <<< The end of retrieval.", "store = Store()")


@dataclass(frozen=True, slots=True)
class Options:
    """`origins` are checked (values.origin), and `module` is the file's name without `.py`, a Python name."""

    auth: Auth = "none"
    db: Db = "memory"
    llm: Llm | None = None
    origins: tuple[str, ...] = DEVELOPMENT_ORIGINS
    module: str = "backend"

    def requirements(self) -> list[str]:
        """The packages that the file imports, each with the version that it was tested with."""
        names = ["fastapi", "uvicorn", "pydantic", "sse-starlette"]
        names += {"none": [], "better-auth": ["pyjwt[crypto]", "httpx2"], "proxy": ["pyjwt"]}[self.auth]
        names += {"memory": [], "redis": ["redis"], "postgres": ["psycopg[binary]", "psycopg-pool"]}[self.db]
        names += [] if self.llm is None else ["openai", "httpx2"]
        return [f"{name}=={PINS[name.partition('[')[0]]}" for name in dict.fromkeys(names)]

    def held(self) -> list[str]:
        """The connections that are open while the backend runs."""
        clients = {"memory": [], "redis": ["store.client"], "postgres": ["store.pool"]}[self.db]
        clients += ["broker"] if self.auth == "better-auth" else []
        return clients + (["model"] if self.llm else [])

    def marks(self) -> frozenset[str]:
        """The marks whose lines stay."""
        has_settings = (self.auth, self.db, self.llm) != ("none", "memory", None)
        has_deadline = self.db != "memory" or self.auth == "better-auth"
        said = {
            "direct": self.auth != "proxy",
            "settings": has_settings,
            "environment": has_settings or self.auth == "none",
            "deadline": has_deadline,
            "dependent": has_deadline or self.llm is not None,
            "holding": bool(self.held()),
            "holdless": not self.held(),
        }
        return frozenset({self.auth, self.db, *(mark for mark, is_said in said.items() if is_said)}) | (
            {self.llm} if self.llm else set()
        )


def generate(options: Options) -> str:
    """The file's text: the same for the same options."""
    lines: list[str] = []
    pieces: list[str] = []
    for name in _parts(options):
        part = list(_lines(name, options))
        lines += filter(imports.is_import, part)
        pieces.append("\n".join(line for line in part if not imports.is_import(line)).strip("\n"))
    head = "\n".join(_lines("head", options))
    body = pieces[0]
    for above, piece in itertools.pairwise(pieces):
        body += ("\n" if above.endswith(_ENDS) and not piece.startswith(_DEFINES) else "\n\n\n") + piece
    return f"{head}\n{imports.merged(lines)}\n\n{body}\n"


def _parts(options: Options) -> list[str]:
    answer = f"answer_{options.llm or 'quoted'}"
    auth = f"auth_{options.auth.replace('-', '_')}"
    return ["start", "question", f"db_{options.db}", auth, "retrieval", answer, "exchange", "sessions"]


def _lines(name: str, options: Options) -> Iterator[str]:
    fills = {
        "command": _command(options),
        "held": ", ".join(options.held()),
        "module": options.module,
        "origins": _listed("ORIGINS", options.origins),
        "requirements": _wrapped(options.requirements()),
    }
    return parts.lines(_FOLDER / f"{name}.py.txt", options.marks(), fills)


def _command(options: Options) -> str:
    """The command that made the file. It omits the origins, which the file lists, and the file's own path."""
    llm = ["--llm", options.llm] if options.llm else []
    return shlex.join(["generate_fastapi_backend.py", "--auth", options.auth, "--db", options.db, *llm])


def _wrapped(requirements: list[str]) -> str:
    items = " ".join(f'"{one}",' for one in requirements)
    lines = textwrap.wrap(items, imports.MAX_LINE - len("#   "), break_on_hyphens=False)
    return "\n".join(f"#   {line}" for line in lines)


def _listed(name: str, values: tuple[str, ...]) -> str:
    """An assignment of texts that need no escape, as the formatter writes it."""
    quoted = [f'"{value}"' for value in values]
    line = f"{name} = [{', '.join(quoted)}]"
    if len(line) <= imports.MAX_LINE:
        return line
    return "\n".join([f"{name} = [", *(f"    {one}," for one in quoted), "]"])
