"""A process that serves loads nothing that only a console needs."""

import subprocess
import sys

import pytest

LOADED = """
import sys
import {service}.__main__
import {service}.serve
sys.exit("rich.console" in sys.modules)
"""


@pytest.mark.parametrize("service", ["broker", "chat_proxy"])
def test_a_service_loads_no_console(service):
    subprocess.run([sys.executable, "-c", LOADED.format(service=service)], check=True)
