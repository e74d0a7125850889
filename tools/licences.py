"""Hold the licence of every installed distribution against EUPL-1.2, by the table ``licences.toml``.

``python -m tools.licences`` prints what does not fit or does not say, and ends with 1 if there is any.
"""

from __future__ import annotations

import importlib.metadata
import re
import sys
import tomllib
from importlib.metadata import Distribution
from pathlib import Path

from license_expression import ExpressionError, LicenseExpression, get_spdx_licensing

TABLE = tomllib.loads((Path(__file__).parent / "licences.toml").read_text(encoding="utf-8"))
MAY_BE_COMBINED = frozenset(TABLE["may_be_combined"]["permissive"] + TABLE["may_be_combined"]["named_in_the_appendix"])
SPDX = get_spdx_licensing()


def normal(name: str) -> str:
    """The name of a distribution as registries compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def licence_of(distribution: Distribution) -> str:
    """What a distribution says about its licence, as an SPDX expression; empty where it does not say it."""
    by_hand = TABLE["read_by_hand"].get(normal(distribution.name))
    if by_hand is not None:
        return str(by_hand["is"])
    meta = distribution.metadata
    said = meta.get("License-Expression") or ""
    if said:
        return said
    classifiers = [
        line.split("::")[-1].strip() for line in meta.get_all("Classifier") or [] if line.startswith("License ::")
    ]
    if classifiers:
        return " AND ".join(
            TABLE["spellings"].get(name, f"LicenseRef-{re.sub(r'[^A-Za-z0-9]+', '-', name)}") for name in classifiers
        )
    short = (meta.get("License") or "").strip()
    return str(TABLE["spellings"].get(short, short)) if len(short) < 60 else ""


def may_be_combined(expression: str) -> bool:
    """Whether a work under this SPDX expression may be used beside one under EUPL-1.2; an unknown one may not."""
    try:
        parsed = SPDX.parse(expression)
    except ExpressionError:
        return False
    return parsed is not None and _holds(parsed)


def _holds(part: LicenseExpression) -> bool:
    if isinstance(part, SPDX.OR):
        return any(_holds(one) for one in part.args)
    if isinstance(part, SPDX.AND):
        return all(_holds(one) for one in part.args)
    return str(part) in MAY_BE_COMBINED


def refused() -> dict[str, str]:
    """Each installed distribution whose licence does not fit, with what it says (``says nothing`` where it does not)."""
    found = {}
    for distribution in importlib.metadata.distributions():
        licence = licence_of(distribution)
        if not may_be_combined(licence):
            found[normal(distribution.name)] = licence or "says nothing"
    return found


def main() -> int:
    found = refused()
    for name, licence in sorted(found.items()):
        print(
            f"licences: {name}: {licence}: not known to go with EUPL-1.2; read its licence, then add a row to tools/licences.toml"
        )
    if not found:
        print(f"licences: all {len(list(importlib.metadata.distributions()))} installed distributions go with EUPL-1.2")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
