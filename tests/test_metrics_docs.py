"""docs/metrics.md has every family that the services tell, with its kind and its labels, and no other."""

import re
import time
from pathlib import Path
from typing import Any

import pytest

import broker.app
import broker.config
import chat_proxy.app
import chat_proxy.config
from edge.config.read import read
from edge.server.http1.door import Door
from edge.server.worker import add_workers
from edge.server.worker_metrics import add_worker
from edge.telemetry.logs import Written
from edge.telemetry.metrics import Metrics

ROOT = Path(__file__).parents[1]
ROW = re.compile(r"^\| `(chatgate_\w+)` \| (\w+) \| (.*?)\| .+ \|$", re.MULTILINE)
SECTIONS = {"broker": "Broker", "chat_proxy": "Chat proxy"}
APPS: dict[str, tuple[Any, Any]] = {
    "broker": (broker.app.create_app, broker.config),
    "chat_proxy": (chat_proxy.app.create_app, chat_proxy.config),
}


def documented(service):
    text = (ROOT / "docs" / "metrics.md").read_text()
    sections = dict(part.split("\n", 1) for part in text.split("\n## ")[1:])
    rows = ROW.findall(sections["Both services"]) + ROW.findall(sections[SECTIONS[service]])
    names = [name for name, _, _ in rows]
    assert len(names) == len(set(names))
    return {name: (kind, tuple(re.findall(r"`(\w+)`", labels))) for name, kind, labels in rows}


def exposed(service, tmp_path):
    secret = "the broker's secret of these tests, long"
    settings = read(
        ROOT / "chatgate" / "development.toml",
        {
            "CHATGATE_DATA_DIR": str(tmp_path),
            "CHATGATE_BROKER_SECRET": secret,
            "CHATGATE_BACKENDS_BOOK_SECRET": secret[::-1],
            "CHATGATE_BACKENDS_BOOK_URL": "http://127.0.0.1:8002",
            "CHATGATE_SITES_DOCS_ORIGINS": "http://127.0.0.1:3000",
            "CHATGATE_ENV": "development",
            "REDIS_URL": "unix:///nowhere",
        },
    )
    metrics = Metrics()
    create_app, config = APPS[service]
    create_app(config.resolve(settings), now=time.time, clock=time.monotonic, metrics=metrics)
    add_worker(metrics, Door(lambda _: True), Written())
    add_workers(metrics, 1, lambda: 0)
    return {name: (family.kind, family.labels) for name, (family, _) in metrics.snapshot().items()}


@pytest.mark.parametrize("service", SECTIONS)
def test_the_list_is_what_is_exposed(service, tmp_path):
    assert exposed(service, tmp_path) == documented(service)


@pytest.mark.parametrize("service", SECTIONS)
def test_names_say_their_unit_or_that_they_count(service, tmp_path):
    for name, (kind, _) in exposed(service, tmp_path).items():
        assert name.endswith("_total") == (kind == "counter"), name
        if kind == "histogram":
            assert name.endswith("_seconds"), name
