"""NAV JSON, the form of Norway's labour and welfare administration, read for the SEDs whose names are known.

``{"sed": "A008", "sedGVer": "4", "sedVer": "4", "nav": {...}, "medlemskap": {...}}`` with Norwegian names and words for
codes. Which path is which stands in ``data/nav.toml``, one row per pair. A path without a row, a word without a code and
a value without a place are listed in ``sed.report``; nothing is dropped in silence. Source: CDM wire facts, section 11.
"""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
from lxml import etree

from eessi.errors import DefinitionError, InputError
from eessi.ids import CdmVersion, SedType, fold_country
from eessi.sed.document import Sed, match_root
from eessi.sed.json_text import JsonValue, load_json
from eessi.sed.losses import Loss, LossKind, LossReport
from eessi.sed.order import Place
from eessi.sed.rina_json import version_of
from eessi.sed.rina_reading import TreeWriter
from eessi.sed.trees import Tree, default_registry, looks_like_list, namespace_of, tree_for

if TYPE_CHECKING:
    from eessi.schemas import Registry

__all__ = ["NavNames", "NavPair", "NavWord", "read_nav_json", "shipped_names"]

_META = {"sed", "sedGVer", "sedVer", "sedPackage"}
_CODE = re.compile(r"[0-9]{1,3}|[A-Z]{2,4}")


@attrs.frozen(slots=True)
class NavPair:
    """One datum: its NAV path (``[]`` marks a list), its path in the SED, whether that is a code, and who says so."""

    nav: str
    sed: str
    code: bool
    sources: tuple[str, ...]


@attrs.frozen(slots=True)
class NavWord:
    """A word of NAV for a code: ``at`` is the end of the NAV path, or ``*``; ``sed`` limits it to one SED."""

    at: str
    word: str
    code: str
    source: str
    sed: str | None = None


