"""Write an invented SYN001 copy of any size: ``python tools/synthetic_directory.py FILE [--institutions 3200] ...``.

By default a Europe of 32 countries, 3,200 institutions, 99 processes and about a million competences over five years
(some 250 MB). Everything follows from the seed.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from eessi.directory.europe import Europe, plan


def main() -> None:
    """Read the arguments and write the copy."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--institutions", type=int, default=3200)
    parser.add_argument("--years", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--copy-version", default="1.0.0")
    told = parser.parse_args()
    europe = Europe(plan(told.institutions, years=told.years, seed=told.seed, version=told.copy_version))
    with told.file.open("wb") as file:
        europe.write(file)
    size = told.file.stat().st_size
    print(f"{told.file}: {told.institutions:,} institutions, {europe.competences:,} competences, {size:,} bytes")


if __name__ == "__main__":
    main()
