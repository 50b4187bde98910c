"""The package's own tests, which need no browser."""

import subprocess

import pytest

from tests.node_packages import WIDGET as FOLDER
from tests.node_packages import node
from tests.widget.package import built


@pytest.mark.node
def test_the_rules_of_the_core_and_the_view_hold():
    built()
    done = subprocess.run(
        [node(FOLDER), "node_modules/vitest/vitest.mjs", "run"], cwd=FOLDER, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
