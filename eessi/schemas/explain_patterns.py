"""Regular expressions of XML Schema: read once, translated to Python's, and sampled for generated documents.

The two languages differ: in XML Schema ``^`` and ``$`` are plain characters, ``\\s`` is four characters, ``\\i`` and
``\\c`` are name characters, classes can be subtracted and there is no laziness (XML Schema part 2, appendix F).
"""

from __future__ import annotations

import functools
import random
import re
import string
import sys
import unicodedata
from collections.abc import Iterable
from typing import Final

import attrs

from eessi.errors import PackageError

__all__ = ["sample", "to_python"]

_MANY: Final = 4
"""How far beyond the least number an open repetition goes in a sample."""


@attrs.frozen(slots=True)
class _Class:
    """Characters as ranges of code points; ``negated`` and ``less`` as written."""

    ranges: tuple[tuple[int, int], ...]
    negated: bool = False
    less: _Class | None = None

    def __contains__(self, point: int) -> bool:
        inside = any(low <= point <= high for low, high in self.ranges)
        return inside != self.negated and not (self.less is not None and point in self.less)


@attrs.frozen(slots=True)
class _Repeat:
    atom: _Class | _Either
    least: int
    most: int | None


@attrs.frozen(slots=True)
class _Either:
    branches: tuple[tuple[_Repeat, ...], ...]


def _points(characters: str) -> tuple[tuple[int, int], ...]:
    return tuple((ord(character), ord(character)) for character in characters)


_NAME_START = (
    *_points(":_"),
    *((65, 90), (97, 122), (0xC0, 0xD6), (0xD8, 0xF6), (0xF8, 0x2FF), (0x370, 0x37D), (0x37F, 0x1FFF)),
    *((0x200C, 0x200D), (0x2070, 0x218F), (0x2C00, 0x2FEF), (0x3001, 0xD7FF), (0xF900, 0xFDCF), (0xFDF0, 0xFFFD)),
)
_NAME = (*_NAME_START, *_points("-.·"), (48, 57), (0x300, 0x36F), (0x203F, 0x2040))


@functools.cache
def _category(name: str) -> tuple[tuple[int, int], ...]:
    """Ranges of a Unicode category (``L``, ``Nd``); found by asking every code point once."""
    ranges: list[tuple[int, int]] = []
    for point in range(sys.maxunicode + 1):
        if unicodedata.category(chr(point)).startswith(name):
            if ranges and ranges[-1][1] == point - 1:
                ranges[-1] = (ranges[-1][0], point)
            else:
                ranges.append((point, point))
    if not ranges:
        raise PackageError(f"a pattern names the unknown character category {name!r}")
    return tuple(ranges)


def _escape_class(letter: str) -> _Class:
    match letter.lower():
        case "d":
            ranges = _category("Nd")
        case "s":
            ranges = _points(" \t\r\n")
        case "w":
            outside = (*_category("P"), *_category("Z"), *_category("C"))
            return _Class(outside, negated=letter == "w")
        case "i":
            ranges = _NAME_START
        case _:
            ranges = _NAME
    return _Class(ranges, negated=letter.isupper())


