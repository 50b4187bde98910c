"""The widget in files of a Docusaurus site: the texts in widget_parts/, the built widget in one of them."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

from . import parts

Auth = Literal["none", "better-auth", "guest"]
Mode = Literal["normal", "selection_only", "both"]
Placement = Literal["global", "chapter"]
AUTHS: Final[tuple[Auth, ...]] = get_args(Auth)
MODES: Final[tuple[Mode, ...]] = get_args(Mode)
PLACEMENTS: Final[tuple[Placement, ...]] = get_args(Placement)

LOCAL_BACKEND: Final = "http://127.0.0.1:8002"
"""A generated backend, by the command that its generator prints."""
LOCAL_PROXY: Final = "http://127.0.0.1:8001"
LOCAL_BROKER: Final = "http://127.0.0.1:8000"
LOCAL_CLIENT: Final = "docs"
"""The last three are those of `chatgate up`. The site's table has the same name in `docker compose up`."""

COMPONENT: Final = "src/components/ChatKitWidget"
LAYOUT: Final = "src/theme/Layout"
CONFIG: Final = "src/config/chat"
CALLBACK: Final = "static/chatgate-callback.html"
SNIPPET: Final = "docusaurus.config.snippet.js"

_FOLDER: Final = Path(__file__).parent / "widget_parts"
# A copy of this package has the built widget beside its parts; here it is where `chatgate up` serves it from.
_BUILT: Final = (_FOLDER, Path(__file__).parents[1] / "chatgate" / "stack" / "pages" / "assets")
_EXPORT: Final = re.compile(r"export\{[^{}]*\};?\s*\Z")
_LOOPBACK: Final = re.compile(r"https?://(?:localhost|127\.[0-9.]+|\[::1\])(?=[:/]|\Z)")


@dataclass(frozen=True, slots=True)
class Options:
    """The addresses and the client id are checked (values.address, values.client_id)."""

    backend_url: str = LOCAL_BACKEND
    broker_url: str = LOCAL_BROKER
    client_id: str = LOCAL_CLIENT
    mode: Mode = "both"
    auth: Auth = "none"
    placement: Placement = "global"
    typescript: bool = False

    @property
    def has_sign_in(self) -> bool:
        return self.auth != "none"

    @property
    def is_local(self) -> bool:
        """Return True if readers on other machines could reach none of the services."""
        asked = (self.backend_url, self.broker_url) if self.has_sign_in else (self.backend_url,)
        return any(map(_LOOPBACK.match, asked))


def generate(options: Options) -> dict[str, str]:
    """The files' texts by their paths in the site's folder: the same for the same options."""
    js, jsx = ("ts", "tsx") if options.typescript else ("js", "js")
    files = {f"{COMPONENT}.{jsx}": _component(options)}
    if options.placement == "global":
        files[f"{LAYOUT}/Layout.{jsx}"] = _text("Layout", options)
        # Docusaurus looks for a folder's index; a name of its own is what an editor's tabs show.
        files[f"{LAYOUT}/index.{js}"] = _text("LayoutIndex", options)
    files[f"{CONFIG}.{js}"] = _text("chat", options)
    if options.has_sign_in:
        files[CALLBACK] = (_FOLDER / Path(CALLBACK).name).read_text("utf-8")
    files[SNIPPET] = _text("docusaurus.config", options)
    return files


def twins(path: str) -> list[str]:
    """Paths of files that a bundler would take in the place of `path`, or for the same component."""
    stem, _, extension = path.rpartition(".")
    stems = [] if not path.startswith("src/") else [stem, LAYOUT] if path.startswith(LAYOUT) else [stem]
    found = [(one, other) for one in stems for other in ("js", "jsx", "ts", "tsx")]
    return [f"{one}.{other}" for one, other in found if (one, other) != (stem, extension)]


def connected(options: Options) -> list[str]:
    """The origins that a page of readers asks, for its policy."""
    asked = [options.broker_url] if options.has_sign_in else []
    return list(dict.fromkeys("/".join(url.split("/")[:3]) for url in [*asked, options.backend_url]))


def _component(options: Options) -> str:
    """The component, and inside a function of its own the built widget, which is a module without imports."""
    module = _built("chatgate-widget.js")
    # Its first line says where the licences are; here they stand above it.
    body = _EXPORT.sub("", module.partition("\n")[2]).rstrip("\n")
    return f"{_text('ChatKitWidget', options)}{body}\n}}\n"


def _built(name: str) -> str:
    found = next(folder / name for folder in _BUILT if (folder / name).is_file())
    return found.read_text("utf-8")


def _text(name: str, options: Options) -> str:
    marks = {"ts" if options.typescript else "js", options.placement}
    return "\n".join(parts.lines(_FOLDER / f"{name}.js.txt", marks, _fills(options))) + "\n"


def _fills(options: Options) -> dict[str, str]:
    local = _local(options)
    licences = _built("chatgate-widget.licences.txt").rstrip("\n").split("\n")
    return {
        "auth": options.auth,
        "command": command(options),
        "connect": " ".join(["'self'", *connected(options)]),
        "development": "\n".join(_members(local)),
        "ext": "ts" if options.typescript else "js",
        "licences": "\n".join(f"// {line}".rstrip() for line in licences),
        "local": "the same" if local == options else _LOCAL[options.has_sign_in],
        "mode": options.mode,
        "placement": "floating" if options.placement == "global" else "inline",
        "production": "\n".join(_members(options)),
    }


_LOCAL: Final = {True: "the services of `chatgate up`", False: "a generated backend on this machine"}


def _local(options: Options) -> Options:
    """The same, asking services of this machine."""
    if options.is_local:
        return options
    backend = LOCAL_PROXY if options.has_sign_in else LOCAL_BACKEND
    return Options(backend, mode=options.mode, auth=options.auth, placement=options.placement)


def _members(options: Options) -> Iterator[str]:
    yield f"  backendUrl: '{options.backend_url}',"
    if options.has_sign_in:
        yield f"  brokerUrl: '{options.broker_url}',"
        yield f"  clientId: '{options.client_id}',"


def command(options: Options) -> str:
    """The command that writes these files, without the folder that they are in."""
    words = ["generate_chatkit_widget.py", "--backend-url", options.backend_url]
    if options.has_sign_in:
        words += ["--broker-url", options.broker_url, "--client-id", options.client_id]
    words += ["--mode", options.mode, "--auth", options.auth, "--placement", options.placement]
    return shlex.join(words + (["--typescript"] if options.typescript else []))
