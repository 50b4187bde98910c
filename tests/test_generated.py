import subprocess
import sys
from pathlib import Path

import pytest

from tests.node_packages import WIDGET, node

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("generator", sorted(path.name for path in (ROOT / "generators").glob("*.py")))
def test_generated_files_are_not_stale(generator):
    if generator == "widget_asset.py":
        node(WIDGET)
    done = subprocess.run(
        [sys.executable, ROOT / "generators" / generator, "--check"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
