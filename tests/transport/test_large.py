"""Large attachments: from file to file over two access points, encrypted between them, with little memory anywhere."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="peak memory is read from /proc")

HERE = Path(__file__).parent
RUNNER = HERE / "large_runner.py"
MIB = 1024 * 1024


def started(folder: Path, *arguments: object, runner: Path = RUNNER) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent.parent), "TMPDIR": str(folder)}
    command = [sys.executable, str(runner), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def ended(process: subprocess.Popen[str]) -> str:
    said, wrong = process.communicate(timeout=1300)
    assert process.returncode == 0, wrong[-3000:]
    return said.split()[-1]


def free_ports() -> tuple[int, int]:
    with socket.socket() as first, socket.socket() as second:
        for one in (first, second):
            one.bind(("127.0.0.1", 0))
        return first.getsockname()[1], second.getsockname()[1]


def carried(folder: Path, size: int, *, ends: Path = RUNNER) -> dict[str, float]:
    """Send a file of that size; the peak memory in MiB of every process that had a part in it.

    :param ends: the program of sender and receiver.
    """
    file, (one, two) = folder / "scan.bin", free_ports()
    digest = ended(started(folder, "make", file, size))
    points = [started(folder, "point", 0, one, two, folder), started(folder, "point", 1, two, one, folder)]
    try:
        for port in (one, two):
            listens(port)
        sender = started(folder, "send", one, folder, file, runner=ends)
        receiver = started(folder, "pull", two, folder, digest, runner=ends)
        peaks = {"receiver": ended(receiver), "sender": ended(sender)}
    finally:
        (folder / "stop").touch()
        said = [ended(point) for point in points]
    peaks |= {"first access point": said[0], "second access point": said[1]}
    assert [one.name for one in folder.iterdir() if "tmp" in one.name] == [], "a file was left behind"
    return {name: int(kib) / 1024 for name, kib in peaks.items()}


def listens(port: int) -> None:
    for _ in range(300):
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    pytest.fail("an access point did not start")


def test_forty_megabytes_take_no_more_memory_than_the_programs_themselves(tmp_path: Path) -> None:
    """A copy of the part in memory would not fit under the limit: the programs alone take 70 to 90 MiB."""
    peaks = carried(tmp_path, 40 * MIB)
    assert max(peaks.values()) < 110, peaks


@pytest.mark.long
def test_five_hundred_megabytes_in_less_than_128_megabytes_of_memory(tmp_path: Path) -> None:
    peaks = carried(tmp_path, 500 * 1_000_000)
    assert max(peaks.values()) * MIB < 128_000_000, peaks
    print(peaks)