class _Reader:
    """Recursive descent over one pattern; raises :class:`PackageError` where it is not one."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def read(self) -> _Either:
        tree = self._either()
        if self.at != len(self.text):
            self._fail()
        return tree

    def _fail(self) -> None:
        raise PackageError(f"the pattern {self.text[:80]!r} is not one of XML Schema (character {self.at + 1})")

    def _peek(self) -> str:
        return self.text[self.at] if self.at < len(self.text) else ""

    def _take(self) -> str:
        character = self._peek()
        if not character:
            self._fail()
        self.at += 1
        return character

    def _either(self) -> _Either:
        branches = [self._branch()]
        while self._peek() == "|":
            self.at += 1
            branches.append(self._branch())
        return _Either(tuple(branches))

    def _branch(self) -> tuple[_Repeat, ...]:
        pieces: list[_Repeat] = []
        while self._peek() not in ("", "|", ")"):
            atom = self._atom()
            least, most = self._quantifier()
            pieces.append(_Repeat(atom, least, most))
        return tuple(pieces)

    def _atom(self) -> _Class | _Either:
        character = self._take()
        if character == "(":
            inner = self._either()
            if self._take() != ")":
                self._fail()
            return inner
        if character == "[":
            return self._class()
        if character == ".":
            return _Class(_points("\n\r"), negated=True)
        if character == "\\":
            return self._escape()
        if character in "?*+{}]":
            self._fail()
        return _Class(_points(character))

    def _quantifier(self) -> tuple[int, int | None]:
        simple: dict[str, tuple[int, int | None]] = {"?": (0, 1), "*": (0, None), "+": (1, None)}
        if self._peek() in simple and self._peek():
            return simple[self._take()]
        if self._peek() != "{":
            return (1, 1)
        found = re.compile(r"\{([0-9]+)(,([0-9]*))?\}").match(self.text, self.at)
        if not found:
            self._fail()
            raise AssertionError
        self.at = found.end()
        least = int(found[1])
        return (least, least) if found[2] is None else (least, int(found[3]) if found[3] else None)

    def _escape(self) -> _Class:
        character = self._take()
        if character in "dDsSwWiIcC":
            return _escape_class(character)
        if character in "pP":
            found = re.compile(r"\{([A-Za-z0-9-]+)\}").match(self.text, self.at)
            if not found or found[1].startswith("Is"):
                self._fail()
                raise AssertionError
            self.at = found.end()
            return _Class(_category(found[1]), negated=character == "P")
        if character not in "nrt\\|.?*+(){}[]-^$,":
            self._fail()
        return _Class(_points({"n": "\n", "r": "\r", "t": "\t"}.get(character, character)))

    def _class(self) -> _Class:
        negated = self._peek() == "^"
        self.at += negated
        ranges: list[tuple[int, int]] = []
        less = None
        while self._peek() != "]":
            if self.text.startswith("-[", self.at):
                self.at += 2
                less = self._class()
                if self._peek() != "]":
                    self._fail()
                break
            ranges += self._range()
        self._take()
        return _Class(tuple(ranges), negated, less)

    def _range(self) -> Iterable[tuple[int, int]]:
        character = self._take()
        if character == "\\":
            inner = self._escape()
            if inner.negated:
                return _complement(inner.ranges)
            if len(inner.ranges) != 1 or inner.ranges[0][0] != inner.ranges[0][1]:
                return inner.ranges
            character = chr(inner.ranges[0][0])
        if self._peek() == "-" and self.text[self.at + 1 : self.at + 2] not in ("]", "[", ""):
            self.at += 1
            last = self._take()
            last = chr(self._escape().ranges[0][0]) if last == "\\" else last
            if last < character:
                self._fail()
            return ((ord(character), ord(last)),)
        return _points(character)


def _complement(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    result, here = [], 0
    for low, high in sorted(ranges):
        if low > here:
            result.append((here, low - 1))
        here = max(here, high + 1)
    return [*result, (here, sys.maxunicode)] if here <= sys.maxunicode else result


def _flat(ranges: _Class) -> list[tuple[int, int]]:
    """The class as plain ranges, subtraction carried out."""
    own = _complement(ranges.ranges) if ranges.negated else sorted(ranges.ranges)
    if ranges.less is None:
        return own
    kept = _complement(_flat(ranges.less))
    return [
        (max(low, floor), min(high, top))
        for low, high in own
        for floor, top in kept
        if max(low, floor) <= min(high, top)
    ]


def _python(tree: _Either) -> str:
    return "|".join("".join(map(_python_piece, branch)) for branch in tree.branches)


def _python_piece(piece: _Repeat) -> str:
    if isinstance(piece.atom, _Either):
        atom = f"(?:{_python(piece.atom)})"
    elif len(piece.atom.ranges) == 1 and not piece.atom.negated and piece.atom.ranges[0][0] == piece.atom.ranges[0][1]:
        atom = re.escape(chr(piece.atom.ranges[0][0]))
    else:
        ranges = _flat(piece.atom)
        inner = "".join(f"\\U{low:08x}-\\U{high:08x}" for low, high in ranges)
        atom = f"[{inner}]" if ranges else "(?!)"
    counts = {(1, 1): "", (0, 1): "?", (0, None): "*", (1, None): "+"}
    most = "" if piece.most is None else piece.most
    return atom + counts.get((piece.least, piece.most), f"{{{piece.least},{most}}}")


@functools.lru_cache(maxsize=4096)
def _tree(pattern: str) -> _Either:
    return _Reader(pattern).read()


@functools.lru_cache(maxsize=4096)
def to_python(pattern: str) -> re.Pattern[str]:
    """The pattern for :func:`re.fullmatch`.

    :raises PackageError: when the text is not a pattern of XML Schema.
    """
    try:
        return re.compile(_python(_tree(pattern)))
    except (re.error, RecursionError, OverflowError) as error:
        raise PackageError(f"the pattern {pattern[:80]!r} cannot be used: {error}") from None


def sample(pattern: str, source: random.Random) -> str:
    """A text that the pattern allows; the same for the same state of ``source``.

    :raises PackageError: when the text is not a pattern of XML Schema.
    """
    return _sample(_tree(pattern), source)


def _sample(tree: _Either, source: random.Random) -> str:
    parts = []
    for piece in source.choice(tree.branches):
        most = piece.least + _MANY if piece.most is None else min(piece.most, max(piece.least + 12, _MANY))
        for _ in range(source.randint(piece.least, most)):
            parts.append(
                _sample(piece.atom, source) if isinstance(piece.atom, _Either) else _letter(piece.atom, source)
            )
    return "".join(parts)


_PLAIN: Final = string.ascii_letters + string.digits


def _letter(ranges: _Class, source: random.Random) -> str:
    """A plain letter or digit where the class has one, else any printable character of it."""
    plain = [character for character in _PLAIN if ord(character) in ranges]
    if plain:
        return source.choice(plain)
    for low, high in _flat(ranges):
        readable = [chr(point) for point in range(max(low, 32), min(high, low + 500) + 1) if chr(point).isprintable()]
        if readable:
            return source.choice(readable)
    low, high = _flat(ranges)[0]
    return chr(source.randint(low, high))
