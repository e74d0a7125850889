"""Two runs side by side: what changed in what was sent, checked and allowed, and not in what changes every time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import attrs
from pydantic import JsonValue

__all__ = ["VOLATILE", "Difference", "compare"]

VOLATILE: Final = frozenset(
    {
        "at",
        "started",
        "ended",
        "sha256",
        "size",
        "instance_id",
        "set_id",
        "case_id",
        "created",
        "file",
        "line",
        "seed",
        "way",
        "transport",
    }
)
"""Keys whose values differ between two runs that mean the same: times, identifiers, hashes, the way of the transport, comments, places in a file."""


@attrs.frozen(slots=True)
class Difference:
    """One place where two runs differ; a side that has nothing there is ``None``."""

    place: str
    old: JsonValue
    new: JsonValue

    def __str__(self) -> str:
        return f"{self.place}: {_shown(self.old)} became {_shown(self.new)}"


def compare(old: Mapping[str, JsonValue], new: Mapping[str, JsonValue]) -> tuple[Difference, ...]:
    """The differences between two runs, given as their JSON records, in the order of the record.

    Steps are told apart by their sentence and not by their number, so that a step added in front is one difference.
    """
    return tuple(_mapping(old, new, ""))


def _mapping(old: Mapping[str, JsonValue], new: Mapping[str, JsonValue], place: str) -> Iterator[Difference]:
    for key in [*old, *(key for key in new if key not in old)]:
        if key not in VOLATILE:
            yield from _value(old.get(key), new.get(key), f"{place}.{key}" if place else key)


def _value(old: JsonValue, new: JsonValue, place: str) -> Iterator[Difference]:
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _mapping(old, new, place)
    elif isinstance(old, list) and isinstance(new, list):
        yield from _listed(old, new, place)
    elif old != new:
        yield Difference(place, old, new)


def _listed(old: Sequence[JsonValue], new: Sequence[JsonValue], place: str) -> Iterator[Difference]:
    before, after = _named(old), _named(new)
    for key in [*before, *(key for key in after if key not in before)]:
        here = f"{place}[{key}]"
        if key not in before or key not in after:
            yield Difference(here, _summary(before.get(key)), _summary(after.get(key)))
        else:
            yield from _value(before[key], after[key], here)


def _named(entries: Sequence[JsonValue]) -> dict[str, JsonValue]:
    named: dict[str, JsonValue] = {}
    for place, entry in enumerate(entries):
        key = _name(entry, place)
        count = 2
        while key in named:
            key = f"{_name(entry, place)} #{count}"
            count += 1
        named[key] = (
            {name: value for name, value in entry.items() if name != "number"} if isinstance(entry, dict) else entry
        )
    return named


def _name(entry: JsonValue, place: int) -> str:
    if isinstance(entry, dict):
        if entry.get("sed") and entry.get("kind"):
            return f"{entry['kind']} {entry['sed']}"
        for key in ("text", "path", "name", "what", "id", "kind"):
            if isinstance(entry.get(key), str):
                return str(entry[key])
        return str(place + 1)
    return str(entry)


def _summary(entry: JsonValue) -> JsonValue:
    if isinstance(entry, dict):
        return str(entry.get("answer") or entry.get("value") or entry.get("says") or entry.get("message") or "present")
    return entry


def _shown(value: JsonValue) -> str:
    return "nothing" if value is None else repr(value)
