"""The environment of a command: the configuration, the data folder, and the defaults of development.

A development configuration may leave out ports, addresses, secrets and Redis; every command fills the gaps
alike, so that `chatgate users` means the same accounts as `chatgate up`.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from chatgate import secret_files
from chatgate.faults import Fault, NoStack
from chatgate.given import Given
from chatgate.stack import valkey
from edge.config.read import read
from edge.config.schema import ConfigurationError, Settings
from edge.config.variables import variable

DEVELOPMENT_TOML: Final = Path(__file__).with_name("development.toml")
DEFAULT_BROKER_PORT: Final = 8000
SITE: Final = "docs"
BACKEND: Final = "book"
"""The site whose page and the backend whose server are part of the stack, when they are configured."""
CALLBACK_PATH: Final = "/chatgate-callback.html"
"""The path at which that page receives the answer of a sign-in on the broker's own page."""
SITE_BASE_URL: Final = "/book/"
"""The base URL of examples/docusaurus. It is the sample book's own, so that citations of its index are pages
there too."""
SITE_LOCALES: Final = ("", "ar/")
"""The paths of its locales below that; each locale has a callback page of its own."""
_DATA: Final = (("redis", "url"), ("broker", "database_url"), ("backend", "index"))
"""Settings that say where data is, when they are in the environment."""


@dataclass(frozen=True, slots=True)
class Ports:
    broker: int
    proxy: int
    backend: int
    page: int
    site: int


@dataclass(frozen=True, slots=True)
class Environment:
    """Services are started with `environ`; `valkey` is the folder of the embedded server, None where a Redis
    is configured."""

    config: Path
    data_dir: Path
    ports: Ports
    environ: Mapping[str, str]
    settings: Settings
    valkey: Path | None

    @property
    def index(self) -> Path:
        return Path(self.environ["CHATGATE_BACKEND_INDEX"])

    @property
    def redis_url(self) -> str:
        configured = self.settings.redis.url
        assert configured is not None  # noqa: S101  edge.config.read refuses to read without it
        return configured.get_secret_value()


def read_environment(environ: Mapping[str, str], folder: Path, *, make: bool = True) -> Environment:
    """The environment from the variables and the working folder. Makes the data folder and the secrets of
    development. With `make` false it writes nothing, and missing secrets are made up for this command alone.

    Raises Fault with a line for each fault of the configuration.
    """
    config = _config(environ, folder)
    given = Given(environ, {} if config == DEVELOPMENT_TOML else _parsed(config))
    named = _parsed(config)
    data_dir = folder / given.value("data_dir", ".chatgate")
    ports = Ports(
        broker=given.port(DEFAULT_BROKER_PORT, "broker", "port"),
        proxy=given.port(8001, "proxy", "port"),
        backend=given.port(8002, "backend", "port"),
        page=given.port(3000, "page", "port"),
        site=given.port(3001, "site", "port"),
    )
    filled = {
        **environ,
        "CHATGATE_CONFIG": str(config),
        "CHATGATE_DATA_DIR": str(data_dir),
        "CHATGATE_BACKEND_INDEX": environ.get("CHATGATE_BACKEND_INDEX", str(data_dir / "book.db")),
    }
    embedded = None
    if is_development(given, config):
        filled |= _gaps(given, named, ports)
        filled |= secret_files.variables(given, named, data_dir, make=make)
        if not given.has("redis", "url") and not environ.get("REDIS_URL"):
            embedded = data_dir / "valkey"
            filled["CHATGATE_REDIS_URL"] = valkey.url(valkey.socket_for(embedded))
    try:
        settings = read(config, filled)
    except ConfigurationError as error:
        raise Fault(str(error)) from None
    return Environment(config, data_dir, ports, _with_backend_secret(filled, settings), settings, embedded)


def for_development(environ: Mapping[str, str], folder: Path) -> Environment:
    """As `read_environment`. Raises Fault for a configuration that is not for development."""
    env = environ.get("CHATGATE_ENV")
    if env not in (None, "", "development"):
        raise Fault("`chatgate up` is for development: unset CHATGATE_ENV, or start the services themselves.")
    config = _config(environ, folder)
    if not is_development(Given(environ, _parsed(config)), config):
        raise Fault(
            f'{config}: is for production, and `chatgate up` is for development. Write env = "development" '
            "into it, or set CHATGATE_ENV=development if what it says serves both; or "
            f"{_way_to_the_sample(environ)}, and the sample takes its place."
        )
    return read_environment(environ, folder)


def _way_to_the_sample(environ: Mapping[str, str]) -> str:
    return "unset CHATGATE_CONFIG" if environ.get("CHATGATE_CONFIG") else "rename it"


def here() -> Environment:
    """The environment from this process's variables and working folder."""
    return read_environment(os.environ, Path.cwd())


def standing(*, make: bool = True) -> Environment:
    """As `here`, for a command on data that is there already.

    Raises NoStack before it writes anything: an empty answer from a new folder would read as a stack's own.
    """
    _require_data(os.environ, Path.cwd())
    return read_environment(os.environ, Path.cwd(), make=make)


