"""Validation in two gears: a compiled schema says yes or no, the resolved structure says why.

The fast gear (libxml2) judges every document; only what it refuses is explained. Both must agree, else the verdict is
``undetermined`` with a finding of its own. Whatever breaks on the way, no schema, a damaged package, an engine that
stops, ends ``undetermined`` too: never ``valid``.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

import attrs
from lxml import etree

from eessi import _xml
from eessi.errors import BrokenData
from eessi.findings import Finding, NotChecked, Outcome, Phrase, Severity, Verdict
from eessi.schemas.recognition import SIGNATURE, Recognised, recognise
from eessi.schemas.structure import Fidelity, Structure

if TYPE_CHECKING:
    from eessi.schemas.registry import Found, Registry

__all__ = ["holds_too_long_a_list", "validate_bytes", "validate_tree", "with_rules"]

SECONDS: Final = 20.0
"""How long the explanation of one document may take before the verdict stays undetermined."""

_NO_CERTIFICATE: Final = NotChecked(Phrase("signature"), Phrase("no certificate was given"))
_NOT_SIGNED: Final = NotChecked(Phrase("signature"), Phrase("the document is not signed"))
_NO_ATTACHMENTS: Final = NotChecked(Phrase("attachments"), Phrase("they are not part of the SED"))
_NO_RULES: Final = NotChecked(Phrase("business rules"), Phrase("not asked for"))

_SIGNED_PARTS: Final = (_NO_CERTIFICATE, _NO_ATTACHMENTS, _NO_RULES)
_UNSIGNED_PARTS: Final = (_NOT_SIGNED, _NO_ATTACHMENTS, _NO_RULES)

_VALUES: Final = 1000
"""Values of one code that are compared with each other; libxml2 takes the square of their number. No code list is as long."""

_SMALL: Final = 8 * _VALUES
_LONG_LIST: Final = etree.XPath(f"boolean(//value[{_VALUES + 1}])", smart_strings=False)

_Key = tuple[str, str | None, dt.date | None]
_APPLIED: WeakKeyDictionary[Registry, dict[_Key, _Applied]] = WeakKeyDictionary()
_HELD: Final = 2000


@attrs.frozen(slots=True, eq=False)
class _Applied:
    """What applies to a root element: the entry found, and the verdicts that need no findings, made once."""

    recognised: Recognised
    found: Found
    signed: Verdict
    unsigned: Verdict


@attrs.frozen(slots=True)
class _Options:
    data: bytes | None
    as_of: dt.date | None
    rules: bool
    thorough: bool
    seconds: float | None


class TooLong(Exception):
    """The explanation took longer than it was given."""


def explain_tree(
    root: etree._Element, structure: Structure, *, data: bytes | None = None, seconds: float | None = None
) -> tuple[Finding, ...]:
    """The rich gear, loaded when the first document is refused."""
    from eessi.schemas.explain import explain_tree as walk

    return walk(root, structure, data=data, seconds=seconds)


def validate_bytes(
    data: bytes,
    registry: Registry,
    *,
    package: str | None = None,
    as_of: dt.date | None = None,
    source: str | None = None,
    rules: bool = False,
    thorough: bool = False,
    seconds: float | None = SECONDS,
) -> Verdict:
    """Judge the bytes of a bare SED. Arguments and result as for :func:`validate_tree`.

    :raises InputError: when the bytes are not XML, or over a limit.
    :raises UnknownCode: when ``package`` is not in the registry.
    """
    root = _xml.parse(data, source=source)
    return validate_tree(
        root,
        registry,
        data=data,
        package=package,
        as_of=as_of,
        source=source,
        rules=rules,
        thorough=thorough,
        seconds=seconds,
    )


def validate_tree(
    root: etree._Element,
    registry: Registry,
    *,
    data: bytes | None = None,
    package: str | None = None,
    as_of: dt.date | None = None,
    source: str | None = None,
    rules: bool = False,
    thorough: bool = False,
    seconds: float | None = SECONDS,
) -> Verdict:
    """Judge a SED that has been parsed.

    :param root: the SED's root element, alone or inside its envelope. It is not changed.
    :param registry: the packages to judge by.
    :param data: the bytes of the whole document that ``root`` belongs to, for lines and columns.
    :param package: judge by this package alone, ``name:version``.
    :param as_of: judge by the packages that applied on that day.
    :param source: name of the input, for messages.
    :param rules: also apply the rules beyond the schema (:mod:`eessi.schemas.rules`).
    :param thorough: let the rich gear look at documents that the fast gear accepts, too.
    :param seconds: how long an explanation may take; ``None`` for no limit.
    :returns: ``valid`` only when an exact schema of this SED and version accepts the document; with all that was not checked.
    :raises UnknownCode: when ``package`` is not in the registry.
    """
    options = _Options(data, as_of, rules, thorough, seconds)
    tag = root.tag
    kept = _APPLIED.get(registry)
    applied = kept.get((tag, package, as_of)) if kept is not None and isinstance(tag, str) else None
    found = applied or _apply(root, registry, package, as_of, options)
    return found if isinstance(found, Verdict) else _judge(root, registry, found, options)


def _apply(
    root: etree._Element, registry: Registry, package: str | None, as_of: dt.date | None, options: _Options
) -> _Applied | Verdict:
    """Which entry applies; a verdict at once where the root settles it or no package knows the SED."""
    recognised = recognise(root, registry)
    if recognised.faults:
        return _by_root(recognised, root, options)
    assert recognised.sed is not None
    assert recognised.version is not None
    try:
        found = registry.find(recognised.sed, recognised.version, as_of=as_of, package=package)
    except BrokenData as error:
        return _undetermined(recognised, None, root, _broken(recognised, str(error)))
    if found is None:
        return _without_schema(recognised, root, package, as_of)
    common = {
        "outcome": Outcome.VALID,
        "sed": str(recognised.sed),
        "cdm": str(recognised.version),
        "package": found.coordinates,
        "fidelity": str(found.fidelity),
    }
    applied = _Applied(
        recognised,
        found,
        Verdict(not_checked=_SIGNED_PARTS, **common),  # type: ignore[arg-type]  # names and types are those of Verdict
        Verdict(not_checked=_UNSIGNED_PARTS, **common),  # type: ignore[arg-type]  # names and types are those of Verdict
    )
    kept = _APPLIED.setdefault(registry, {})
    if len(kept) >= _HELD:
        kept.clear()
    kept[(str(root.tag), package, as_of)] = applied
    return applied


def _by_root(recognised: Recognised, root: etree._Element, options: _Options) -> Verdict:
    line, column = _xml.place_of(root, options.data)
    return Verdict.of(
        [attrs.evolve(fault, line=line, column=column) for fault in recognised.faults],
        determined=False,
        not_checked=(NotChecked(Phrase("structure"), Phrase("the root element settles it")), *_parts(root)),
        sed=recognised.sed,
        cdm=str(recognised.version) if recognised.version else None,
    )


def _without_schema(
    recognised: Recognised, root: etree._Element, package: str | None, as_of: dt.date | None
) -> Verdict:
    why = Phrase("no package knows {sed} in version {cdm}", sed=str(recognised.sed), cdm=str(recognised.version))
    if package:
        why = Phrase("{why} (asked for: {package})", why=why, package=package)
    if as_of:
        why = Phrase("{why} on {day}", why=why, day=as_of.isoformat())
    finding = Finding(
        "DOC-NO-SCHEMA",
        Severity.INFO,
        path=recognised.name,
        line=root.sourceline,
        params={"sed": str(recognised.sed), "cdm": str(recognised.version)},
    )
    return Verdict(
        Outcome.UNDETERMINED,
        (finding,),
        (NotChecked(Phrase("structure"), why), *_parts(root)),
        sed=recognised.sed,
        cdm=str(recognised.version),
    )


def _parts(root: etree._Element) -> tuple[NotChecked, ...]:
    return _SIGNED_PARTS if root.find(SIGNATURE) is not None else _UNSIGNED_PARTS


def _broken(recognised: Recognised, reason: str) -> Finding:
    params = {"sed": str(recognised.sed), "cdm": str(recognised.version), "reason": reason}
    return Finding("VAL-PACKAGE", Severity.WARNING, path=recognised.name, params=params)


def _stopped(recognised: Recognised, reason: str) -> Finding:
    return Finding("VAL-ENGINE", Severity.WARNING, path=recognised.name, params={"reason": reason})


def _undetermined(recognised: Recognised, found: Found | None, root: etree._Element, finding: Finding) -> Verdict:
    return Verdict(
        Outcome.UNDETERMINED,
        (finding,),
        (NotChecked(Phrase("structure"), finding.params["reason"]), *_parts(root)),
        sed=recognised.sed,
        cdm=str(recognised.version),
        package=found.coordinates if found else None,
        fidelity=str(found.fidelity) if found else None,
    )


def _judge(root: etree._Element, registry: Registry, applied: _Applied, options: _Options) -> Verdict:
    """Both gears; every fault on our side ends undetermined."""
    try:
        if applied.found.fidelity is Fidelity.EXACT:
            verdict = _by_exact(root, registry, applied, options)
        else:
            verdict = _by_likeness(root, registry, applied, options)
        return _with_rules(verdict, root, registry, applied, options)
    except BrokenData as error:
        finding = _broken(applied.recognised, str(error))
    except TooLong:
        finding = _stopped(
            applied.recognised, Phrase("it took longer than {seconds} seconds", seconds=f"{options.seconds:g}")
        )
    except MemoryError:
        finding = _stopped(applied.recognised, Phrase("the memory is used up"))
    except Exception as error:  # noqa: BLE001  # whatever breaks, the document has not been checked
        finding = _stopped(applied.recognised, type(error).__name__)
    return _undetermined(applied.recognised, applied.found, root, finding)


def _by_exact(root: etree._Element, registry: Registry, applied: _Applied, options: _Options) -> Verdict:
    if holds_too_long_a_list(root, options.data):
        reason = Phrase(
            "one element has more than {number} values, which are not compared with each other", number=_VALUES
        )
        return _undetermined(applied.recognised, applied.found, root, _stopped(applied.recognised, reason))
    accepted = registry.schema_of(applied.found).validate(root)
    if accepted is not True and accepted is not False:
        raise TypeError("the engine gave no answer")
    fine = applied.unsigned if root.find(SIGNATURE) is None else applied.signed
    if accepted and not options.thorough:
        return fine
    findings = _explain(root, registry, applied, options, certain_only=accepted)
    refused = any(finding.severity is Severity.ERROR for finding in findings)
    if accepted:
        return (
            attrs.evolve(fine, findings=findings)
            if not refused
            else _disagree(root, applied, Phrase("yes"), Phrase("no"), findings)
        )
    if not refused:
        second = _second_opinion(root, registry, applied)
        if not second:
            return _disagree(root, applied, Phrase("no"), Phrase("yes"), findings)
        findings = _confirmed(findings, second)
    return Verdict(Outcome.INVALID, findings, fine.not_checked, fine.sed, fine.cdm, fine.package, fine.fidelity)


def holds_too_long_a_list(root: etree._Element, data: bytes | None) -> bool:
    """Whether the fast gear must not be asked, since it would take minutes to compare values with each other.

    :param data: the bytes of the document, which tell of a small one without a look.
    """
    return (data is None or len(data) > _SMALL) and bool(_LONG_LIST(root))


def _explain(
    root: etree._Element, registry: Registry, applied: _Applied, options: _Options, *, certain_only: bool
) -> tuple[Finding, ...]:
    structure = registry.structure_of(applied.found)
    findings = explain_tree(root, structure, data=options.data, seconds=options.seconds)
    if structure.unmodelled:
        vague = tuple(map(_place_of, structure.unmodelled))
        sure = tuple(finding for finding in findings if not _is_vague(finding, vague))
        unsure = () if certain_only else _lowered(finding for finding in findings if _is_vague(finding, vague))
        findings = (*sure, *unsure)
    signature = root.find(SIGNATURE)
    if signature is not None and not registry.schema_of(applied.found).validate(signature):
        path = f"{applied.recognised.name}/Signature"
        findings = (*findings, Finding("SCH-SIGNATURE", path=path, line=signature.sourceline))
    return findings


def _is_vague(finding: Finding, vague: tuple[str, ...]) -> bool:
    """Whether a finding stands where the schema says more than the structure can: there it may be wrong, and only warns."""
    path = re.sub(r"\[[0-9]+\]", "", finding.path or "")
    return any(path == place or path.startswith((f"{place}/", f"{place}@")) for place in vague)


def _place_of(note: str) -> str:
    """The path in a line of ``Structure.unmodelled``: ``S999: Odd: attributes lang`` is about ``S999/Odd``."""
    root, below, *text = [*note.split(": "), "", ""]
    if below.startswith("attributes of the root"):
        return f"{root}/"
    return f"{root}/{below}" if text[0] and re.fullmatch(r"[\w./-]+", below) else root


def _confirmed(findings: tuple[Finding, ...], second: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Warnings that the second engine bears out become errors in the better words; the rest of what it says follows."""
    rest = list(second)
    told: list[Finding] = []
    for finding in findings:
        path = re.sub(r"\[[0-9]+\]", "", finding.path or "")
        same = next((other for other in rest if re.sub(r"\[[0-9]+\]", "", other.path or "") == path), None)
        if same is not None:
            rest.remove(same)
            finding = attrs.evolve(finding, severity=Severity.ERROR)
        told.append(finding)
    return (*told, *rest)