@attrs.frozen(slots=True)
class NavNames:
    """A table of names: pairs by SED, the version each SED's names were seen with, and words."""

    pairs: Mapping[str, tuple[NavPair, ...]] = attrs.field(hash=False)
    versions: Mapping[str, str] = attrs.field(hash=False)
    words: tuple[NavWord, ...] = ()

    @classmethod
    def load(cls, path: Path) -> NavNames:
        """A table of the same kind as ``eessi/sed/data/nav.toml``.

        :raises DefinitionError: when the file is not one.
        """
        try:
            return cls._of(tomllib.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            raise DefinitionError(f"not a table of NAV names: {error}", file=str(path)) from None

    @classmethod
    def _of(cls, table: dict[str, Any]) -> NavNames:
        pairs = {
            row["code"]: tuple(
                NavPair(
                    pair["nav"],
                    pair["sed"],
                    pair.get("code", False),
                    tuple(row["sources"][number - 1] for number in pair["source"]),
                )
                for pair in row["pairs"]
            )
            for row in table["sed"]
        }
        versions = {row["code"]: row["version"] for row in table["sed"] if "version" in row}
        return cls(pairs, versions, tuple(NavWord(**row) for row in table.get("word", ())))

    def by_nav(self, sed: str) -> dict[str, tuple[NavPair, ...]]:
        """NAV path without list marks -> pairs."""
        found: dict[str, tuple[NavPair, ...]] = {}
        for pair in self.pairs.get(sed, ()):
            key = pair.nav.replace("[]", "")
            found[key] = (*found.get(key, ()), pair)
        return found

    def code_of(self, sed: str, nav: str, word: str) -> str | None:
        """The code for a word at a NAV path, ``None`` where no row knows it."""
        for row in self.words:
            ends = row.at == "*" or f".{nav}".endswith(f".{row.at}")
            if ends and row.word == word.casefold() and row.sed in (None, sed):
                return row.code
        return None


@functools.cache
def shipped_names() -> NavNames:
    """The table that comes with the toolkit."""
    text = files("eessi.sed").joinpath("data", "nav.toml").read_text(encoding="utf-8")
    return NavNames._of(tomllib.loads(text))


def read_nav_json(
    data: bytes | str,
    *,
    version: str | CdmVersion | None = None,
    registry: Registry | None = None,
    source: str | None = None,
    names: NavNames | None = None,
) -> Sed:
    """Make a SED of NAV JSON.

    :param version: CDM version, where the document names none. :param names: another table of names.
    :raises InputError: not NAV JSON, a SED whose names are not known, or no version.
    """
    names = names or shipped_names()
    document = load_json(data, source=source)
    code = _code(document, names, source)
    assert isinstance(document, dict)
    report: list[Loss] = []
    chosen = _version(document, code, version, names, report, source)
    tree = tree_for(registry or default_registry(), code, chosen)
    body = _Body(code, names, tree, report)
    for name, value in document.items():
        if name not in _META:
            body.take(value, name, (), name)
    namespace = namespace_of(code, chosen)
    root = etree.Element(f"{{{namespace}}}{code}", nsmap={"s": namespace})
    root.set("sedGVer", str(chosen.major))
    root.set("sedVer", str(chosen.minor))
    writer = TreeWriter(tree, old=False, wrap_codes=False, source=source)
    writer.fill(root, body.content, tree.root if tree else None, code, "")
    return Sed(root, report=LossReport((*report, *writer.report)))


def _code(document: JsonValue, names: NavNames, source: str | None) -> SedType:
    code = document.get("sed") if isinstance(document, dict) else None
    if not isinstance(code, str) or match_root(code) is None:
        raise InputError("this NAV JSON does not name its SED (member sed)", source=source)
    if code not in names.pairs:
        known = ", ".join(sorted(names.pairs))
        raise InputError(f"the NAV names of {code} are not known; known are those of {known}", source=source)
    return SedType(code)


def _version(
    document: dict[str, JsonValue],
    code: str,
    asked: str | CdmVersion | None,
    names: NavNames,
    report: list[Loss],
    source: str | None,
) -> CdmVersion:
    own = version_of(document)
    if asked is None and own is None:
        raise InputError(
            "the document does not name its CDM version (sedGVer and sedVer); give it with --version, like 4.4",
            source=source,
        )
    chosen = CdmVersion.parse(asked).released if asked is not None else own
    assert chosen is not None
    if own is not None and own != chosen:
        report.append(Loss(LossKind.VERSION, code, f"the document says {own}, the caller {chosen}"))
    seen = names.versions.get(code)
    if seen is not None and not CdmVersion.parse(seen).same_minor(chosen):
        report.append(Loss(LossKind.NAME, code, f"the names are those of version {seen}"))
    return chosen


class _Body:
    """Collects values into the shape of RINA JSON."""

    def __init__(self, code: str, names: NavNames, tree: Tree | None, report: list[Loss]) -> None:
        self.code = code
        self.names = names
        self.tree = tree
        self.report = report
        self.pairs = names.by_nav(code)
        self.content: dict[str, JsonValue] = {}

    def take(self, value: JsonValue, key: str, indexes: tuple[int, ...], shown: str) -> None:
        """Walk down to every leaf; ``key`` is the NAV path without indexes, ``shown`` with them."""
        if isinstance(value, dict):
            for name, inner in value.items():
                self.take(inner, f"{key}.{name}", indexes, f"{shown}.{name}")
        elif isinstance(value, list):
            for number, inner in enumerate(value):
                self.take(inner, key, (*indexes, number), f"{shown}[{number + 1}]")
        elif value is None or value == "":
            self.report.append(Loss(LossKind.NULL if value is None else LossKind.EMPTY, shown))
        elif key not in self.pairs:
            self.report.append(Loss(LossKind.UNMAPPED, shown, "no row knows this path"))
        else:
            text = str(value).lower() if isinstance(value, bool) else str(value)
            for pair in self.pairs[key]:
                self.put(pair, text, indexes, shown)

    def put(self, pair: NavPair, text: str, indexes: tuple[int, ...], shown: str) -> None:
        """Set one value at its place; what has no place is reported."""
        steps = list(_steps(pair.sed, self.tree))
        places = [name for name, is_list, _ in steps if is_list]
        extra = len(indexes) - len(places)
        if extra > 0 and not pair.code and any(indexes[:extra]):
            self.report.append(Loss(LossKind.UNMAPPED, shown, f"{pair.sed} takes one value only"))
            return
        mine = list(indexes[extra:] if extra > 0 and not any(indexes[:extra]) else indexes)
        here = self.content
        for name, is_list, _ in steps[:-1]:
            index = mine.pop(0) if is_list and mine else 0
            below = _enter(here, name, is_list, index)
            if below is None:
                self.report.append(Loss(LossKind.UNMAPPED, shown, f"{pair.sed} is taken"))
                return
            here = below
        name = steps[-1][0]
        if pair.code:
            self.put_code(here, name, self.coded(pair, text, steps[-1][2], shown), shown)
        elif name in here:
            self.report.append(Loss(LossKind.UNMAPPED, shown, f"{pair.sed} is taken"))
        else:
            here[name] = text

    def put_code(self, here: dict[str, JsonValue], name: str, code: str, shown: str) -> None:
        wrapper = here.setdefault(name, {"value": []})
        values = wrapper.get("value") if isinstance(wrapper, dict) else None
        if isinstance(values, list) and code not in values:
            values.append(code)
        else:
            self.report.append(Loss(LossKind.UNMAPPED, shown, "the same code twice"))

    def coded(self, pair: NavPair, text: str, place: Place | None, shown: str) -> str:
        """The code for a word; a word that no row knows stays as it is and is reported."""
        codes = place.element.codes if place is not None else None
        folded = fold_country(text) if pair.nav.rpartition(".")[2] == "land" and len(text) <= 3 else text
        if codes is not None and folded in codes.values:
            return folded
        found = self.names.code_of(self.code, pair.nav, text)
        if found is not None and (codes is None or found in codes.values):
            return found
        if codes is not None or not _CODE.fullmatch(folded):
            self.report.append(Loss(LossKind.CODE, shown, "no code is known for this word; it was kept"))
        return folded


def _steps(path: str, tree: Tree | None) -> Iterator[tuple[str, bool, Place | None]]:
    """Each step of a SED path: name, whether it repeats, and its place in the tree."""
    place = tree.root if tree is not None else None
    parent = ""
    for name in path.split("/"):
        place = place.child(name) if place is not None else None
        is_list = place.element.is_list if place is not None else looks_like_list(parent, name)
        yield name, is_list, place
        parent = name


def _enter(here: dict[str, JsonValue], name: str, is_list: bool, index: int) -> dict[str, JsonValue] | None:
    """The object at a step, made where it is missing."""
    if not is_list:
        below = here.setdefault(name, {})
        return below if isinstance(below, dict) else None
    entries = here.setdefault(name, [])
    if not isinstance(entries, list):
        return None
    while len(entries) <= index:
        entries.append({})
    entry = entries[index]
    return entry if isinstance(entry, dict) else None