def _require_data(environ: Mapping[str, str], folder: Path) -> None:
    given = Given(environ, {})
    is_named = bool(environ.get("REDIS_URL")) or any(given.has(*path) for path in _DATA)
    if is_named or _config(environ, folder) != DEVELOPMENT_TOML:
        return
    data_dir = folder / given.value("data_dir", ".chatgate")
    try:
        data_dir.stat()
    except FileNotFoundError:
        raise NoStack(
            f"There is no stack's data here: {data_dir} does not exist. Run `chatgate up` here first, or run "
            "this where it runs or where your chatgate.toml is, or name these in CHATGATE_DATA_DIR or "
            "CHATGATE_CONFIG."
        ) from None
    except OSError:
        # The command itself says what is wrong with the folder.
        return


def is_development(given: Given, config: Path) -> bool:
    default = "development" if config == DEVELOPMENT_TOML else "production"
    return given.value("env", default) == "development"


def _config(environ: Mapping[str, str], folder: Path) -> Path:
    named = environ.get("CHATGATE_CONFIG")
    if named:
        return folder / named
    own = folder / "chatgate.toml"
    return own if own.is_file() else DEVELOPMENT_TOML


def _parsed(config: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads(config.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Fault(f"{config}: there is no such file. Name an existing one in CHATGATE_CONFIG.") from None
    except (OSError, ValueError) as error:
        raise Fault(f"{config}: {error}") from None


def _gaps(given: Given, named: Mapping[str, Any], ports: Ports) -> dict[str, str]:
    """Variables for the settings that a development configuration leaves out."""
    filled = {
        ("env",): "development",
        ("broker", "port"): str(ports.broker),
        ("broker", "metrics_port"): _metrics_port(ports.broker),
        ("broker", "url"): f"http://127.0.0.1:{ports.broker}",
        ("broker", "cookie_prefix"): _cookie_prefix(ports.broker),
        ("proxy", "port"): str(ports.proxy),
        ("proxy", "metrics_port"): _metrics_port(ports.proxy),
        ("proxy", "url"): f"http://127.0.0.1:{ports.proxy}",
        ("backend", "port"): str(ports.backend),
    }
    if SITE in named.get("sites", {}) and not given.has("sites", SITE, "origins"):
        filled["sites", SITE, "origins"] = ",".join((*loopback(ports.page), *loopback(ports.site)))
        # Only together with these origins: the configuration refuses a page of an origin that the site lacks.
        filled["sites", SITE, "redirect_uris"] = ",".join(_callback_pages(ports))
    if BACKEND in named.get("backends", {}):
        filled["backends", BACKEND, "url"] = f"http://127.0.0.1:{ports.backend}"
    return {variable(*path): value for path, value in filled.items() if not given.has(*path)}


def loopback(port: int) -> list[str]:
    return [f"http://{host}:{port}" for host in ("127.0.0.1", "localhost")]


def origin_at(around: Environment, port: int) -> str:
    """The origin of the pages on a loopback port, by the host name that the site registers."""
    by_number, by_name = loopback(port)
    registered = around.settings.sites[SITE].origins if SITE in around.settings.sites else ()
    return by_name if by_name in registered and by_number not in registered else by_number


def _callback_pages(ports: Ports) -> list[str]:
    """The callback pages of the plain pages, of a site of the developer's own, and of `make site`."""
    plain = [f"{origin}{CALLBACK_PATH}" for port in (ports.page, ports.site) for origin in loopback(port)]
    site = [
        f"{origin}{SITE_BASE_URL}{locale}{CALLBACK_PATH.lstrip('/')}"
        for origin in loopback(ports.site)
        for locale in SITE_LOCALES
    ]
    return plain + site


def _cookie_prefix(port: int) -> str:
    """A prefix for each broker's port: cookies are shared between the ports of a host, so that a second stack
    would otherwise sign the readers of the first one out."""
    return "better-auth" if port == DEFAULT_BROKER_PORT else f"chatgate-{port}"


def _metrics_port(port: int) -> str:
    """The port 1000 above the service's own, as by default, so that the two move together; 0, which is none,
    where no such port exists."""
    return str(port + 1000 if port + 1000 <= 65535 else 0)


def _with_backend_secret(environ: dict[str, str], settings: Settings) -> dict[str, str]:
    """Add the variables under which the reference backend reads its side of the shared secret."""
    if "CHATGATE_BACKEND_SECRET" in environ or "CHATGATE_BACKEND_SECRET_FILE" in environ:
        return environ
    backend = settings.backends.get(BACKEND)
    if backend is None or backend.secret is None:
        return environ
    told = {"CHATGATE_BACKEND_AUDIENCE": backend.audience}
    file = environ.get(f"{variable('backends', BACKEND, 'secret')}_FILE")
    if file is not None:
        told["CHATGATE_BACKEND_SECRET_FILE"] = file
    else:
        told["CHATGATE_BACKEND_SECRET"] = backend.secret.get_secret_value()
    return {**told, **environ}
