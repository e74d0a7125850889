"""A private PostgreSQL server for tests, from the machine's own packages; gone when the tests are.

Reaches nobody: it listens on a socket in its own folder. Import the fixtures where they are needed::

    from tests.peers.postgresql import postgresql, postgresql_server  # noqa: F401
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

USERS = ("postgres", "nobody")
"""A server refuses to run as root; the first of these that exists runs it then."""


def binaries() -> Path | None:
    """The folder of initdb and pg_ctl of the newest installed version."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda file: int(file.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


def run_as() -> list[str]:
    """The words in front of a command so that it does not run as root."""
    if os.geteuid() != 0:
        return []
    known = {entry.pw_name for entry in pwd.getpwall()}
    user = next(name for name in USERS if name in known)
    runuser = shutil.which("runuser", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") or "runuser"
    return [runuser, "-u", user, "--"]


@pytest.fixture(scope="session")
def postgresql_server(absent: Callable[[str], None]) -> Iterator[str]:
    """URL of a private server's maintenance database."""
    if binaries() is None:
        absent("PostgreSQL")
    with server("-c fsync=off") as url:
        yield url


@contextmanager
def server(options: str = "") -> Iterator[str]:
    """A private server with these options; URL of its maintenance database."""
    bin = binaries()
    assert bin is not None
    folder = Path(tempfile.mkdtemp(prefix="eessi-pg-"))
    prefix = run_as()
    if prefix:
        os.chown(folder, pwd.getpwnam(prefix[2]).pw_uid, -1)
    data, log = folder / "data", folder / "log"
    quiet = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.STDOUT, "cwd": folder}
    ctl = [*prefix, str(bin / "pg_ctl"), "-D", str(data), "-w", "-t", "60"]
    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c max_connections=40 {options}"
    try:
        initdb = [
            *prefix,
            str(bin / "initdb"),
            "-D",
            str(data),
            "-U",
            "eessi",
            "--auth=trust",
            "-E",
            "UTF8",
            "--locale=C",
        ]
        subprocess.run(initdb, **quiet)  # type: ignore[call-overload]  # the same four options twice
        subprocess.run([*ctl, "-l", str(log), "-o", options, "start"], **quiet)  # type: ignore[call-overload]  # as above
        yield f"postgresql://eessi@/postgres?host={folder}"
    finally:
        if data.is_dir():
            subprocess.run([*ctl, "-m", "immediate", "stop"], check=False, stdout=subprocess.DEVNULL, cwd=folder)
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def database(server: str) -> Iterator[str]:
    """URL of an empty database of its own on a server."""
    import psycopg

    name = f"t{uuid.uuid4().hex[:16]}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")  # type: ignore[arg-type]  # a name made here
        yield server.replace("/postgres?", f"/{name}?")
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[arg-type]  # a name made here


@pytest.fixture
def postgresql(postgresql_server: str) -> Iterator[str]:
    """URL of an empty database of its own for one test."""
    with database(postgresql_server) as url:
        yield url
