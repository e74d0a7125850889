"""Memory that really runs out: a document with a fault is never valid, whatever the moment at which it does."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from lxml import etree

from eessi.schemas import Registry
from eessi.schemas.generator import generate

RUN = """
import hashlib, resource, sys
from eessi.cli.program import run
import eessi.cli.validate, eessi.schemas, eessi.sed, eessi.sed.validation, eessi.findings.report_json
beyond = int(sys.argv[1]) * 1024
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + beyond, used + beyond))
sys.exit(run(["validate", sys.argv[2], "--format", "ndjson"]))
"""


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A large S071 with one wrong code, synthetic."""
    structure = Registry.default().structure("S071", "4.4")
    assert structure is not None
    data = generate(structure, 3, about_bytes=600_000).data
    head, found, tail = data.rpartition(b"<country><value>")
    assert found
    file = tmp_path_factory.mktemp("memory") / "large.xml"
    file.write_bytes(head + found + b"Q9" + tail[2:])
    return file


OLD_LXML = etree.LXML_VERSION < (6, 1)


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is set and measured as Linux does it")
@pytest.mark.parametrize("kilobytes", [0, 3_000, 9_000, 20_000, 400_000])
def test_no_limit_makes_it_valid(kilobytes: int, document: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(kilobytes), str(document)],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert '"valid"' not in done.stdout
    if done.returncode == -signal.SIGSEGV and OLD_LXML:
        return  # its C library does not ask whether it got memory; a process that is gone has called nothing valid
    assert "Traceback" not in done.stderr
    assert "well-formed" not in done.stderr, "the document is not to blame"
    if kilobytes == 400_000:
        assert done.returncode == 1, done.stderr
        assert '"SCH-CODE"' in done.stdout
    else:
        assert done.returncode in (1, 3, 5), done.stderr
        assert (done.returncode == 1) == ('"SCH-CODE"' in done.stdout)
        if kilobytes:  # with nothing at all left, the interpreter has its own say
            assert done.returncode == 1 or done.stderr.count("\n") <= 1
