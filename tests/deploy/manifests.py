"""The services as each platform's files describe them, read as the platform reads them."""

import json
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.matches import find
from tests.processes import REPOSITORY

DEPLOY = REPOSITORY / "deploy"
SERVICES = {"broker": "broker", "proxy": "chat_proxy", "backend": "rag_backend"}
"""The name in the files, and the Python package that it runs."""
SECRETS = ("broker_secret", "book_secret", "redis_url", "database_url")


@dataclass(frozen=True)
class Service:
    """`environ` has `{broker_secret}` and the like where the platform puts a secret, `{broker_secret_file}`
    where it puts the path of a file that holds one. `grace` is in seconds, from SIGTERM to SIGKILL."""

    command: list[str]
    environ: dict[str, str]
    port: int
    grace: int
    health: str | None = None
    target: str | None = None
    config: Path | None = REPOSITORY / "containers" / "chatgate.toml"
    more: dict[str, Any] = field(default_factory=dict)


def yaml_documents(text: str) -> list[Any]:
    return list(YAML(typ="safe").load_all(text))


def fly(name: str) -> Service:
    app = tomllib.loads((DEPLOY / "fly" / f"{name}.toml").read_text())
    # `fly secrets set` of docs/deploying.md.
    secrets = {
        "broker": {
            "CHATGATE_BROKER_SECRET": "{broker_secret}",
            "CHATGATE_REDIS_URL": "{redis_url}",
            "CHATGATE_BROKER_DATABASE_URL": "{database_url}",
        },
        "proxy": {"CHATGATE_BACKENDS_BOOK_SECRET": "{book_secret}", "CHATGATE_REDIS_URL": "{redis_url}"},
        "backend": {"CHATGATE_BACKEND_SECRET": "{book_secret}"},
    }[name]
    [check] = app["http_service"]["checks"]
    return Service(
        command=shlex.split(app["processes"]["app"]),
        environ={**app["env"], **secrets},
        port=app["http_service"]["internal_port"],
        grace=app["kill_timeout"],
        health=check["path"],
        target=app["build"]["build-target"],
        more=app,
    )


def railway(name: str) -> Service:
    file = json.loads((DEPLOY / "railway" / f"{name}.json").read_text())
    references = {
        "Redis.REDIS_URL": "{redis_url}",
        "Postgres.DATABASE_URL": "{database_url}",
        "backend.CHATGATE_BACKEND_SECRET": "{book_secret}",
        "backend.RAILWAY_PRIVATE_DOMAIN": "backend.railway.internal",
    }
    own = {"CHATGATE_BROKER_SECRET": "{broker_secret}", "CHATGATE_BACKEND_SECRET": "{book_secret}"}
    environ = {}
    for line in (DEPLOY / "railway" / f"{name}.env").read_text().splitlines():
        if not line.startswith("#"):
            key, _, value = line.partition("=")
            environ[key] = re.sub(r"\$\{\{([^}]+)\}\}", lambda found: references[found[1]], value) or own[key]
    return Service(
        command=shlex.split(file["deploy"]["startCommand"]),
        environ=environ,
        port=int(environ["PORT"]),
        grace=int(file["deploy"]["drainingSeconds"]),
        health=file["deploy"]["healthcheckPath"],
        target=environ.get("BUILD_TARGET", "service"),
        more=file,
    )


@cache
def blueprint() -> Any:
    [file] = yaml_documents((DEPLOY / "render" / "render.yaml").read_text())
    return file


def render(name: str) -> Service:
    file = blueprint()
    services = {one["name"]: one for one in file["services"]}
    one = services[f"chatgate-{name}"]
    groups = {group["name"]: group["envVars"] for group in file["envVarGroups"]}
    environ = {}
    for entry in one["envVars"]:
        for variable in groups[entry["fromGroup"]] if "fromGroup" in entry else [entry]:
            environ[variable["key"]] = _rendered(variable, services, file["databases"])
    return Service(
        command=shlex.split(one["dockerCommand"]),
        environ=environ,
        port=int(environ["PORT"]),
        grace=one["maxShutdownDelaySeconds"],
        health=one.get("healthCheckPath"),
        target=environ.get("BUILD_TARGET", "service"),
        more=one,
    )


