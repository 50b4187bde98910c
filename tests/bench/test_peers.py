"""`python -m bench --peers` with those servers that are here anyway, and its table."""

import os
import shutil
import subprocess
import sys

import pytest

from bench.peers import programs
from bench.peers.shown import Cost, Costs, table
from tests.processes import REPOSITORY


def rows_of(text):
    """The cells of each row of the table in `text`, its two heads left out."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@pytest.mark.system
def test_each_server_has_a_row_or_is_named_as_left_out(tmp_path):
    command = [sys.executable, "-m", "bench", "--peers", "--quick"]
    # An empty cache has none of the packages that the target of make installs.
    environ = os.environ | {"XDG_CACHE_HOME": str(tmp_path)}
    done = subprocess.run(command, cwd=REPOSITORY, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    rows = rows_of(done.stdout)
    units = [row[0] for row in rows]
    assert units == sorted(units)
    servers = [row[1] for row in rows]
    assert servers[0].startswith("chat proxy ")
    assert servers[1].startswith("bare ASGI, uvicorn ")
    assert next(row[1] for row in rows if row[0] == "token").startswith("/auth/token, broker ")
    for unit, _, cpu, valkey, ratio, rate, checks in rows:
        assert cpu.endswith(" µs")
        assert int(cpu.removesuffix(" µs").replace(",", "")) > 0
        assert valkey == "" or (valkey.endswith(" µs") and (unit == "token" or checks.startswith("token")))
        assert float(ratio.removesuffix(" ×")) > 0
        assert int(rate.replace(",", "")) > 0
        assert "session" in checks
    for program in (programs.NGINX, programs.HAPROXY, programs.BETTER_AUTH):
        is_here = program.find() is not None
        assert any(f"{program.name} " in server for server in servers) is is_here
        assert (f"Left out: {program.name}, which is not here; {program.get}." in done.stdout) is not is_here
    assert "Left out: LiteLLM, which is not here; `make bench-peers` installs it." in done.stdout
    assert ("Left out: Envoy, " in done.stdout) is (shutil.which("envoy") is None)
    assert done.stdout.count(f" on {os.cpu_count()} cores.") == 2


def test_the_table_has_medians_and_ratios_to_our_server_in_the_same_round():
    ours = Costs("token", "ours", "session", (Cost(100, 10, 5), Cost(300, 30, 1), Cost(200, 20, 3)))
    theirs = Costs("token", "theirs", "nothing", (Cost(50, None, 9), Cost(600, None, 7), Cost(1600, None, 8)))
    assert rows_of(table([ours, theirs])) == [
        ["token", "ours", "200 µs", "20 µs", "1.00 ×", "3", "session"],
        ["token", "theirs", "600 µs", "", "2.00 ×", "8", "nothing"],
    ]


def test_scenarios_are_refused_beside_peers():
    command = [sys.executable, "-m", "bench", "--peers", "chat"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 2
    assert "take no scenarios" in done.stderr
