"""The files of Fly, Railway and Render have fields that these platforms know.

No package has the platforms' own schemas, so these are written after their references: Fly's `fly.toml`
configuration, Railway's config as code, Render's Blueprint specification. They know the fields that are used
here, and refuse every other.
"""

import json
import re
import tomllib

import jsonschema
import pytest

from tests.deploy.manifests import DEPLOY, blueprint


def table(required=(), **properties):
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


TEXT, WHOLE, YES_OR_NO = {"type": "string"}, {"type": "integer"}, {"type": "boolean"}
STRINGS = {"type": "object", "additionalProperties": TEXT}
DURATION = {"type": "string", "pattern": "^[0-9]+(ms|s|m)$"}

FLY = table(
    ["app", "primary_region", "build", "processes"],
    app={"type": "string", "pattern": "^[a-z0-9-]+$"},
    primary_region={"type": "string", "pattern": "^[a-z]{3}$"},
    kill_signal={"enum": ["SIGINT", "SIGTERM", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGKILL", "SIGSTOP"]},
    kill_timeout={"type": "integer", "minimum": 1, "maximum": 300},
    build={"oneOf": [table(["build-target"], **{"build-target": TEXT}), table(["image"], image=TEXT)]},
    deploy=table(
        strategy={"enum": ["rolling", "immediate", "canary", "bluegreen"]}, max_unavailable={"type": "number"}
    ),
    processes=STRINGS,
    env={**STRINGS, "propertyNames": {"not": {"pattern": "^FLY_"}}},
    mounts={"type": "array", "items": table(["source", "destination"], source=TEXT, destination=TEXT)},
    http_service=table(
        ["internal_port"],
        internal_port=WHOLE,
        force_https=YES_OR_NO,
        auto_stop_machines={"enum": ["off", "stop", "suspend"]},
        auto_start_machines=YES_OR_NO,
        min_machines_running=WHOLE,
        concurrency=table(
            ["type"], type={"enum": ["connections", "requests"]}, soft_limit=WHOLE, hard_limit=WHOLE
        ),
        checks={
            "type": "array",
            "items": table(
                ["path"],
                grace_period=DURATION,
                interval=DURATION,
                timeout=DURATION,
                method={"enum": ["GET", "HEAD"]},
                path={"type": "string", "pattern": "^/"},
            ),
        },
    ),
    vm={"type": "array", "items": table(size=TEXT, memory={"type": "string", "pattern": "^[0-9]+(mb|gb)$"})},
)

RAILWAY = table(
    ["build", "deploy"],
    **{"$schema": {"const": "https://railway.com/railway.schema.json"}},
    build=table(["builder"], builder={"enum": ["DOCKERFILE", "RAILPACK"]}, dockerfilePath=TEXT),
    deploy=table(
        ["startCommand"],
        startCommand=TEXT,
        healthcheckPath={"type": "string", "pattern": "^/"},
        healthcheckTimeout=WHOLE,
        restartPolicyType={"enum": ["ON_FAILURE", "ALWAYS", "NEVER"]},
        overlapSeconds={"type": "string", "pattern": "^[0-9]+$"},
        drainingSeconds={"type": "string", "pattern": "^[0-9]+$"},
    ),
)

_VARIABLE = {
    "oneOf": [
        table(["key", "value"], key=TEXT, value={"type": ["string", "integer"]}),
        table(["key", "generateValue"], key=TEXT, generateValue={"const": True}),
        table(["fromGroup"], fromGroup=TEXT),
        table(
            ["key", "fromDatabase"],
            key=TEXT,
            fromDatabase=table(["name", "property"], name=TEXT, property={"const": "connectionString"}),
        ),
        table(
            ["key", "fromService"],
            key=TEXT,
            fromService=table(
                ["type", "name"],
                type={"enum": ["web", "pserv", "worker", "keyvalue"]},
                name=TEXT,
                property={"enum": ["host", "port", "hostport", "connectionString"]},
                envVarKey=TEXT,
            ),
        ),
    ]
}
_VARIABLES = {"type": "array", "items": _VARIABLE}
RENDER = table(
    ["services"],
    envVarGroups={"type": "array", "items": table(["name", "envVars"], name=TEXT, envVars=_VARIABLES)},
    services={
        "type": "array",
        "items": {
            "oneOf": [
                table(
                    ["type", "name", "runtime"],
                    type={"enum": ["web", "pserv"]},
                    name=TEXT,
                    runtime={"const": "docker"},
                    dockerfilePath=TEXT,
                    dockerContext=TEXT,
                    dockerCommand=TEXT,
                    plan=TEXT,
                    numInstances={"type": "integer", "minimum": 1},
                    healthCheckPath={"type": "string", "pattern": "^/"},
                    maxShutdownDelaySeconds={"type": "integer", "minimum": 1, "maximum": 300},
                    domains={"type": "array", "items": TEXT},
                    envVars=_VARIABLES,
                ),
                table(
                    ["type", "name", "ipAllowList"],
                    type={"const": "keyvalue"},
                    name=TEXT,
                    plan=TEXT,
                    maxmemoryPolicy={"enum": ["noeviction", "allkeys-lru", "volatile-lru"]},
                    ipAllowList={"type": "array"},
                ),
            ]
        },
    },
    databases={
        "type": "array",
        "items": table(["name"], name=TEXT, databaseName=TEXT, plan=TEXT, ipAllowList={"type": "array"}),
    },
)


@pytest.mark.parametrize("path", sorted((DEPLOY / "fly").glob("*.toml")), ids=lambda path: path.name)
def test_fly_knows_every_field(path):
    app = tomllib.loads(path.read_text())
    jsonschema.validate(app, FLY)
    # Fly's own names cannot be told by one app of another otherwise.
    assert app["app"] == f"chatgate-{path.stem}"
    limits = app.get("http_service", {}).get("concurrency", {})
    assert limits.get("soft_limit", 0) <= limits.get("hard_limit", 0)


@pytest.mark.parametrize("path", sorted((DEPLOY / "railway").glob("*.json")), ids=lambda path: path.name)
def test_railway_knows_every_field(path):
    jsonschema.validate(json.loads(path.read_text()), RAILWAY)
    lines = path.with_suffix(".env").read_text().splitlines()
    assert all(line.startswith("#") or re.fullmatch(r"[A-Z_]+=.*", line) for line in lines)


def test_render_knows_every_field():
    jsonschema.validate(blueprint(), RENDER)


def test_a_field_that_is_misspelt_would_be_seen():
    wrong = {**blueprint(), "service": []}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(wrong, RENDER)


def test_ports_that_only_the_services_need_are_closed_to_others():
    for one in blueprint()["services"]:
        if one["type"] == "keyvalue":
            assert one["ipAllowList"] == []
        # A private service has no address of the public's.
        assert (one["name"] == "chatgate-backend") == (one["type"] == "pserv")
    assert [one["ipAllowList"] for one in blueprint()["databases"]] == [[]]
    for name in ("backend", "redis"):
        assert "--no-public-ips" in (DEPLOY / "fly" / f"{name}.toml").read_text()
