"""From an application's data to a SED: plain functions with declared sources.

A mapping is a list of rules. Each names the place in the SED, the fields it reads, and how it gets from one to the
other; a function is given the values of those fields and nothing else, so that the table of origins
(:meth:`SedMapping.lineage`) tells the truth. A code without a row is an error, never a guess::

    SEX = CodeMap("sex", {"F": "02", "M": "01"}, source="civil register, table 12")
    mapping = SedMapping("S071", "4.4", (
        copy("Person/PersonIdentification/familyName", "surname"),
        coded("Person/PersonIdentification/sex", "gender", SEX),
        computed("Person/PersonIdentification/dateBirth", ("born",), iso_date),
        each("Person/PersonIdentification/PINPersonInEachInstitution/PersonalIdentificationNumber", "pins",
             copy("personalIdentificationNumber", "number"), copy("country", "country")),
    ))
    sed = mapping.apply(record)
"""

from __future__ import annotations

import csv
import enum
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import attrs

from eessi.errors import UsageError
from eessi.findings import Finding, Severity
from eessi.ids import CdmVersion, SedType, nearest
from eessi.sed.builder import BuildError, build
from eessi.sed.order import root_place
from eessi.sed.trees import default_registry

if TYPE_CHECKING:
    from eessi.schemas import Registry
    from eessi.sed.document import Sed
    from eessi.sed.order import Place

__all__ = ["CodeMap", "How", "Lineage", "Rule", "SedMapping", "coded", "computed", "constant", "copy", "each"]

_ABSENT = object()


class How(enum.StrEnum):
    """How a rule gets its value."""

    COPY = "copy"
    CODE = "code"
    COMPUTED = "computed"
    CONSTANT = "constant"
    EACH = "each"


@attrs.frozen(slots=True)
class CodeMap:
    """Codes of an application and those of the SED. ``source`` says where the table comes from."""

    name: str
    codes: Mapping[str, str] = attrs.field(hash=False)
    source: str


@attrs.frozen(slots=True)
class Rule:
    """One place of the SED and where its value comes from; made by the functions below.

    :param target: path in the SED, for a rule inside :func:`each` below its entry.
    :param sources: fields that are read, ``person.name`` for nested ones.
    """

    target: str
    sources: tuple[str, ...]
    how: How
    function: Callable[..., object] | None = None
    codes: CodeMap | None = None
    value: object = None
    note: str = ""
    rules: tuple[Rule, ...] = ()
    required: bool = False


def copy(target: str, source: str, *, required: bool = False, note: str = "") -> Rule:
    """Take a field as it is; where it is absent the place stays empty, unless it is ``required``."""
    return Rule(target, (source,), How.COPY, note=note, required=required)


def coded(target: str, source: str, codes: CodeMap, *, required: bool = False, note: str = "") -> Rule:
    """Translate a code, or each of a list of codes; one that ``codes`` does not hold is an error."""
    return Rule(target, (source,), How.CODE, codes=codes, note=note, required=required)


def computed(target: str, sources: Sequence[str], function: Callable[..., object], *, note: str = "") -> Rule:
    """Call ``function`` with the values of ``sources`` in that order; absent fields are ``None``.

    Its first line of documentation goes into the table of origins.
    """
    said = note or (function.__doc__ or "").strip().split("\n")[0]
    return Rule(target, tuple(sources), How.COMPUTED, function=function, note=said)


def constant(target: str, value: object, why: str) -> Rule:
    """Always the same value; ``why`` is required, because nobody can see it from the data."""
    if not why:
        raise UsageError(f"say why {target} always has the same value")
    return Rule(target, (), How.CONSTANT, value=value, note=why)


def each(target: str, source: str, *rules: Rule) -> Rule:
    """One entry of the list ``target`` for every entry of ``source``; ``rules`` read and write below it."""
    return Rule(target, (source,), How.EACH, rules=rules)


def _version(text: str | CdmVersion) -> CdmVersion:
    return CdmVersion.parse(text)


@attrs.frozen(slots=True)
class Lineage:
    """One row of the table of origins."""

    target: str
    how: str
    sources: str
    by: str
    note: str


@attrs.frozen(slots=True)
class SedMapping:
    """All rules for one SED in one version."""

    sed: SedType = attrs.field(converter=SedType)
    version: CdmVersion = attrs.field(converter=_version)
    rules: tuple[Rule, ...] = attrs.field(converter=tuple)

    def apply(
        self, record: Mapping[str, object], *, registry: Registry | None = None, package: str | None = None,
        draft: bool = False, as_given: bool = False,
    ) -> Sed:  # fmt: skip
        """Fill a SED from one record; the options are those of :func:`eessi.sed.builder.build`.

        :raises BuildError: with every unmapped code, missing field, failed function and problem of the document.
        """
        problems: list[Finding] = []
        data = _filled(self.rules, record, str(self.sed), problems)
        built: Sed | None = None
        try:
            built = build(
                self.sed, data, version=self.version, registry=registry, package=package, draft=draft, as_given=as_given
            )
        except BuildError as error:
            told = {finding.path for finding in problems}
            problems += [finding for finding in error.findings if finding.path not in told]
        if problems or built is None:
            raise BuildError(self.sed, tuple(problems))
        return built

    def check(self, registry: Registry | None = None, *, package: str | None = None) -> tuple[Finding, ...]:
        """Look at the rules without any data: places the tree does not have, and codes its lists do not hold.

        :raises UsageError: when no package knows the tree.
        """
        structure = (registry or default_registry()).structure(self.sed, self.version, package=package)
        if structure is None:
            raise UsageError(f"no package knows the tree of {self.sed} {self.version}")
        place = root_place(structure)
        assert place is not None
        return tuple(_checked(self.rules, place, str(self.sed)))

    def lineage(self) -> tuple[Lineage, ...]:
        """The table of origins: for every place of the SED which fields it comes from, and how."""
        return tuple(_lineage(self.rules, "", ""))

    def lineage_csv(self) -> str:
        """The table of origins as CSV, for auditors."""
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(["target", "how", "sources", "by", "note"])
        writer.writerows(attrs.astuple(row) for row in self.lineage())
        return buffer.getvalue()

    def unread(self, record: Mapping[str, object]) -> tuple[str, ...]:
        """Fields of a record that no rule reads."""
        read = {source for row in self.lineage() for source in row.sources.split(", ") if source}
        return tuple(
            path
            for path in _fields(record, "")
            if not any(path == one or path.startswith((f"{one}.", f"{one}[]")) for one in read)
        )


