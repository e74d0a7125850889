"""The reduced search against the whole one for every process, in pieces that fit into the time there is.

Run: ``python -m tests.buc.comparisons [SECONDS]``. A process that is not recorded for this checker and these rows is compared
and its line written to ``tests/buc/data/compared.tsv``; a process once begun is finished. ``make test-long`` does all again.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import eessi
from eessi.buc import loading
from tests.buc.test_smaller import BOUNDS, compared

RECORD = Path(__file__).parent / "data" / "compared.tsv"
HEAD = "# process\tparticipants\tstates saved\tdate\tdigest of interpreter, checker and rows; written by tests/buc/comparisons.py\n"
ROOM = Path(eessi.__file__).parent / "buc"
DECIDING = (
    "alone", "case", "checking", "conditions", "definition", "event", "exploring", "judging", "loading", "local", "offers", "people",
    "program", "rules", "state", "symmetry",
)  # fmt: skip


def _hash(files: Iterable[Path]) -> str:
    parts = (hashlib.sha256(file.read_bytes()).hexdigest() for file in files)
    return hashlib.sha256("".join(parts).encode()).hexdigest()


RUNNING = _hash(ROOM / f"{name}.py" for name in DECIDING)
"""The interpreter and the checker as they were read when this began."""


def digest(code: str) -> str:
    """What an answer depends on: the interpreter, the checker and the rows of the process."""
    rows = _hash(ROOM / "definitions" / f"{name}.toml" for name in ("administrative", "conditions", code))
    return hashlib.sha256((RUNNING + rows).encode()).hexdigest()[:12]


def recorded() -> dict[str, list[str]]:
    lines = RECORD.read_text(encoding="utf-8").splitlines() if RECORD.exists() else []
    return {fields[0]: fields for line in lines if line[:1] != "#" and (fields := line.split("\t"))}


def left() -> Iterator[str]:
    known = recorded()
    for code in loading.codes():
        if not code.startswith("AD_") and (code not in known or known[code][4] != digest(code)):
            yield code


def main(seconds: float) -> int:
    end = time.monotonic() + seconds
    for code in list(left()):
        if time.monotonic() > end:
            break
        buc = eessi.buc(code)
        runs = (1, 2) if buc.is_multilateral else (1,)
        saved = sum(compared(buc, parties) for parties in runs)
        known = recorded()
        known[code] = [code, str(1 + runs[-1]), str(saved), dt.date.today().isoformat(), digest(code)]
        RECORD.write_text(HEAD + "".join("\t".join(known[one]) + "\n" for one in sorted(known)), encoding="utf-8")
        print(code, saved, flush=True)
    print(f"{len(list(left()))} processes are left; bounds: {BOUNDS}")
    return 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 600))
