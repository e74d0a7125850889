"""Values for generated documents: allowed by their facets, plainly synthetic, in several alphabets."""

from __future__ import annotations

import base64
import datetime as dt
import random
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from eessi.errors import UsageError
from eessi.schemas.explain_patterns import sample
from eessi.schemas.explain_plan import Node
from eessi.schemas.explain_values import INTEGERS, STRINGS
from eessi.schemas.structure import Facets

__all__ = ["value_for"]

_WORDS: Final = (
    "Testfall", "Musterweg", "Przykład", "Příklad", "Παράδειγμα", "Пример", "Näide", "Pavyzdys", "Sýnishorn", "Exempel",
    "Ejemplo", "Exemplu", "Esimerkki", "Primjer", "Eżempju", "Példa", "Voorbeeld", "Eisimpláir", "Esempio", "Exemple",
)  # fmt: skip
"""The word for "example" in languages of the Union: nobody's name."""

_TRIES: Final = 200
_ENDS: Final = ("enddate", "dateend", "todate")


def value_for(node: Node, source: random.Random) -> str:
    """A text that the checks of ``node`` allow; the same for the same state of ``source``.

    :raises UsageError: when no such text is found, for facets that contradict each other.
    """
    facets = node.element.facets or Facets()
    codes = facets.enumeration or (node.codes.values if node.codes is not None else ())
    for _ in range(_TRIES):
        text = source.choice(codes) if codes else _made(facets, node.element.name, source)
        if node.check is None or node.check(text) is None:
            return text
    raise UsageError(f"no value found for {node.element.name}: its facets leave none that the generator knows")


def _made(facets: Facets, name: str, source: random.Random) -> str:
    if facets.patterns:
        return sample(facets.patterns[0], source)
    if facets.base in STRINGS:
        return _words(facets, source)
    if facets.base == "date":
        return _date(name, source)
    if facets.base in INTEGERS:
        return str(_integer(facets, source))
    if facets.base == "decimal":
        return _decimal(facets, source)
    maker = _OTHERS.get(facets.base)
    if maker is None:
        raise UsageError(f"the generator makes no {facets.base}")
    return maker(source)


def _words(facets: Facets, source: random.Random) -> str:
    low = facets.length or facets.min_length or 0
    high = facets.length or facets.max_length or 60
    wanted = source.randint(max(low, min(6, high)), max(low, min(high, 24)))
    text = source.choice(_WORDS)
    while len(text) < wanted:
        text += "-" + source.choice(_WORDS)
    return text[:wanted] if wanted < len(text) else text


def _date(name: str, source: random.Random) -> str:
    """Births before 2010, starts before ends; now and then with a time zone, which is legal."""
    low = name.casefold()
    first, last = (1940, 2009) if "birth" in low else (2021, 2029) if low in _ENDS else (2012, 2020)
    day = dt.date(first, 1, 1) + dt.timedelta(days=source.randrange((last - first) * 365))
    return day.isoformat() + source.choice(("",) * 18 + ("Z", "+02:00"))


def _integer(facets: Facets, source: random.Random) -> int:
    floor, top = INTEGERS[facets.base]
    low = int(facets.min_inclusive or (int(facets.min_exclusive) + 1 if facets.min_exclusive else floor or 0))
    high = int(facets.max_inclusive or (int(facets.max_exclusive) - 1 if facets.max_exclusive else top or low + 9999))
    if facets.total_digits is not None:
        high = min(high, 10**facets.total_digits - 1)
    return source.randint(max(low, -9999), max(low, min(high, max(low, -9999) + 99_999)))


def _decimal(facets: Facets, source: random.Random) -> str:
    places = min(2, facets.fraction_digits if facets.fraction_digits is not None else 2)
    low = Decimal(facets.min_inclusive or facets.min_exclusive or 0)
    high = Decimal(facets.max_inclusive or facets.max_exclusive or low + 99_999)
    cents = source.randint(0, max(0, int((high - low) * 10**places)))
    return f"{low + Decimal(cents) / 10**places:.{places}f}"


_OTHERS: Final[dict[str, Callable[[random.Random], str]]] = {
    "boolean": lambda source: source.choice(("true", "false", "1", "0")),
    "dateTime": lambda source: f"{_date('', source)[:10]}T{source.randrange(24):02}:{source.randrange(60):02}:00Z",
    "time": lambda source: f"{source.randrange(24):02}:{source.randrange(60):02}:00",
    "gYear": lambda source: str(source.randint(1990, 2030)),
    "gYearMonth": lambda source: f"{source.randint(1990, 2030)}-{source.randint(1, 12):02}",
    "gMonth": lambda source: f"--{source.randint(1, 12):02}",
    "gDay": lambda source: f"---{source.randint(1, 28):02}",
    "gMonthDay": lambda source: f"--{source.randint(1, 12):02}-{source.randint(1, 28):02}",
    "duration": lambda source: f"P{source.randint(1, 99)}D",
    "float": lambda source: f"{source.randint(0, 999)}.5",
    "double": lambda source: f"{source.randint(0, 999)}.5",
    "anyURI": lambda source: f"urn:example:{source.randrange(10**6)}",
    "language": lambda source: source.choice(("en", "fr", "de", "el")),
    "ID": lambda source: f"id{source.randrange(10**9)}",
    "NCName": lambda source: f"n{source.randrange(10**9)}",
    "Name": lambda source: f"n{source.randrange(10**9)}",
    "NMTOKEN": lambda source: f"n{source.randrange(10**9)}",
    "hexBinary": lambda source: source.randbytes(8).hex(),
    "base64Binary": lambda source: base64.b64encode(source.randbytes(9)).decode(),
}
