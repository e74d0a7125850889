"""Verdicts on what institutions exchange: a SED, a message, or a file that holds one in any form."""

from __future__ import annotations

import datetime as dt
import enum
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from eessi import _xml
from eessi.errors import InputError
from eessi.findings import Finding, NotChecked, Severity, Verdict
from eessi.sed.codec import read_bytes
from eessi.sed.document import ROOT_ATTRIBUTES, Sed, recognise_root
from eessi.sed.message import Message, read_message
from eessi.sed.trees import default_registry

if TYPE_CHECKING:
    from eessi.schemas import Registry

__all__ = ["Kind", "recognise", "validate"]


class Kind(enum.StrEnum):
    """What a file holds, told by its content."""

    SBDH = "sbdh"
    SED = "sed"
    RINA_JSON = "rina-json"
    RINA_HEADER = "rina-header"
    RINA_SUBDOCUMENTS = "rina-subdocuments"
    NAV_JSON = "nav-json"
    NEESSI_JSON = "neessi-json"
    OTHER_XML = "xml"
    OTHER_JSON = "json"


def recognise(data: bytes, *, source: str | None = None) -> Kind:
    """What the bytes hold. The name of a file plays no part.

    :raises InputError: when they are neither XML nor JSON, or broken.
    :raises LimitExceeded: when they are too large or too deep.
    """
    if _is_json(data):
        from eessi.sed.json_forms import kind_of_json
        from eessi.sed.json_text import load_json

        return Kind(kind_of_json(load_json(data, source=source)))
    root = _xml.parse(data, source=source)
    if _xml.local_name(root) == "StandardBusinessDocument":
        return Kind.SBDH
    row = recognise_root(_xml.local_name(root), _xml.namespace_of(root))
    return Kind.SED if row else Kind.OTHER_XML


def _is_json(data: bytes) -> bool:
    head = data[:64].lstrip(b"\xef\xbb\xbf\xfe\xff \t\r\n\x00")
    return head[:1] in (b"{", b"[")


def validate(
    document: Sed | Message | bytes | str | Path,
    registry: Registry | None = None,
    *,
    package: str | None = None,
    as_of: dt.date | None = None,
    cdm: str | None = None,
) -> Verdict:
    """What is known about a document: valid, invalid or undetermined, with findings and what was not checked.

    :param document: a SED or message, the bytes of one, or the path of a file: XML, SBDH or RINA JSON.
    :param registry: the packages to judge by; default :meth:`Registry.default`.
    :param package: coordinates ``name:version`` of the one package to judge by.
    :param as_of: the day whose packages count.
    :param cdm: version of a RINA JSON document that names none.
    :raises InputError: when the input cannot be read at all.
    """
    registry = registry or default_registry()
    if isinstance(document, Sed):
        return _of_sed(document, registry, package, as_of)
    if isinstance(document, Message):
        return _of_message(document, registry, package, as_of)
    data, name = read_bytes(document)
    if _is_json(data):
        return _of_json(data, name, registry, package, as_of, cdm)
    root = _xml.parse(data, source=name)
    if _xml.local_name(root) == "StandardBusinessDocument":
        return _of_message(read_message(root, data, source=name), registry, package, as_of)
    from eessi.schemas import validate_tree

    verdict: Verdict = validate_tree(root, registry, data=data, package=package, as_of=as_of, source=name)
    if recognise_root(_xml.local_name(root), _xml.namespace_of(root)) is None:
        return verdict
    return _more(verdict, *_about_sed(Sed(root, data, source=name)))


def _more(verdict: Verdict, findings: list[Finding], not_checked: list[NotChecked]) -> Verdict:
    """The verdict with further findings; a new error makes it invalid, and what is listed already is not listed twice."""
    seen = {(finding.id, finding.path) for finding in verdict.findings}
    what = {entry.what for entry in verdict.not_checked}
    return Verdict.of(
        (*verdict.findings, *(finding for finding in findings if (finding.id, finding.path) not in seen)),
        determined=verdict.is_valid,
        not_checked=(*verdict.not_checked, *(entry for entry in not_checked if entry.what not in what)),
        sed=verdict.sed,
        cdm=verdict.cdm,
        package=verdict.package,
        fidelity=verdict.fidelity,
    )


def _of_sed(sed: Sed, registry: Registry, package: str | None, as_of: dt.date | None) -> Verdict:
    from eessi.schemas import validate_tree

    verdict = validate_tree(sed.root, registry, data=sed.data, package=package, as_of=as_of)
    return _more(verdict, *_about_sed(sed))


def _about_sed(sed: Sed) -> tuple[list[Finding], list[NotChecked]]:
    findings = []
    given = sed.attributes
    version = f"{sed.version.major} and {sed.version.minor}"
    stated = [given[key].strip() for key in ROOT_ATTRIBUTES[1:] if key in given]
    if sed.version.major >= 4 and len(stated) == 2 and stated != version.split(" and "):
        findings.append(
            Finding(
                "DOC-ATTRIBUTES",
                Severity.WARNING,
                sed.name,
                sed.root.sourceline,
                got=" and ".join(stated),
                expected=(version,),
            )
        )
    not_checked = [
        NotChecked("signature", "no certificate was given" if sed.is_signed else "the document is not signed"),
        NotChecked("process", "whether the document may be sent now depends on its case"),
    ]
    return findings, not_checked


def _of_message(message: Message, registry: Registry, package: str | None, as_of: dt.date | None) -> Verdict:
    from eessi.sed.envelope import about_message

    verdict = _of_sed(message.sed, registry, package, as_of)
    return _more(verdict, *about_message(message))


def _of_json(
    data: bytes, name: str | None, registry: Registry, package: str | None, as_of: dt.date | None, cdm: str | None
) -> Verdict:
    from eessi.sed.losses import LossKind
    from eessi.sed.rina_json import read_rina_json

    kind = recognise(data, source=name)
    if kind is not Kind.RINA_JSON:
        raise InputError(f"this is {kind}, not a SED in XML or RINA JSON", source=name)
    sed = read_rina_json(data, version=cdm, registry=registry, source=name)
    verdict = _of_sed(sed, registry, package, as_of)
    verdict = attrs.evolve(
        verdict, findings=tuple(attrs.evolve(one, line=None, column=None) for one in verdict.findings)
    )
    not_checked = [NotChecked("order of elements", "RINA JSON has none; the order of the tree was used")]
    dropped = sed.report.of(LossKind.EMPTY, LossKind.NULL) if sed.report else ()
    findings = [Finding("DOC-EMPTY", Severity.WARNING, entry.path) for entry in dropped]
    return _more(verdict, findings, not_checked)
