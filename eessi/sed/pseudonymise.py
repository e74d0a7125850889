"""Pseudonyms: a document that keeps its shape and loses its people.

Keyed and repeatable: the same value under the same key becomes the same pseudonym in every document, so that cases can
still be followed; without the key nothing leads back but guessing. That is pseudonymous, not anonymous (GDPR, article 4
(5)): codes, countries, institutions and the distances between days stay, and whoever holds the key can link. Keep the key
apart from the documents, or throw it away.

Names, dates, personal numbers, addresses, accounts, contacts, sums and ids are replaced; free text, signatures, comments
and attributes that are not those of a SED are dropped. At the end a search proves that no source value survived.
"""

from __future__ import annotations

import copy
import datetime as dt
import functools
import hashlib
import hmac
import importlib
import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

import attrs
from lxml import etree

from eessi import _xml
from eessi.errors import EessiError, UsageError
from eessi.sed.document import ROOT_ATTRIBUTES, Sed
from eessi.sed.paths import SIGNATURE, children, is_code, text_of
from eessi.sed.personal import DAY, Tells, tells

if TYPE_CHECKING:
    from eessi.schemas import Registry
    from eessi.schemas.structure import Facets, Structure

__all__ = ["Pseudonymised", "Survived", "pseudonymise", "survivors"]

_SHORTEST_KEY: Final = 16
_TRIES: Final = 20_000
_STRONG: Final = (Tells.NAME, Tells.PIN, Tells.ACCOUNT, Tells.CONTACT)
"""Kinds whose values name a person wherever they stand, also in the name of an institution."""

_REMOVED: Final = "removed"
_NAMES: Final = ["Arden", "Birke", "Cedro", "Dahlia", "Elster", "Fjeld", "Granit", "Hasel", "Iris", "Juniper", "Kestrel", "Linde", "Malve", "Nordlys", "Olivo", "Primel", "Quarz", "Rosmarin", "Salvia", "Tilia", "Ulme", "Viola", "Weide", "Xenia", "Ysop", "Zinnia"]  # fmt: skip
"""Plants, birds and stones: nobody's data, and plainly not a person's record."""


class Survived(EessiError):
    """A value of the source is still there; nothing was written. ``paths`` say where, without the value."""

    exit_code = 1

    def __init__(self, paths: tuple[str, ...]) -> None:
        self.paths = paths
        super().__init__(f"a value of the source survives at {', '.join(paths[:5])}; the document was not written")


@attrs.frozen(slots=True)
class Pseudonymised:
    """A pseudonymous document.

    :param replaced: how many values were replaced, by what they told. :param dropped: how many texts were dropped.
    :param checked: how many source values were searched for and not found.
    """

    sed: Sed
    replaced: dict[str, int]
    dropped: int
    checked: int


def pseudonymise(sed: Sed, key: bytes, *, registry: Registry | None = None) -> Pseudonymised:
    """Replace everything that tells about a person.

    :param key: secret of at least 16 bytes; the same key gives the same pseudonyms.
    :param registry: gives facets, so that replaced values stay valid where the tree is known.
    :raises UsageError: when the key is too short.
    :raises Survived: when the search at the end finds a value of the source.
    """
    if len(key) < _SHORTEST_KEY:
        raise UsageError(f"the key has {len(key)} bytes; give at least {_SHORTEST_KEY}")
    structure = registry.structure(sed.type, sed.version) if registry is not None else None
    root = _bare(sed.root)
    work = _Work(key, structure, _source_values(sed), _source_values(sed, whole=_STRONG))
    for path, leaf, name in _leaves(root):
        leaf.text = work.replace(path, name, text_of(leaf), _country(leaf))
    done = Sed(root)
    done = Sed(_xml.parse(done.data), done.data)
    found = survivors(sed, done)
    if found:
        raise Survived(found)
    return Pseudonymised(done, work.replaced, work.dropped, len(_source_values(sed)))