def _rendered(variable: Mapping[str, Any], services: Mapping[str, Any], databases: Any) -> str:
    if "value" in variable:
        return str(variable["value"])
    if variable.get("generateValue"):
        return {
            "CHATGATE_BROKER_SECRET": "{broker_secret}",
            "CHATGATE_BACKEND_SECRET": "{book_secret}",
        }[variable["key"]]
    if "fromDatabase" in variable:
        assert variable["fromDatabase"]["name"] in [one["name"] for one in databases]
        return "{database_url}"
    source = variable["fromService"]
    assert services[source["name"]]["type"] == source["type"]
    if "envVarKey" in source:
        [named] = [
            one for one in services[source["name"]]["envVars"] if one.get("key") == source["envVarKey"]
        ]
        return _rendered(named, services, databases)
    return {"connectionString": "{redis_url}", "hostport": "chatgate-backend:8002"}[source["property"]]


def systemd(name: str) -> Service:
    unit = _unit(DEPLOY / "systemd" / "chatgate-.service.d" / "common.conf")
    for key, values in _unit(DEPLOY / "systemd" / f"chatgate-{name}.service").items():
        unit.setdefault(key, []).extend(values)
    environ = dict(one.split("=", 1) for one in unit["Environment"])
    credentials = dict(one.split(":", 1) for one in unit["LoadCredential"])
    for key, value in environ.items():
        if value.startswith("%d/"):
            assert credentials[value[3:]] == f"/etc/chatgate/secrets/{value[3:]}"
            environ[key] = f"{{{value[3:]}_file}}"
    assert environ.pop("CHATGATE_CONFIG", "/etc/chatgate/chatgate.toml") == "/etc/chatgate/chatgate.toml"
    return Service(
        command=shlex.split(unit["ExecStart"][0].replace("/opt/chatgate/.venv/bin/", "")),
        environ=environ,
        port={"broker": 8000, "proxy": 8001, "backend": 8002}[name],
        grace=int(unit["TimeoutStopSec"][0]),
        config=DEPLOY / "systemd" / "chatgate.toml",
        more=unit,
    )


def _unit(path: Path) -> dict[str, list[str]]:
    """The settings of [Service], each with its values in their order."""
    found: dict[str, list[str]] = {}
    section = None
    for line in path.read_text().splitlines():
        if line.startswith("["):
            section = line
        elif line and not line.startswith("#") and section == "[Service]":
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


@cache
def built(overlay: str) -> dict[tuple[str, str], Any]:
    """The objects that `kubectl apply -k` would send, by kind and name."""
    kubectl = Path(sys.executable).with_name("kubectl")
    done = subprocess.run(
        [kubectl, "kustomize", DEPLOY / "kubernetes" / overlay], capture_output=True, text=True, check=True
    )
    return {(one["kind"], one["metadata"]["name"]): one for one in yaml_documents(done.stdout)}


def kubernetes(name: str, overlay: str = "managed-redis") -> Service:
    objects = built(overlay)
    pod = objects["Deployment", name]["spec"]["template"]["spec"]
    container = next(one for one in pod["containers"] if one["name"] == name)
    environ = {one["name"]: one["value"] for one in container["env"]}
    mounts = {one["mountPath"]: one["name"] for one in container["volumeMounts"]}
    assert mounts["/run/chatgate"] == "secrets"
    for key, value in environ.items():
        if value.startswith("/run/chatgate/"):
            environ[key] = f"{{{Path(value).name}_file}}"
    assert environ.pop("CHATGATE_CONFIG", "/etc/chatgate/chatgate.toml") == "/etc/chatgate/chatgate.toml"
    [port] = [one["containerPort"] for one in container["ports"]]
    return Service(
        command=container["command"],
        environ=environ,
        port=port,
        grace=pod["terminationGracePeriodSeconds"] - container["lifecycle"]["preStop"]["sleep"]["seconds"],
        health=container["startupProbe"]["httpGet"]["path"],
        target=find(r"chatgate/(\w+)", container["image"])[1],
        config=DEPLOY / "kubernetes" / "base" / "chatgate.toml",
        more=pod,
    )


PLATFORMS = {
    "fly": fly,
    "railway": railway,
    "render": render,
    "systemd": systemd,
    "kubernetes": kubernetes,
}