def _second_opinion(root: etree._Element, registry: Registry, applied: _Applied) -> tuple[Finding, ...]:
    from eessi.schemas.explain_second import ask_xmlschema

    return ask_xmlschema(root, applied.found.sources())


def _disagree(root: etree._Element, applied: _Applied, fast: str, rich: str, findings: Iterable[Finding]) -> Verdict:
    gears = Finding(
        "SCH-GEARS",
        Severity.WARNING,
        path=applied.recognised.name,
        line=root.sourceline,
        params={"fast": fast, "rich": rich},
    )
    fine = applied.unsigned if root.find(SIGNATURE) is None else applied.signed
    return attrs.evolve(
        fine,
        outcome=Outcome.UNDETERMINED,
        findings=(gears, *_lowered(findings)),
        not_checked=(NotChecked(Phrase("structure"), Phrase("the two ways of checking disagree")), *fine.not_checked),
    )


def _lowered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(
        attrs.evolve(finding, severity=Severity.WARNING) if finding.severity is Severity.ERROR else finding
        for finding in findings
    )


_WHY_NOT: Final = {
    Fidelity.SANDBOX: Phrase("the sandbox is the toolkit's own and proves nothing about EESSI"),
    Fidelity.OBSERVED: Phrase("the open package knows this SED from documents only"),
    Fidelity.MAPPED: Phrase("the open package knows this SED from mappings only"),
    Fidelity.NAMED: Phrase("the open package knows this SED by name only"),
}


