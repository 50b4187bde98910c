"""The units of deploy/systemd, as systemd itself judges them, and what stands beside them on one machine."""

import ctypes
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.deploy.machine import SYSTEMD, Machine, Reader
from tests.deploy.manifests import SERVICES, systemd
from tests.missing import cannot
from tests.ports import free_ports
from tests.processes import serving

CADDY = Path(sys.executable).with_name("caddy")
UNITS = sorted(path.name for kind in ("service", "target", "timer") for path in SYSTEMD.glob(f"*.{kind}"))
MOST_EXPOSED = {"backup-chatgate.service": 30}
"""In tenths, of 100, by `systemd-analyze security`; 15 for the services that strangers reach."""

PR_SET_MDWE, PR_GET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN = 65, 66, 1


@pytest.fixture(scope="module")
def analyze(tmp_path_factory):
    """systemd-analyze over a copy of the units, whose programs are there."""
    program = shutil.which("systemd-analyze")
    if program is None:
        cannot("units are judged by systemd-analyze (on Debian, apt-get install systemd)")
    folder = tmp_path_factory.mktemp("units")
    shutil.copytree(SYSTEMD, folder, dirs_exist_ok=True)
    for unit in folder.glob("*.service"):
        text = unit.read_text().replace("/opt/chatgate/.venv/bin/python", sys.executable)
        unit.write_text(text.replace("/opt/chatgate/deploy/systemd", str(SYSTEMD)))

    def run(*words):
        environ = {**os.environ, "SYSTEMD_UNIT_PATH": f"{folder}:"}
        paths = [str(folder / word) if word in UNITS else word for word in words]
        return subprocess.run([program, *paths], env=environ, capture_output=True, text=True, timeout=60)

    return run


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_reads_every_unit_without_a_remark(analyze, unit):
    done = analyze("verify", unit)
    # Other units of the machine have remarks of their own.
    remarks = [line for line in done.stderr.splitlines() if "chatgate" in line]
    assert (done.returncode, remarks) == (0, [])


@pytest.mark.parametrize("unit", [name for name in UNITS if name.endswith(".service")])
def test_every_service_is_shut_in(analyze, unit):
    threshold = MOST_EXPOSED.get(unit, 15)
    done = analyze("security", "--offline=true", f"--threshold={threshold}", unit)
    assert done.returncode == 0, done.stdout[-200:]


def test_every_service_has_a_user_of_its_own():
    users = re.findall(r"^u (\S+) ", (SYSTEMD / "chatgate.sysusers").read_text(), re.MULTILINE)
    assert [systemd(name).more["User"] for name in SERVICES] == [[user] for user in users]


@pytest.fixture
def machine(tmp_path):
    machine = Machine(tmp_path / "machine")
    machine.set_up()
    return machine


def test_secrets_that_are_there_are_kept(machine):
    before = {one.name: one.read_text() for one in (machine.etc / "secrets").iterdir()}
    (machine.etc / "secrets" / "book_secret").unlink()
    machine.run("secrets.sh")
    after = {one.name: one.read_text() for one in (machine.etc / "secrets").iterdir()}
    assert {name for name in before if before[name] != after[name]} == {"book_secret"}
    assert {one.stat().st_mode & 0o777 for one in (machine.etc / "secrets").iterdir()} == {0o600}
    assert (machine.etc / "secrets").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("user", "words", "told"),
    [
        ("chatgate", ("set", "cg:a", "1"), "OK"),
        ("chatgate", ("set", "other", "1"), "NOPERM"),
        ("chatgate", ("flushall",), "NOPERM"),
        ("chatgate", ("config", "get", "maxmemory-policy"), "noeviction"),
        ("backup", ("get", "cg:a"), "NOPERM"),
        ("nobody", ("ping",), "NOAUTH"),
    ],
)
def test_each_user_of_redis_may_do_its_own_work(machine, user, words, told):
    with machine.running_redis():
        assert told in machine.ask_redis(user, *words)


@pytest.mark.system
def test_the_broker_runs_where_no_memory_becomes_code(machine):
    """As MemoryDenyWriteExecute has it; the kernel is asked for the same without systemd."""
    if ctypes.CDLL(None).prctl(PR_GET_MDWE, 0, 0, 0, 0) == -1:
        cannot("the kernel is older than 6.3")
    wrapped = (
        "import ctypes, os, sys\n"
        f"assert ctypes.CDLL(None).prctl({PR_SET_MDWE}, {PR_MDWE_REFUSE_EXEC_GAIN}, 0, 0, 0) == 0\n"
        "os.execv(sys.argv[1], sys.argv[1:])\n"
    )
    service = systemd("broker")
    command = [sys.executable, "-c", wrapped, sys.executable, *service.command[1:]]
    url = f"{machine.broker}/readyz"
    own = machine.environ_of("broker")
    with machine.running_redis(), serving(command, url, folder=machine.folder, environ=own):
        # A password is hashed, and a key signs: the native parts work.
        reader = Reader("ann")
        assert reader.sign_up(machine).status_code == 200
        assert reader.token(machine).status_code == 200


def test_caddy_takes_its_file(tmp_path):
    command: list[str | Path] = [
        CADDY,
        "validate",
        "--adapter",
        "caddyfile",
        "--config",
        SYSTEMD / "Caddyfile",
    ]
    environ = {**os.environ, "HOME": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, env=environ)
    assert done.returncode == 0, done.stderr


@pytest.mark.system
def test_behind_caddy_is_what_readers_need(machine):
    [auth, chat] = free_ports(2)
    # Names and certificates are left out; the rest of the file is used as it is.
    text = (SYSTEMD / "Caddyfile").read_text().replace("{\n", "{\n\tadmin off\n\tauto_https off\n", 1)
    for host, port in (("auth", auth), ("chat", chat)):
        text = text.replace(f"{host}.example.org {{", f"http://127.0.0.1:{port} {{")
    (machine.folder / "Caddyfile").write_text(
        text.replace(":8000", f":{machine.ports['broker']}").replace(":8001", f":{machine.ports['proxy']}")
    )
    command = [CADDY, "run", "--adapter", "caddyfile", "--config", machine.folder / "Caddyfile"]
    environ = {**os.environ, "HOME": str(machine.folder)}
    with machine.running("broker"):
        url = f"http://127.0.0.1:{auth}"
        with serving(command, f"{url}/.well-known/jwks.json", environ=environ, folder=machine.folder):
            machine.broker = url
            reader = Reader("ann")
            reader.http.headers["X-Forwarded-For"] = "203.0.113.9"
            joined = reader.sign_up(machine)
            assert joined.status_code == 200
            assert joined.headers["strict-transport-security"] == "max-age=31536000"
            assert reader.token(machine).status_code == 200
            # Caddy put its own word in the place of what was claimed.
            assert "127.0.0.1" in machine.command("sessions", "list", "ann@example.com")
            for path in ("/healthz", "/readyz"):
                assert httpx.get(f"{url}{path}").status_code == 404
