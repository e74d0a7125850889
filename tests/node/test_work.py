"""``eessi node work`` as an operator runs it: started, asked how it is, stopped by a signal."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from eessi.cli.program import run
from tests.node.sharing import came_in
from tests.node.test_commands import FR, free_port

COMMAND = [sys.executable, "-c", "from eessi.cli import main; main()", "node", "work"]


def config_of(folder: Path, store: str = "eessi.db") -> Path:
    """A node behind a double that does not run."""
    assert run(["access-point", "init", str(folder / "ap")]) == 0
    words = ["node", "init", str(folder / "fr"), "--access-point", str(folder / "ap" / "access-point.toml")]
    assert run([*words, "--institution", FR, "--url", f"http://127.0.0.1:{free_port()}"]) == 0
    file = folder / "fr" / "node.toml"
    lines = file.read_text().splitlines()
    at = next(no for no, line in enumerate(lines) if line.startswith("institution"))
    file.write_text("\n".join([*lines[: at + 1], f'store = "{store}"', *lines[at + 1 :]]) + "\n")
    return file


@contextmanager
def working(config: Path, log: Path, *more: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    address = f"127.0.0.1:{free_port()}"
    with log.open("wb") as stderr:
        process = subprocess.Popen(
            [*COMMAND, "--config", str(config), "--health", address, *more], stderr=stderr, env=dict(os.environ)
        )
        try:
            yield process, f"http://{address}"
        finally:
            if process.poll() is None:
                process.kill()
            process.wait(30)


def asked(url: str, seconds: float = 30) -> tuple[int, dict[str, object]]:
    """The answer, as soon as there is one."""
    until = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def events(log: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in log.read_text().splitlines()]


def waited_for(log: Path, event: str, count: int, seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while sum(line["event"] == event for line in events(log)) < count:
        assert time.monotonic() < until, log.read_text()
        time.sleep(0.1)


def test_on_sqlite_one_process_works_until_the_signal(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with working(config_of(tmp_path), log, "--pause", "0.1") as (process, url):
        code, found = asked(f"{url}/health")
        assert (code, found["healthy"]) == (200, True)
        assert asked(f"{url}/ready") == (200, {"ready": True, "store": "sqlite", "waiting": 0})
        assert asked(f"{url}/other")[0] == 404
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert [line["event"] for line in events(log)] == ["started", "stopped"]


def test_what_is_pushed_is_taken_in_while_it_works(tmp_path: Path) -> None:
    """A message comes to the address; one of a stranger is refused with an ebMS error, by the same judge as everywhere."""
    strange = came_in(tmp_path, 1)[0]
    port, log = free_port(), tmp_path / "log"
    more = ("--pause", "0.1", "--listen", f"127.0.0.1:{port}")
    with working(config_of(tmp_path), log, *more) as (process, url):
        assert asked(f"{url}/health")[0] == 200
        question = urllib.request.Request(  # an address of this machine
            f"http://127.0.0.1:{port}/as4", strange.body, {"content-type": strange.content_type}, method="POST"
        )
        until = time.monotonic() + 20
        while True:
            try:
                with urllib.request.urlopen(question, timeout=10) as answer:
                    code, body = answer.status, answer.read()
            except urllib.error.HTTPError as error:
                with error:
                    code, body = error.code, error.read()
            except urllib.error.URLError:
                assert time.monotonic() < until, log.read_text()
                time.sleep(0.1)
                continue
            break
        assert b"EBMS:" in body, (code, body)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert [line["event"] for line in events(log)] == ["started", "stopped"]


@pytest.mark.peers
def test_on_postgresql_a_lost_worker_is_replaced_and_all_end_at_the_signal(postgresql: str, tmp_path: Path) -> None:
    import psycopg

    log = tmp_path / "log"
    with working(config_of(tmp_path, postgresql), log, "--workers", "2") as (process, url):
        waited_for(log, "started", 2)
        assert asked(f"{url}/health") == (200, {"healthy": True, "workers": 2})
        assert asked(f"{url}/ready")[1]["store"] == "postgresql"
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        workers = [pid for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        assert len(workers) == 2
        os.kill(int(workers[0]), signal.SIGKILL)
        waited_for(log, "started", 3)
        [lost] = [line for line in events(log) if line["event"] == "worker lost"]
        assert lost["code"] == -signal.SIGKILL
        with psycopg.connect(postgresql) as connection:
            assert connection.execute("SELECT count(*) FROM eessi_job_script").fetchone() != (0,)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    assert sum(line["event"] == "stopped" for line in events(log)) == 2


def test_what_cannot_be_run_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = str(config_of(tmp_path))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        for more, told in (
            (["--workers", "2"], "several workers need a store on PostgreSQL"),
            (["--health", "8080"], "--health is HOST:PORT"),
            (["--health", f"127.0.0.1:{port}"], "nothing can listen"),
            (["--listen", "8080"], "--listen is HOST:PORT"),
            (["--listen", f"127.0.0.1:{port}"], "nothing can listen"),
        ):
            capsys.readouterr()
            assert run(["node", "work", "--config", config, *more]) == 2
            err = capsys.readouterr().err.strip().splitlines()
            assert len(err) == 1
            assert told in err[0]
