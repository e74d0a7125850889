"""Receive against Java: JAXB with validation in a warm virtual machine, the same documents, in turn with our own.

Run: ``python -m benchmarks.jaxb [--quick] [--output FILE.json]``. Needs a JDK and Debian's ``libjaxb-java``, which
``tools/install_peers.sh --bench`` installs. JAXB's classes are generated from the schema by its own compiler; one unmarshaller
is used again and again, as its documentation advises. Java's time is that of its working thread, so its collector is free.
"""

from __future__ import annotations

import functools
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from benchmarks.documents import SIZES, documents, registry
from benchmarks.harness import Goal, arguments, outcome, report, write_results
from benchmarks.java import Peer, in_turn
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


def ours(data: tuple[bytes, ...], calls: int) -> tuple[float, int]:
    """The same in this process."""
    packages, letters = registry(), 0
    start = time.thread_time()
    for number in range(calls):
        received = receive(data[number % len(data)], packages)
        assert received.verdict.is_valid
        letters += len(received.record.Person.PersonIdentification.familyName)  # type: ignore[union-attr]  # a record of S071
    return (time.thread_time() - start) / calls, letters


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
            warm = "100" if options.quick else "400"
            with Peer(["java", "-cp", path, "JaxbPeer", str(schema), "peer.s071", str(files), warm]) as peer:
                work = {OURS: functools.partial(ours, data), THEIRS: peer.ask}
                times = in_turn(work, len(data), options.rounds)
            outcomes = [outcome(name, times[name], times[OURS]) for name in (OURS, THEIRS)]
            tables.append(report(f"receive against Java, S071 4.4, {size}", outcomes, GOALS))
    write_results("jaxb", tables, options.output)


if __name__ == "__main__":
    sys.exit(main())