def _bare(root: etree._Element) -> etree._Element:
    """A copy without signature and without attributes that no SED has."""
    bare = copy.deepcopy(root)
    for signature in list(bare.iter(SIGNATURE)):
        holder = signature.getparent()
        if holder is not None:
            holder.remove(signature)
    for element in bare.iter(etree.Element):
        keep = ROOT_ATTRIBUTES if element is bare else ()
        for name in [str(name) for name in element.keys() if name not in keep]:  # noqa: SIM118 - lxml elements are not dicts
            del element.attrib[name]
        if len(element) and element.text and element.text.strip():
            element.text = None  # stray text between tags
        if element.tail and element.tail.strip():
            element.tail = None
    if (bare.get("sedPackage") or "") and not re.fullmatch(r"[\w /]{0,120}", bare.get("sedPackage") or ""):
        del bare.attrib["sedPackage"]
    return bare


def _leaves(root: etree._Element, path: str = "") -> Iterator[tuple[str, etree._Element, str]]:
    """Every leaf that is no code, with its schema path and name."""
    for child in children(root):
        name = _xml.local_name(child)
        here = f"{path}/{name}" if path else name
        if next(children(child), None) is None:
            yield here, child, name
        elif not is_code(child):
            yield from _leaves(child, here)
        else:
            for value in children(child):
                if not re.fullmatch(r"[A-Za-z0-9_.-]{0,12}", text_of(value)):
                    yield here, value, "text"


def _country(leaf: etree._Element) -> str | None:
    """The country that stands beside a number."""
    holder = leaf.getparent()
    found = holder.findtext("country/value") or holder.findtext("Country") if holder is not None else None
    return found.strip() if found else None


class _Work:
    def __init__(self, key: bytes, structure: Structure | None, source: frozenset[str], strong: frozenset[str]) -> None:
        self.key = key
        self.structure = structure
        self.source = source
        self.strong = strong
        self.replaced: dict[str, int] = {}
        self.dropped = 0
        self.shift = 200 + self.number("shift", "", 0) % 500

    def digest(self, kind: str, text: str, attempt: int) -> bytes:
        message = "\0".join((kind, _folded(text), str(attempt))).encode()
        return hmac.new(self.key, message, hashlib.sha256).digest()

    def number(self, kind: str, text: str, attempt: int) -> int:
        return int.from_bytes(self.digest(kind, text, attempt))

    def replace(self, path: str, name: str, text: str, country: str | None) -> str | None:
        if not text.strip():
            return text
        kind = tells(name, text)
        if kind is Tells.INSTITUTION and any(value in _folded(text) for value in self.strong):
            kind = Tells.NAME  # an office that bears a person's name
        if not kind.personal:
            return text
        facets = self._facets(path)
        if kind is Tells.TEXT:
            self.dropped += 1
            return _fitted(_REMOVED, facets)
        self.replaced[str(kind)] = self.replaced.get(str(kind), 0) + 1
        for attempt in range(200):  # a pseudonym that happens to be a value of the source is not taken
            made = _fitted(self._made(kind, name, text, country, attempt), facets)
            folded = _folded(made)
            if folded != _folded(text) and not any(value in folded for value in self.source):
                return made
        return _fitted(_REMOVED, facets)

    def _facets(self, path: str) -> Facets | None:
        found = self.structure.find(path) if self.structure is not None else None
        return found.facets if found is not None else None

    def _made(self, kind: Tells, name: str, text: str, country: str | None, attempt: int) -> str:
        number = self.number(str(kind), text, attempt)
        if kind is Tells.DATE:
            return self._day(name, text, attempt)
        if kind is Tells.NAME:
            return f"{_NAMES[number % 26]}-{_NAMES[number // 26 % 26]}-{number // 676 % 10**6:06}"
        if kind is Tells.CONTACT:
            return f"contact-{number % 10**10}@example.org"
        if kind is Tells.PIN:
            return self._pin(text, country, attempt)
        return self._shaped(str(kind), text, attempt)

    def _day(self, name: str, text: str, attempt: int) -> str:
        """Days keep their distances; a birth is moved on its own, up to a year and a half either way."""
        found = DAY.fullmatch(text)
        assert found is not None
        try:
            day = dt.date(int(found[1]), int(found[2]), int(found[3]))
        except ValueError:
            return _REMOVED
        days = self.shift
        if "birth" in name.lower():
            days = self.number("birth", f"{found[1]}-{found[2]}-{found[3]}", attempt) % 1000 - 500 or 1
        return (day - dt.timedelta(days=days + attempt)).isoformat() + (found[4] or "")

    def _shaped(self, kind: str, text: str, attempt: int) -> str:
        """Other letters for letters, other digits for digits, the rest as it is."""
        stream = _stream(self.key, kind, _folded(text), attempt)
        made = []
        for character in text:
            if character.isdigit():
                made.append(str(next(stream) % 10))
            elif character.isalpha():
                letter = chr(ord("a") + next(stream) % 26)
                made.append(letter.upper() if character.isupper() else letter)
            else:
                made.append(character)
        return "".join(made)

    def _pin(self, text: str, country: str | None, attempt: int) -> str:
        """A number of the same shape that passes the public rule of its country, where the source passes it."""
        valid = _rule(country)
        if valid is None or not valid(text):
            return self._shaped("pin", text, attempt)
        for number in range(_TRIES):
            made = self._shaped("pin", text, attempt * _TRIES + number)
            if valid(made):
                return made
        return self._shaped("pin", text, attempt)


