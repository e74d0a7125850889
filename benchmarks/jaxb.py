"""Receive against Java: JAXB with validation in a warm virtual machine, the same documents, in turn with our own.

Run: ``python -m benchmarks.jaxb [--quick] [--output FILE.json]``. Needs a JDK and Debian's ``libjaxb-java``, which
``tools/install_peers.sh --bench`` installs. JAXB's classes are generated from the schema by its own compiler; one unmarshaller
is used again and again, as its documentation advises. Java's time is that of its working thread, so its collector is free.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

from benchmarks.documents import SIZES, documents, registry
from benchmarks.harness import Goal, arguments, outcome, report, write_results
from benchmarks.start import schema_file
from eessi.sed import receive

JAVA: Final = Path("/usr/share/java")
JARS: Final = (
    "jaxb-xjc", "jaxb-core", "jaxb-runtime", "jaxb-impl", "jaxb-api", "istack-commons-runtime", "istack-commons-tools",
    "javax.activation", "txw2", "xsom", "codemodel", "rngom", "dtd-parser", "relaxngDatatype", "xml-resolver", "stax-ex",
    "FastInfoset",
)  # fmt: skip
PEER: Final = Path(__file__).parent / "peers" / "JaxbPeer.java"
OURS, THEIRS = "receive: Sed, verdict, record", "JAXB and validation, warm Java"
GOALS: Final = (Goal(OURS, 1.2, 1.6, against=THEIRS),)


def class_path() -> str:
    """The libraries of Debian's package.

    :raises SystemExit: when they or a JDK are missing, in one line.
    """
    missing = [name for name in JARS if not (JAVA / f"{name}.jar").exists()]
    if missing or shutil.which("javac") is None:
        raise SystemExit("JAXB or a JDK is missing; run tools/install_peers.sh --bench")
    return ":".join(str(JAVA / f"{name}.jar") for name in JARS)


def built(schema: Path, folder: Path) -> str:
    """Generate JAXB's classes from the schema, compile them and the peer; the class path to run it."""
    libraries = class_path()
    made, classes = folder / "source", folder / "classes"
    made.mkdir()
    classes.mkdir()
    compiler = [
        "java",
        "-cp",
        libraries,
        "com.sun.tools.xjc.Driver",
        "-quiet",
        "-nv",
        "-d",
        str(made),
        "-p",
        "peer.s071",
    ]
    subprocess.run([*compiler, str(schema)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    sources = [str(path) for path in made.rglob("*.java")]
    quiet = ["javac", "-nowarn", "-proc:none", "-cp", libraries, "-d", str(classes)]
    subprocess.run([*quiet, *sources, str(PEER)], check=True, stderr=subprocess.DEVNULL)
    return f"{classes}:{libraries}"


class Peer:
    """The virtual machine with its documents, warmed up with some megabytes of them."""

    def __init__(self, path: str, schema: Path, folder: Path, warm: int) -> None:
        command = ["java", "-cp", path, "JaxbPeer", str(schema), "peer.s071", str(folder), str(warm)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._said: IO[str] | None = self._process.stdout
        self._asked: IO[str] | None = self._process.stdin

    def __enter__(self) -> Self:
        assert self._said is not None
        ready = self._said.readline().split()
        assert ready[:1] == ["ready"], ready
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def receive(self, calls: int) -> tuple[float, int]:
        """Seconds that a call takes, and the letters of all family names that were read."""
        assert self._asked is not None
        assert self._said is not None
        self._asked.write(f"{calls}\n")
        self._asked.flush()
        nanoseconds, letters = self._said.readline().split()
        return int(nanoseconds) / calls / 1e9, int(letters)


def ours(data: tuple[bytes, ...], calls: int) -> tuple[float, int]:
    """The same in this process."""
    packages, letters = registry(), 0
    start = time.thread_time()
    for number in range(calls):
        received = receive(data[number % len(data)], packages)
        assert received.verdict.is_valid
        letters += len(received.record.Person.PersonIdentification.familyName)  # type: ignore[union-attr]  # a record of S071
    return (time.thread_time() - start) / calls, letters


def compared(data: tuple[bytes, ...], peer: Peer, rounds: int) -> tuple[list[float], list[float]]:
    """Times of both, once in every round, in an order that changes."""
    calls = max(len(data), int(0.03 / ours(data, len(data))[0]) // len(data) * len(data))
    assert ours(data, len(data))[1] == peer.receive(len(data))[1], "they did not read the same"
    source, mine, theirs = random.Random(1), [], []
    for _ in range(rounds):
        for who in source.sample(("mine", "theirs"), 2):
            if who == "mine":
                mine.append(ours(data, calls)[0])
            else:
                theirs.append(peer.receive(calls)[0])
    return mine, theirs


def main() -> None:
    options = arguments(__doc__ or "")
    tables = []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        schema = schema_file(folder)
        path = built(schema, folder)
        for size in SIZES:
            data = documents(size)
            files = folder / size.replace(" ", "")
            files.mkdir()
            for number, one in enumerate(data):
                (files / f"{number:03}.xml").write_bytes(one)
            with Peer(path, schema, files, 100 if options.quick else 400) as peer:
                mine, theirs = compared(data, peer, options.rounds)
            outcomes = [outcome(OURS, mine, mine), outcome(THEIRS, theirs, mine)]
            tables.append(report(f"receive against Java, S071 4.4, {size}", outcomes, GOALS))
    write_results("jaxb", tables, options.output)


if __name__ == "__main__":
    sys.exit(main())
