"""What a case can be found by: personal identification numbers, as the documents carry them, and days."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator

from eessi.node.vault import Vault
from eessi.sed import Sed

__all__ = ["days_between", "pin_digest", "pin_digests", "pins_of"]

_PIN = re.compile(r"(?P<block>.*/)?(?P<leaf>person(?:al)?identificationnumber)", re.IGNORECASE)


def pins_of(sed: Sed) -> Iterator[str]:
    """Every personal identification number of a document, as ``COUNTRY:NUMBER``; without a country just the number."""
    values = dict(sed.items())
    for path, text in values.items():
        found = _PIN.fullmatch(path)
        if found is None or not text.strip():
            continue
        block = found["block"] or ""
        country = values.get(f"{block}country") or values.get(f"{block}Country") or ""
        yield f"{country}:{text}"


def pin_digest(vault: Vault, pin: str, country: str | None = None) -> str:
    """The search key of one number; without a country it finds the number whatever country stands beside it."""
    return vault.digest("pin", f"{country or ''}:{pin}")


def pin_digests(vault: Vault, sed: Sed) -> tuple[str, ...]:
    """The search keys of a document: each number once with its country and once without."""
    pairs = [pin.partition(":") for pin in pins_of(sed)]
    return tuple(pin_digest(vault, pin, land) for country, _, pin in pairs for land in (country, None))


def days_between(first: dt.date | None, last: dt.date | None) -> tuple[str | None, str | None]:
    """Days, both included, as the first moment and the one behind the last, in the form in which a store orders moments."""
    return (
        None if first is None else first.isoformat(),
        None if last is None else (last + dt.timedelta(days=1)).isoformat(),
    )
