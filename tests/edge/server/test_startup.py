"""A service starts without the parts of libraries that no service uses, and with its garbage collector."""

import os
import subprocess
import sys

import pytest

LOADED = """
import sys
import {service}.__main__
import {service}.serve
unused = ("rich.console", "pydantic.v1.main", "greenlet", "plugin_of_another")
unused += ("redis.client", "redis.asyncio.client", "redis.commands", "opentelemetry.sdk.metrics")
print(*(one for one in unused if one in sys.modules))
from fastapi.openapi.models import OpenAPI
if OpenAPI.__pydantic_complete__:
    print("models of OpenAPI")
"""


@pytest.fixture
def installed(tmp_path):
    """A folder with an installed plugin for pydantic."""
    (tmp_path / "plugin_of_another.py").write_text("plugin = None\n")
    info = tmp_path / "plugin_of_another-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: plugin-of-another\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[pydantic]\nplugin = plugin_of_another:plugin\n")
    return tmp_path


@pytest.mark.parametrize("service", ["broker", "chat_proxy"])
def test_a_service_loads_no_unused_part(service, installed):
    words = [sys.executable, "-c", LOADED.format(service=service)]
    environ = os.environ | {"PYTHONPATH": f"{installed}:."}
    run = subprocess.run(words, env=environ, capture_output=True, text=True, check=True)
    assert run.stdout.split() == []


def test_the_garbage_collector_is_off_while_a_service_is_imported_and_not_later(tmp_path):
    (tmp_path / "probe").mkdir()
    looks = "import gc\nprint(gc.isenabled())\n\ndef run(*_):\n    print(gc.isenabled())\n    return 0\n"
    (tmp_path / "probe" / "serve.py").write_text(looks)
    code = "import edge.server.startup; from edge.server import start; "
    code += "start._serve(start.Service('probe', 'broker', 'broker'), None, None, None)"
    environ = os.environ | {"PYTHONPATH": f"{tmp_path}:."}
    run = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == ["False", "True"]