def _fields(record: object, path: str) -> Iterator[str]:
    if isinstance(record, Mapping):
        for name, value in record.items():
            yield from _fields(value, f"{path}.{name}" if path else str(name))
    elif isinstance(record, list | tuple):
        yield from dict.fromkeys(found for entry in record for found in _fields(entry, f"{path}[]"))
    else:
        yield path


def _value(record: Mapping[str, object], source: str) -> object:
    here: object = record
    for name in source.split("."):
        if not isinstance(here, Mapping) or name not in here:
            return _ABSENT
        here = here[name]
    return here


def _problem(id: str, path: str, **params: str) -> Finding:
    return Finding(id, Severity.ERROR, path, params=params)


def _filled(
    rules: tuple[Rule, ...], record: Mapping[str, object], path: str, problems: list[Finding]
) -> dict[str, object]:
    data: dict[str, object] = {}
    for rule in rules:
        place = f"{path}/{rule.target}"
        values = [_value(record, source) for source in rule.sources]
        for source, value in zip(rule.sources, values, strict=True):
            if value is _ABSENT and rule.required:
                problems.append(_problem("MAP-SOURCE", place, source=source))
        given = [None if value is _ABSENT else value for value in values]
        result = _result(rule, given, place, problems)
        if result is not None:
            data[rule.target] = result
    return data


def _result(rule: Rule, given: list[object], path: str, problems: list[Finding]) -> object:
    if rule.how is How.CONSTANT:
        return rule.value
    if rule.how is How.COPY:
        return given[0]
    if rule.how is How.CODE:
        return _codes(rule, given[0], path, problems)
    if rule.how is How.EACH:
        return _entries(rule, given[0], path, problems)
    assert rule.function is not None
    try:
        return rule.function(*given)
    except Exception as error:  # noqa: BLE001  # a mapping function is the caller's code; its fault is one finding of many
        problems.append(_problem("MAP-FAILED", path, type=type(error).__name__, function=_name(rule)))
        return None


def _codes(rule: Rule, value: object, path: str, problems: list[Finding]) -> object:
    assert rule.codes is not None
    if value is None:
        return None
    entries = list(value) if isinstance(value, list | tuple) else [value]
    found = []
    for entry in entries:
        text = str(entry.value if isinstance(entry, enum.Enum) else entry)
        if text in rule.codes.codes:
            found.append(rule.codes.codes[text])
        else:
            problems.append(_problem("MAP-CODE", path, code=text[:40], table=rule.codes.name))
    return found if isinstance(value, list | tuple) else (found[0] if found else None)


def _entries(rule: Rule, value: object, path: str, problems: list[Finding]) -> object:
    if value is None:
        return None
    if not isinstance(value, list | tuple) or not all(isinstance(entry, Mapping) for entry in value):
        problems.append(_problem("MAP-LIST", path, source=rule.sources[0]))
        return None
    return [_filled(rule.rules, entry, f"{path}[{number}]", problems) for number, entry in enumerate(value, 1)]


def _name(rule: Rule) -> str:
    return getattr(rule.function, "__qualname__", type(rule.function).__name__) if rule.function else ""


def _lineage(rules: tuple[Rule, ...], target: str, source: str) -> Iterator[Lineage]:
    for rule in rules:
        place = f"{target}/{rule.target}" if target else rule.target
        sources = tuple(f"{source}{name}" for name in rule.sources)
        if rule.how is How.EACH:
            yield from _lineage(rule.rules, f"{place}[]", f"{sources[0]}[].")
            continue
        by = rule.codes.name if rule.codes else _name(rule)
        note = "; ".join(part for part in (rule.note, rule.codes.source if rule.codes else "") if part)
        yield Lineage(place, str(rule.how), ", ".join(sources), by, note)


def _checked(rules: tuple[Rule, ...], place: Place, path: str) -> Iterator[Finding]:
    for rule in rules:
        here: Place | None = place
        for name in rule.target.split("/"):
            parent = here
            here = here.child(name.partition("[")[0]) if here is not None else None
            if here is None:
                near = nearest(name, parent.names()) if parent is not None else None
                yield Finding("MAP-TARGET", Severity.ERROR, f"{path}/{rule.target}", expected=(near,) if near else ())
                break
        if here is None:
            continue
        known = here.element.codes
        if rule.codes is not None and known is not None:
            for code in sorted(set(rule.codes.codes.values()) - set(known.values)):
                yield _problem("MAP-VALUE", f"{path}/{rule.target}", code=code, table=rule.codes.name)
        yield from _checked(rule.rules, here, f"{path}/{rule.target}")