def _stream(key: bytes, kind: str, text: str, attempt: int) -> Iterator[int]:
    """Endless bytes from the key."""
    count = 0
    while True:
        yield from hmac.new(key, "\0".join((kind, text, str(attempt), str(count))).encode(), hashlib.sha256).digest()
        count += 1


@functools.cache
def _rule(country: str | None) -> Callable[[str], bool] | None:
    """The public rule for personal numbers of a country; ``None`` where there is none, or python-stdnum is missing."""
    import tomllib
    from importlib.resources import files

    table = tomllib.loads(files("eessi.schemas").joinpath("rules_pins.toml").read_text(encoding="utf-8"))
    row = table.get(country or "")
    if row is None:
        return None
    try:
        valid: Callable[[str], bool] = importlib.import_module(row["module"]).is_valid
    except ImportError:
        return None
    return valid


def _fitted(text: str, facets: Facets | None) -> str:
    if facets is None:
        return text
    limit = facets.length or facets.max_length
    return text[:limit] if limit else text


def _folded(text: str) -> str:
    """Letters and digits alone, without case and accents: how a value would be recognised."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in plain if character.isalnum())


def _source_values(sed: Sed, whole: tuple[Tells, ...] = ()) -> frozenset[str]:
    """Everything in the source that tells about a person, as it would be recognised, and the words of longer texts.

    :param whole: only values of these kinds, not taken apart.
    """
    found: set[str] = set()
    for _, leaf, name in _leaves(sed.root):
        text = text_of(leaf)
        kind = tells(name, text)
        if not kind.personal or (whole and kind not in whole):
            continue
        found.add(_folded(text))
        if not whole and kind in (Tells.NAME, Tells.ADDRESS, Tells.TEXT):
            found.update(_folded(word) for word in re.split(r"[\s,;]+", text))
    return frozenset(value for value in found if len(value) > 3)


def survivors(source: Sed, result: Sed) -> tuple[str, ...]:
    """Paths in the result where a value of the source still stands, whole or inside a longer text.

    Searched are all texts and attributes of the result but codes, ignoring case, accents and punctuation. In what names
    an institution only names, numbers and accounts of persons are searched for, since a town may stand in both. Values
    of up to three characters would be found everywhere and are left out.
    """
    values, strong = (
        _source_values(source),
        _source_values(source, whole=(Tells.NAME, Tells.PIN, Tells.ACCOUNT, Tells.CONTACT)),
    )
    found = []
    for path, leaf, name in _leaves(result.root):
        text = text_of(leaf)
        kind = tells(name, text)
        if text == _REMOVED[: len(text)] or kind is Tells.CODE:
            continue
        folded = _folded(text)
        if any(value in folded for value in (values if kind.personal else strong)):
            found.append(path)
    for name, value in result.attributes.items():
        if name not in ROOT_ATTRIBUTES[1:] and any(one in _folded(value) for one in values):
            found.append(f"@{name}")
    outside = re.search(rb"<!--|<\?(?!xml )", result.data)
    return (*found, *(("a comment or instruction",) if outside else ()))
