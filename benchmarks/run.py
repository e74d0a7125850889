"""Run all benchmarks one after the other: ``python -m benchmarks.run [--quick] [--folder DIR]``."""

from __future__ import annotations

import argparse
import pkgutil
import subprocess
import sys
from pathlib import Path

NOT_MEASURING = {"documents", "guard", "harness", "java", "run"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--folder", type=Path, help="write one JSON file per benchmark here")
    options = parser.parse_args()
    names = sorted(
        entry.name for entry in pkgutil.iter_modules([str(Path(__file__).parent)]) if entry.name not in NOT_MEASURING
    )
    failed = []
    if options.folder is not None:
        options.folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        words = ["--quick"] if options.quick else []
        words += ["--output", str(options.folder / f"{name}.json")] if options.folder is not None else []
        print(f"== {name}", flush=True)
        if subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *words], check=False).returncode:
            failed.append(name)
    if failed:
        print(f"could not be measured: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
