"""The environment of a command: the configuration, the data folder, and the defaults of development.

A development configuration may leave out ports, addresses, secrets and Redis; every command fills the gaps
alike, so that `chatgate users` means the same accounts as `chatgate up`.
"""

import os
import secrets
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from chatgate.faults import Fault
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
    given = _Given(environ, {} if config == DEVELOPMENT_TOML else _parsed(config))
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
        filled |= _secrets(given, named, data_dir, make)
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
    if not is_development(_Given(environ, _parsed(config)), config):
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


def is_development(given: "_Given", config: Path) -> bool:
    default = "development" if config == DEVELOPMENT_TOML else "production"
    return given.value("env", default) == "development"


class _Given:
    """Settings from the variables and from the operator's own file; the variables win."""

    def __init__(self, environ: Mapping[str, str], file: Mapping[str, Any]) -> None:
        self._environ = environ
        self._file = file

    def has(self, *path: str) -> bool:
        name = variable(*path)
        return (
            bool(self._environ.get(name))
            or f"{name}_FILE" in self._environ
            or self._in_file(path) is not None
        )

    def value(self, key: str, default: str) -> str:
        return str(self._environ.get(variable(key)) or self._in_file((key,)) or default)

    def port(self, default: int, *path: str) -> int:
        name = variable(*path)
        text = self._environ.get(name) or self._in_file(path) or default
        with suppress(ValueError):
            if 1 <= int(text) <= 65535:
                return int(text)
        raise Fault(f"{name} is {text!r}: a port is a number from 1 to 65535. Correct it or unset it.")

    def _in_file(self, path: tuple[str, ...]) -> Any:
        found: Any = self._file
        for part in path:
            found = found.get(part) if isinstance(found, Mapping) else None
        return found


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


def _gaps(given: _Given, named: Mapping[str, Any], ports: Ports) -> dict[str, str]:
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
        filled["sites", SITE, "origins"] = ",".join((*_loopback(ports.page), *_loopback(ports.site)))
        # Only together with these origins: the configuration refuses a page of an origin that the site lacks.
        filled["sites", SITE, "redirect_uris"] = ",".join(_callback_pages(ports))
    if BACKEND in named.get("backends", {}):
        filled["backends", BACKEND, "url"] = f"http://127.0.0.1:{ports.backend}"
    return {variable(*path): value for path, value in filled.items() if not given.has(*path)}


def _loopback(port: int) -> list[str]:
    return [f"http://{host}:{port}" for host in ("127.0.0.1", "localhost")]


def _callback_pages(ports: Ports) -> list[str]:
    """The callback pages of the plain pages, and those of `make site`."""
    plain = [f"{origin}{CALLBACK_PATH}" for origin in _loopback(ports.page)]
    site = [
        f"{origin}{SITE_BASE_URL}{locale}{CALLBACK_PATH.lstrip('/')}"
        for origin in _loopback(ports.site)
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


def _secrets(given: _Given, named: Mapping[str, Any], data_dir: Path, make: bool) -> dict[str, str]:
    files = _secret_files(given, named, data_dir / "secrets")
    if make:
        make_private(data_dir)
        for file in files.values():
            _keep_secret(file, data_dir)
    return dict(_told(name, file) for name, file in files.items())


def _told(name: str, file: Path) -> tuple[str, str]:
    return (f"{name}_FILE", str(file)) if os.path.exists(file) else (name, secrets.token_hex(32))


def _secret_files(given: _Given, named: Mapping[str, Any], folder: Path) -> dict[str, Path]:
    """The file of each secret that is not given, by the secret's variable."""
    secret_of: dict[tuple[str, ...], Path] = {("broker", "secret"): folder / "broker.secret"}
    for name in named.get("backends", {}):
        secret_of["backends", name, "secret"] = folder / f"backend-{name}.secret"
    return {variable(*path): file for path, file in secret_of.items() if not given.has(*path)}


def _keep_secret(file: Path, data_dir: Path) -> None:
    """Make the file unless it exists. Raises Fault when the data folder cannot be used."""
    try:
        _make_secret(file)
    except OSError as error:
        raise unusable(data_dir, error) from None


def _make_secret(file: Path) -> None:
    """Make the file once; of two processes that make it at the same moment, both use the first one's."""
    if file.exists():
        return
    make_private(file.parent)
    new = file.with_name(f".{file.name}.{os.getpid()}")
    new.touch(0o600)
    try:
        new.write_text(secrets.token_hex(32), encoding="ascii")
        # Unlike a rename, a link fails when the name is taken, and the file is complete when it appears.
        with suppress(FileExistsError):
            os.link(new, file)
    finally:
        new.unlink()


def make_private(folder: Path) -> None:
    """Make a folder that only its owner can enter. Raises Fault when it cannot be made."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise unusable(folder, error) from None


def unusable(data_dir: Path, error: OSError) -> Fault:
    return Fault(
        f"data_dir: {data_dir} cannot be used ({error.strerror or type(error).__name__}). Make it a folder "
        "that this user may write to, or name another in data_dir or CHATGATE_DATA_DIR."
    )


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
