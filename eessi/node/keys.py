"""What a case can be found by: personal identification numbers, as the documents carry them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from eessi.sed import Sed

__all__ = ["pins_of"]

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
