"""Ask the public services whether an installed distribution has a known weakness, and say plainly when they were not reached.

``python -m tools.vulnerabilities`` prints one of three outcomes, as every check of the project does: ``clean`` only if
each distribution was looked up, ``vulnerable`` with exit code 1, else ``undetermined`` (0, or 3 with ``--strict``).
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import NamedTuple

SERVICES = ("pypi", "osv")
OWN = "eessi-toolkit"


class Outcome(NamedTuple):
    """What the services know together: weaknesses by distribution, those looked up, those that could not be."""

    weak: dict[str, list[str]]
    looked_up: frozenset[str]
    not_looked_up: frozenset[str]

    @property
    def word(self) -> str:
        if self.weak:
            return "vulnerable"
        return "undetermined" if self.not_looked_up or not self.looked_up else "clean"


def read(report: str) -> Outcome:
    """The outcome in pip-audit's JSON; a report that is none looked nothing up.

    pip-audit passes over what a service does not know and still calls the rest clean; here it counts as not looked up.
    """
    try:
        rows = json.loads(report)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return Outcome({}, frozenset(), frozenset())
    rows = [row for row in rows if row["name"] != OWN]
    skipped = frozenset(row["name"] for row in rows if "skip_reason" in row)
    weak = {row["name"]: [one["id"] for one in row["vulns"]] for row in rows if row.get("vulns")}
    return Outcome(weak, frozenset(row["name"] for row in rows) - skipped, skipped)


def together(outcomes: list[Outcome]) -> Outcome:
    """What one service could not look up, another may have."""
    looked_up = frozenset[str]().union(*(one.looked_up for one in outcomes))
    missed = frozenset[str]().union(*(one.not_looked_up for one in outcomes)) - looked_up
    weak = {name: ids for one in outcomes for name, ids in one.weak.items()}
    return Outcome(weak, looked_up, missed)


def ask(service: str) -> Outcome:
    command = [sys.executable, "-m", "pip_audit", "--local", "-s", service, "-f", "json", "--timeout", "5"]
    command += ["--progress-spinner", "off"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    except subprocess.TimeoutExpired:
        return Outcome({}, frozenset(), frozenset())
    return read(done.stdout)


def main(arguments: list[str]) -> int:
    found = together([ask(service) for service in SERVICES])
    for name, ids in sorted(found.weak.items()):
        print(f"vulnerabilities: {name}: {', '.join(ids)}")
    missed = f"; {len(found.not_looked_up)} could not be" if found.not_looked_up else ""
    print(f"vulnerabilities: {found.word}: {len(found.looked_up)} distributions were looked up{missed}")
    if found.word == "undetermined":
        print("vulnerabilities: no service could be asked about all; repeat this where one is reached")
        return 3 if "--strict" in arguments else 0
    return 1 if found.weak else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
