"""nginx, HAProxy and Envoy as they pass every request on to the bench's backend: one worker or thread each,
and connections to the backend that stay open, as the proxy's do. They log no request."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from bench.http1 import HOST

Command = Callable[[Path, Path, int, int], list[str]]
"""Write a configuration into a folder, for a port to listen on and the backend's; returns the command of the
program."""

# nginx closes a connection after a thousand requests by default, and the load opens no second one.
_FOR_EVER: Final = "keepalive_requests 1000000000;"
_TYPES: Final = "type.googleapis.com/envoy.extensions.filters"


def nginx(program: Path, folder: Path, port: int, backend: int) -> list[str]:
    temporary = "".join(
        f"{name}_temp_path {folder}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    # Otherwise the worker runs as the user `nobody`, who may not keep a large body in the folder.
    user = "user root;\n" if os.geteuid() == 0 else ""
    config = folder / "nginx.conf"
    config.write_text(
        f"{user}daemon off; error_log stderr; pid {folder}/nginx.pid; worker_processes 1;\n"
        f"events {{}}\nhttp {{ access_log off; {_FOR_EVER}\n{temporary}"
        f"upstream backend {{ server {HOST}:{backend}; keepalive 64; {_FOR_EVER} }}\n"
        f"server {{ listen {HOST}:{port}; location / {{ proxy_pass http://backend; "
        'proxy_http_version 1.1; proxy_set_header Connection ""; } } }\n'
    )
    return [str(program), "-p", str(folder), "-c", str(config)]


def haproxy(program: Path, folder: Path, port: int, backend: int) -> list[str]:
    config = folder / "haproxy.cfg"
    config.write_text(
        "global\n  nbthread 1\n"
        "defaults\n  mode http\n  http-reuse always\n"
        "  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n"
        f"frontend readers\n  bind {HOST}:{port}\n  default_backend bench\n"
        f"backend bench\n  server one {HOST}:{backend}\n"
    )
    return [str(program), "-db", "-f", str(config)]


def envoy(program: Path, folder: Path, port: int, backend: int) -> list[str]:
    router = {
        "name": "envoy.filters.http.router",
        "typed_config": {"@type": f"{_TYPES}.http.router.v3.Router"},
    }
    route = {"match": {"prefix": "/"}, "route": {"cluster": "backend"}}
    manager = {
        "@type": f"{_TYPES}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "bench",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        "http_filters": [router],
    }
    filters = [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]
    listener = {"address": _address(port), "filter_chains": [{"filters": filters}]}
    endpoint = {"endpoint": {"address": _address(backend)}}
    cluster = {
        "name": "backend",
        "type": "STATIC",
        "load_assignment": {"cluster_name": "backend", "endpoints": [{"lb_endpoints": [endpoint]}]},
    }
    config = folder / "envoy.json"
    config.write_text(json.dumps({"static_resources": {"listeners": [listener], "clusters": [cluster]}}))
    return [
        *(str(program), "--config-path", str(config), "--concurrency", "1"),
        *("--disable-hot-restart", "--log-level", "warning"),
    ]


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": HOST, "port_value": port}}