def _by_likeness(root: etree._Element, registry: Registry, applied: _Applied, options: _Options) -> Verdict:
    """A tree that is not exact describes and does not refuse: always undetermined, warnings at most."""
    fidelity = applied.found.fidelity
    findings = () if fidelity is Fidelity.NAMED else _lowered(_explain_open(root, registry, applied, options))
    fine = applied.unsigned if root.find(SIGNATURE) is None else applied.signed
    return attrs.evolve(
        fine,
        outcome=Outcome.UNDETERMINED,
        findings=findings,
        not_checked=(NotChecked(Phrase("structure"), _WHY_NOT[fidelity]), *fine.not_checked),
    )


def _explain_open(
    root: etree._Element, registry: Registry, applied: _Applied, options: _Options
) -> tuple[Finding, ...]:
    structure = registry.structure_of(applied.found)
    return explain_tree(root, structure, data=options.data, seconds=options.seconds)


def _with_rules(
    verdict: Verdict, root: etree._Element, registry: Registry, applied: _Applied, options: _Options
) -> Verdict:
    if not options.rules:
        return verdict
    structure = registry.structure_of(applied.found)
    return with_rules(verdict, root, structure, data=options.data, on=options.as_of)


def with_rules(
    verdict: Verdict,
    root: etree._Element,
    structure: Structure | None,
    *,
    data: bytes | None = None,
    on: dt.date | None = None,
) -> Verdict:
    """The verdict with what the rules beyond the schema find; a place that has a finding already gets no second one.

    :param root: the SED's root element. :param data: the bytes of the whole document that ``root`` belongs to.
    :param on: the day of the verdict, for rules that need one; today unless told.
    """
    from eessi.schemas.rules import apply_rules

    told = {(finding.id, finding.path) for finding in verdict.findings}
    findings, not_checked = apply_rules(root, structure, data=data, today=on)
    return attrs.evolve(
        verdict,
        findings=(*verdict.findings, *(finding for finding in findings if not _told(finding, told))),
        not_checked=(*(entry for entry in verdict.not_checked if entry != _NO_RULES), *not_checked),
    )


def _told(finding: Finding, told: set[tuple[str, str | None]]) -> bool:
    """Whether the same was said already, or something else at that leaf or, for the ``value`` of a code, at the code."""
    path = finding.path or ""
    below = {path, path.removesuffix("/value")} if "/" in path else set()
    return (finding.id, finding.path) in told or any(place in below for _, place in told)
