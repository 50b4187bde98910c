"""A network of the tests' own: cutting servers off there touches no other process of the machine."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.missing import cannot

INSIDE = "CHATGATE_TESTS_IN_NAMESPACE"
PATH = f"{os.environ['PATH']}:/usr/sbin:/sbin"
NEEDED = ("ip", "iptables", "unshare")


def run_inside(path: Path) -> None:
    """Runs the tests of a file in a new network namespace. Skips without the means, and in CI fails."""
    if os.geteuid() != 0 or not all(shutil.which(one, path=PATH) for one in NEEDED):
        cannot(f"a network to cut needs root, and {', '.join(NEEDED)} (on Debian, apt-get install iptables)")
    if subprocess.run(["unshare", "-n", "true"], capture_output=True).returncode:
        cannot("this system makes no network namespaces")
    # The logs of the services are left out: they fill screens.
    quiet = ["-p", "no:cacheprovider", "--show-capture=no"]
    # They are part of a turn that is taken already (tests/turns.py).
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_XDIST")}
    tests = [sys.executable, "-m", "pytest", *quiet, str(path)]
    done = subprocess.run(
        ["unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", *tests],
        capture_output=True,
        text=True,
        env={**environ, "PATH": PATH, INSIDE: "1"},
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-1000:]


@contextlib.contextmanager
def cut(one: str, others: Sequence[str]) -> Iterator[None]:
    """Nothing passes between the address `one` and `others`, while all others reach each of them."""
    # Dropped where it arrives: the sender hears nothing, while a blackholed route would refuse at once.
    both = [(a, b) for other in others for a, b in ((one, other), (other, one))]
    _each("-A", both)
    try:
        yield
    finally:
        _each("-D", both)


def _each(verb: str, pairs: Sequence[tuple[str, str]]) -> None:
    lines = "".join(f"{verb} INPUT -s {a} -d {b} -j DROP\n" for a, b in pairs)
    rules = f"*filter\n{lines}COMMIT\n"
    subprocess.run(["iptables-restore", "--noflush"], input=rules, text=True, check=True)
