"""JSON from strangers: size and depth limits, no NaN, no member twice in one object, numbers as they were written."""

from __future__ import annotations

import json
from typing import NoReturn

from eessi._xml import DEFAULT_LIMITS, Limits
from eessi.errors import InputError, LimitExceeded

__all__ = ["JsonNumber", "JsonValue", "dump_json", "load_json"]


class JsonNumber(str):
    """A number in the spelling of the document: ``1500.00`` stays ``1500.00``."""

    __slots__ = ()


JsonValue = None | bool | str | JsonNumber | list["JsonValue"] | dict[str, "JsonValue"]


class _Twice(Exception):
    def __init__(self, name: str) -> None:
        self.name = name


def _object(pairs: list[tuple[str, JsonValue]]) -> dict[str, JsonValue]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise _Twice(name)
            seen.add(name)
    return result


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def load_json(data: bytes | str, *, source: str | None = None, limits: Limits = DEFAULT_LIMITS) -> JsonValue:
    """Read a JSON document.

    :param data: bytes in UTF-8, -16 or -32 with or without byte order mark, or text.
    :raises InputError: not JSON, truncated, wrong encoding, ``NaN`` inside, or a member twice in one object.
    :raises LimitExceeded: larger or deeper than ``limits``.
    """
    if len(data) > limits.bytes:
        raise LimitExceeded(
            f"the document has {len(data):,} bytes; the limit is {limits.bytes:,}", limit="bytes", source=source
        )
    text = data if isinstance(data, str) else _decode(data, source)
    if not text.strip():
        raise InputError("the input is empty; a JSON document was expected", source=source, offset=0)
    try:
        value: JsonValue = json.loads(
            text, object_pairs_hook=_object, parse_int=JsonNumber, parse_float=JsonNumber, parse_constant=_constant
        )
    except _Twice as error:
        raise InputError(f"the member {error.name!r} stands twice in one object", source=source) from None
    except json.JSONDecodeError as error:
        offset = len(text[: error.pos].encode("utf-8", "surrogatepass"))
        raise InputError(f"the JSON is not well-formed: {error.msg}", source=source, offset=offset) from None
    except RecursionError:
        raise LimitExceeded("the document is nested too deeply", limit="depth", source=source) from None
    except ValueError as error:
        raise InputError(f"the JSON cannot be read: {error}", source=source) from None
    if _deeper_than(value, limits.depth):
        raise LimitExceeded(f"the document is nested deeper than {limits.depth}", limit="depth", source=source)
    return value


def _decode(data: bytes, source: str | None) -> str:
    encoding = json.detect_encoding(data)
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(f"the document is not {encoding.upper()}", source=source, offset=error.start) from None


def _deeper_than(value: JsonValue, limit: int) -> bool:
    level = [value]
    for _ in range(limit + 1):
        below: list[JsonValue] = []
        for entry in level:
            if isinstance(entry, dict):
                below.extend(entry.values())
            elif isinstance(entry, list):
                below.extend(entry)
        if not below:
            return False
        level = below
    return True


def dump_json(value: JsonValue, *, indent: int | None = 2) -> str:
    """Write a JSON document; numbers in the spelling they were read in."""
    return "".join(_write(value, "" if indent is None else "\n", indent or 0))


def _write(value: JsonValue, line: str, indent: int) -> list[str]:
    if isinstance(value, JsonNumber):
        return [str(value)]
    if not isinstance(value, dict | list):
        return [json.dumps(value, ensure_ascii=False)]
    pairs = list(value.items()) if isinstance(value, dict) else [(None, entry) for entry in value]
    opening, closing = ("{", "}") if isinstance(value, dict) else ("[", "]")
    if not pairs:
        return [opening + closing]
    inner = line + " " * indent if line else ""
    parts = [opening]
    for number, (name, entry) in enumerate(pairs):
        parts.append(("," if number else "") + (inner or ("" if not number else " ")))
        if name is not None:
            parts.append(json.dumps(name, ensure_ascii=False) + ": ")
        parts.extend(_write(entry, inner, indent))
    parts.append(line + closing)
    return parts
