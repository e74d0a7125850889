"""A document in another form, whatever form it comes in: what ``eessi sed convert`` does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
from lxml import etree

from eessi import _xml
from eessi.errors import InputError, UsageError
from eessi.sed.codec import parse
from eessi.sed.document import Sed
from eessi.sed.losses import Loss, LossKind, LossReport
from eessi.sed.trees import default_registry
from eessi.sed.validation import Kind, recognise

if TYPE_CHECKING:
    from eessi.schemas import Registry

__all__ = ["Converted", "convert", "read_any"]


@attrs.frozen(slots=True)
class Converted:
    """The result: bytes in UTF-8, what the input was, and what could not be carried over or was guessed."""

    data: bytes = attrs.field(repr=False)
    kind: Kind
    report: LossReport
    sed: str | None = None
    cdm: str | None = None


def read_any(
    data: bytes,
    *,
    version: str | None = None,
    registry: Registry | None = None,
    source: str | None = None,
    wrap_codes: bool = False,
) -> Sed:
    """The SED in bytes of any form: XML, message, RINA JSON, NAV JSON, or the form of a plug-in.

    :param version: CDM version of a JSON document that names none.
    :raises InputError: when no SED can be read from it.
    """
    kind = recognise(data, source=source)
    if kind in (Kind.SED, Kind.SBDH):
        document = parse(data)
        return document if isinstance(document, Sed) else document.sed
    if kind is Kind.RINA_JSON:
        from eessi.sed.rina_json import read_rina_json

        return read_rina_json(data, version=version, registry=registry, source=source, wrap_codes=wrap_codes)
    if kind is Kind.NAV_JSON:
        from eessi.sed.nav_json import read_nav_json

        return read_nav_json(data, version=version, registry=registry, source=source)
    if kind in (Kind.NEESSI_JSON, Kind.OTHER_JSON):
        from eessi.sed.json_forms import plug_ins
        from eessi.sed.json_text import load_json

        for form in plug_ins():
            if form.recognises(load_json(data, source=source)):
                return form.read(data, version=version, registry=registry, source=source)
    raise InputError(_no_sed(kind), source=source)


def _no_sed(kind: Kind) -> str:
    return {
        Kind.NEESSI_JSON: "this is JSON of NAV's front end (sedType, sedVersjon); how its names map to a SED is not known",
        Kind.RINA_HEADER: "this is a message header, not a SED; convert it with --part header",
        Kind.RINA_SUBDOCUMENTS: "this is RINA's list of sub-documents of a bulk SED, not a SED",
        Kind.OTHER_JSON: 'no SED in this JSON; expected one member named by the SED, like {"A001": {...}}',
    }.get(kind, "this XML is neither a SED nor a message")


def convert(
    data: bytes,
    target: str,
    *,
    version: str | None = None,
    part: str = "sed",
    wrap_codes: bool = False,
    registry: Registry | None = None,
    source: str | None = None,
) -> Converted:
    """Convert a document to ``xml`` or ``json`` (RINA).

    :param part: ``sed``, or ``header`` for the header of a message.
    :raises InputError: when the input cannot be read. :raises UsageError: when it has no such part.
    """
    kind = recognise(data, source=source)
    registry = registry or default_registry()
    if part == "header":
        return _header(data, target, kind, source)
    sed = read_any(data, version=version, registry=registry, source=source, wrap_codes=wrap_codes)
    report = sed.report or LossReport()
    if kind is Kind.SBDH:
        report = report.joined(
            [Loss(LossKind.OUTSIDE, "StandardBusinessDocumentHeader", "convert it with --part header")]
        )
    if target == "xml":
        return Converted(sed.data, kind, report, sed.name, str(sed.version))
    from eessi.sed.rina_json import to_rina_json

    written = to_rina_json(sed, registry)
    report = report.joined(written.report.entries)
    return Converted(written.text.encode(), kind, report, sed.name, str(sed.version))


def _header(data: bytes, target: str, kind: Kind, source: str | None) -> Converted:
    from eessi.sed.header_json import read_header_json, write_header_json
    from eessi.sed.header_xml import header_element

    if kind is Kind.RINA_HEADER:
        header = read_header_json(data, source=source)
    elif kind is Kind.SBDH:
        document = parse(data)
        assert not isinstance(document, Sed)
        header = document.header
    else:
        raise UsageError(f"this is {kind}; only a message or a header in JSON has a header")
    if target == "json":
        return Converted(write_header_json(header).encode(), kind, LossReport(), header.sed)
    element = header_element(header)
    etree.indent(element)
    lost = [
        Loss(LossKind.UNMAPPED, f"attachments[{n}]", "no XML name is known")
        for n, _ in enumerate(header.attachments, 1)
    ]
    return Converted(_xml.serialise(element), kind, LossReport(tuple(lost)), header.sed)
