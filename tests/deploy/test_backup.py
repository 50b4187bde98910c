"""A machine is lost, and set up again from its backup by the scripts of deploy/systemd."""

import shutil
import subprocess

import pytest

from tests.deploy.machine import PASSWORD, Machine, Reader
from tests.deploy.postgres import DATABASE, OWNER, postgres_server, tool
from tests.deploy.postgres import PASSWORD as DATABASE_PASSWORD

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def lost(tmp_path_factory):
    """A machine leaves its backup, and readers who were signed in when it was made."""
    folder = tmp_path_factory.mktemp("lost")
    machine = Machine(folder / "machine")
    machine.set_up()
    readers = {name: Reader(name) for name in ("ann", "bob", "cat")}
    with machine.running("broker", "proxy"):
        for name in ("ann", "bob"):
            assert readers[name].sign_up(machine).status_code == 200
        readers["token"] = readers["ann"].token(machine).json()["token"]
        backup = machine.run("backup.sh", folder / "backups")
        # After it: one signs out, and another joins.
        assert readers["bob"].sign_out(machine).json() == {"success": True}
        assert readers["bob"].token(machine).status_code == 401
        assert readers["cat"].sign_up(machine).status_code == 200
    shutil.rmtree(machine.folder)
    return backup, readers, machine.redis_port


@pytest.fixture
def machine(tmp_path):
    """Another one, on which nothing but the programs is."""
    return Machine(tmp_path / "machine")


@pytest.fixture
def next_machine(tmp_path, lost):
    """The same, whose Redis listens where the lost one's did, as everywhere it is 6379."""
    return Machine(tmp_path / "machine", lost[2])


def test_readers_sign_in_again_after_a_loss(lost, next_machine):
    backup, readers, _ = lost
    machine = next_machine
    machine.run("restore.sh", backup)
    with machine.running("broker", "proxy"):
        ann = readers["ann"]
        assert ann.token(machine).status_code == 401
        assert ann.conversations(machine, readers["token"]).status_code == 401
        again = Reader("ann")
        assert again.sign_in(machine).status_code == 200
        token = again.token(machine).json()["token"]
        assert again.conversations(machine, token).status_code == 200
        # A reader who joined after the backup has to join again.
        assert Reader("cat").sign_in(machine).status_code == 401
        assert Reader("cat").sign_up(machine).status_code == 200


def test_readers_stay_signed_in_where_the_sessions_are_restored(lost, next_machine):
    backup, readers, _ = lost
    machine = next_machine
    machine.run("restore.sh", backup, "--sessions")
    with machine.running("broker", "proxy"):
        ann, bob = readers["ann"], readers["bob"]
        token = ann.token(machine).json()["token"]
        assert ann.conversations(machine, token).status_code == 200
        # The signing keys are the same, so a token from before is good for the rest of its five minutes.
        assert ann.conversations(machine, readers["token"]).status_code == 200
        # A sign-out after the backup is undone, as docs/deploying.md says, until all sessions are ended.
        assert bob.token(machine).status_code == 200
        machine.command("sessions", "revoke", "--all")
        assert ann.token(machine).status_code == 401
        assert bob.token(machine).status_code == 401
    # Redis keeps the restored sessions in its log, so they are there at the next start.
    with machine.running("broker"):
        assert Reader("ann").sign_in(machine).status_code == 200


def test_a_backup_is_its_owners_alone(lost):
    backup, *_ = lost
    listed = subprocess.run(["find", backup, "-perm", "/077", "-not", "-path", "*/etc*"], capture_output=True)
    assert listed.stdout == b""
    assert subprocess.run(["stat", "-c", "%a", backup], capture_output=True).stdout.strip() == b"700"


def test_accounts_in_postgres_come_back_from_a_dump(machine, tmp_path):
    machine.set_up()
    with postgres_server() as before:
        before.make_database()
        url = f"postgresql://{OWNER}:{DATABASE_PASSWORD}@127.0.0.1:{before.port}/{DATABASE}"
        machine.more["CHATGATE_BROKER_DATABASE_URL"] = url
        with machine.running("broker"):
            assert Reader("ann").sign_up(machine).status_code == 200
        dump = tmp_path / "accounts.dump"
        run("pg_dump", "--format=custom", "--no-owner", f"--file={dump}", url)
    with postgres_server() as after:
        after.make_database()
        url = f"postgresql://{OWNER}:{DATABASE_PASSWORD}@127.0.0.1:{after.port}/{DATABASE}"
        run("pg_restore", "--no-owner", "--exit-on-error", f"--dbname={url}", dump)
        machine.more["CHATGATE_BROKER_DATABASE_URL"] = url
        with machine.running("broker"):
            assert Reader("ann").sign_in(machine).status_code == 200
            assert PASSWORD not in dump.read_bytes().decode("latin-1")


def run(name, *words):
    done = subprocess.run([tool(name), *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
