"""AS4 against phase4 in a warm Java virtual machine: build a signed, compressed message, and take one apart.

Run: ``python -m benchmarks.phase4 [--quick] [--output FILE.json]``. Needs a JDK and Maven, which ``tools/install_peers.sh`` installs;
phase4 comes from Maven Central. Both have the same payloads and the same RSA key, each opens what it built itself, and ours must
accept what phase4 built before anything is timed. Java's time is that of its working thread, so its collector is free.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

from benchmarks.as4 import KEY, NOW, build, opened
from benchmarks.documents import SIZES, documents
from benchmarks.harness import Goal, arguments, outcome, report, write_results
from benchmarks.java import Peer, Work, in_turn
from eessi.transport.judge import Result, judge
from eessi.transport.policy import EnvelopePolicy

TREE: Final = Path(__file__).parent.parent / "tests" / "peers" / "phase4"
SOURCES: Final = (TREE / "src/main/java/peer/Phase4Peer.java", Path(__file__).parent / "peers" / "Phase4Bench.java")
BUILD, OPEN, BOTH = "build", "open", "build and open"
THEIRS: Final = "phase4, warm Java: "
GOALS: Final = (*(Goal(name, 1.0, against=THEIRS + name) for name in (BOTH, BUILD, OPEN)),)


def class_path(folder: Path) -> str:
    """phase4, its dependencies and the compiled peer.

    :raises SystemExit: when Maven, a JDK or Maven Central is missing, in one line.
    """
    file, classes = folder / "classpath", folder / "classes"
    classes.mkdir()
    command = ["mvn", "-q", "-B", "-f", str(TREE / "pom.xml"), f"-Dpeer.build={folder}"]
    try:
        subprocess.run(
            [*command, "dependency:build-classpath", f"-Dmdep.outputFile={file}"], check=True, stdout=sys.stderr
        )
        libraries = file.read_text()
        quiet = ["javac", "-nowarn", "-proc:none", "-cp", libraries, "-d", str(classes)]
        subprocess.run([*quiet, *map(str, SOURCES)], check=True)
    except (OSError, subprocess.CalledProcessError):
        raise SystemExit("phase4, Maven or a JDK is missing; run tools/install_peers.sh") from None
    return f"{classes}:{libraries}"


def lay_out(data: tuple[bytes, ...], folder: Path) -> None:
    """The key and the payloads, where the peer finds them."""
    folder.mkdir()
    key = pkcs12.serialize_key_and_certificates(
        b"peer", KEY.private_key, KEY.certificate, None, BestAvailableEncryption(b"secret")
    )
    (folder / "own.p12").write_bytes(key)
    for number, one in enumerate(data):
        (folder / f"{number:03}.xml").write_bytes(one)


def check(folder: Path, first: bytes) -> None:
    """What phase4 built is a message: signed by our key, with the payload inside."""
    kind = " ".join((folder / "built.type").read_text().split())
    found = judge(
        (folder / "built.bin").read_bytes(), kind, policy=EnvelopePolicy(), signers=lambda _envelope, _on: (KEY.certificate,), on=NOW
    )  # fmt: skip
    assert found.result is Result.ACCEPT, found.findings
    assert [(one.compressed, one.content()) for one in found.payloads] == [(True, first)]


def ours(data: tuple[bytes, ...]) -> dict[str, Work]:
    """The same in this process."""
    messages = [build(one) for one in data]

    def building(calls: int) -> tuple[float, int]:
        octets, start = 0, time.thread_time()
        for number in range(calls):
            octets += len(data[number % len(data)]) if build(data[number % len(data)]).body else 0
        return (time.thread_time() - start) / calls, octets

    def opening(calls: int) -> tuple[float, int]:
        octets, start = 0, time.thread_time()
        for number in range(calls):
            found = opened(messages[number % len(data)])
            assert found.result is Result.ACCEPT
            octets += len(found.payloads[0].content())
        return (time.thread_time() - start) / calls, octets

    return {BUILD: building, OPEN: opening}


def main() -> None:
    options = arguments(__doc__ or "")
    tables = []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        path = class_path(folder)
        for size in SIZES:
            data = documents(size)[:10]
            files = folder / size.replace(" ", "")
            lay_out(data, files)
            command = [
                "java",
                "-cp",
                path,
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=error",
                "peer.Phase4Bench",
                str(files),
            ]
            with Peer([*command, "500" if options.quick else "3000"]) as peer:
                check(files, data[0])
                theirs = {THEIRS + name: (lambda calls, name=name: peer.ask(calls, name)) for name in (BUILD, OPEN)}
                times = in_turn({**ours(data), **theirs}, len(data), options.rounds)
            for whose in ("", THEIRS):
                times[whose + BOTH] = [
                    sum(pair) for pair in zip(times[whose + BUILD], times[whose + OPEN], strict=True)
                ]
            outcomes = [outcome(name, times[name], times[BOTH]) for name in sorted(times)]
            tables.append(report(f"AS4 against phase4, signed and compressed, RSA 3072, {size}", outcomes, GOALS))
    write_results("phase4", tables, options.output)


if __name__ == "__main__":
    sys.exit(main())
