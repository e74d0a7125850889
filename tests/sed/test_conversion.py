"""Any form in, XML or RINA JSON out; further forms as plug-ins."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import pytest

from eessi.errors import DefinitionError, InputError, UsageError
from eessi.schemas import Registry
from eessi.sed import Kind, Sed, build, parse
from eessi.sed.conversion import Converted, convert, read_any
from eessi.sed.json_forms import GROUP, plug_ins
from eessi.sed.json_text import JsonValue, load_json

OWN = b'{"format": "own", "surname": "Testperson"}'


class OwnForm:
    """A form of one field, as a plug-in would bring it."""

    name = "own"

    def recognises(self, document: JsonValue) -> bool:
        return isinstance(document, dict) and document.get("format") == "own"

    def read(self, data: bytes, *, version: str | None, registry: Registry | None, source: str | None) -> Sed:
        document = load_json(data, source=source)
        assert isinstance(document, dict)
        data_of_sed = {"Person/PersonIdentification/familyName": document["surname"]}
        return build("A001", data_of_sed, version=version or "4.4", registry=registry)


form = OwnForm()


def installed(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    entry = importlib.metadata.EntryPoint("own", value, GROUP)
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda *, group: (entry,) if group == GROUP else ())


def test_a_plug_in_reads_its_form(monkeypatch: pytest.MonkeyPatch, registry: Registry) -> None:
    with pytest.raises(InputError, match="no SED in this JSON"):
        convert(OWN, "xml", registry=registry)
    installed(monkeypatch, f"{__name__}:form")
    assert [found.name for found in plug_ins()] == ["own"]
    sed = read_any(OWN, registry=registry)
    assert sed["Person/PersonIdentification/familyName"] == "Testperson"
    with pytest.raises(InputError, match="no SED in this JSON"):
        convert(b'{"format": "other"}', "xml", registry=registry)


def test_a_broken_plug_in_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, "nowhere:form")
    with pytest.raises(DefinitionError, match="nowhere:form"):
        plug_ins()


REASONS = ("NAV names of", "front end", "message header", "sub-documents", "--version")


def attempt(data: bytes, version: str | None, registry: Registry) -> Converted | str:
    try:
        return convert(data, "xml", version=version, registry=registry)
    except InputError as error:
        return str(error)


def values_of(result: Converted) -> dict[str, str]:
    sed = parse(result.data)
    assert isinstance(sed, Sed)
    return dict(sed.items())


def test_every_sample_converts_both_ways_or_says_why_not(samples: Path, registry: Registry) -> None:
    """No sample is passed over: each gives a document in both forms, or one of the known reasons."""
    files = sorted(samples.glob("samples-*/**/*.*"))
    converted = 0
    for file in files:
        data = file.read_bytes()
        results = [attempt(data, version, registry) for version in (None, "4.2")]
        refused = [result for result in results if isinstance(result, str)]
        assert all(any(reason in result for reason in REASONS) for result in refused), f"{file.name}: {refused}"
        for xml in [result for result in results if isinstance(result, Converted)][:1]:
            back = convert(xml.data, "json", registry=registry)
            again = convert(back.data, "xml", version=xml.cdm, registry=registry)
            assert values_of(again) == values_of(xml), file.name
            converted += 1
    assert len(files) == 55
    assert converted == 21


@pytest.mark.parametrize(
    ("name", "version", "unknown"),
    [
        ("rina/A001-4.4.json", None, ()),
        ("rina/P4000-4.0.json", None, ("typeOpenPeriod",)),
        ("rina/P5000-4.0.json", None, ()),
        ("rina/u020-master-document.json", None, ()),
        ("rina/u029-child-document-002.json", "4.2", ("IndividualClaim",)),
        ("nav/prefill-H120-NAV.json", "4.3", ()),
    ],
)
def test_what_is_kept_but_unknown_is_listed(
    name: str, version: str | None, unknown: tuple[str, ...], samples: Path, registry: Registry
) -> None:
    sed = read_any((samples / "samples-json" / name).read_bytes(), version=version, registry=registry)
    assert sed.unknown(registry) == unknown
    assert all(path in sed for path in unknown)


def test_the_header_of_a_message_only(registry: Registry) -> None:
    sed = build("A001", {"Person/PersonIdentification/sex": "01"}, version="4.4", registry=registry)
    with pytest.raises(UsageError, match="only a message"):
        convert(sed.data, "json", part="header", registry=registry)
    result = convert(sed.data, "xml", registry=registry)
    assert (result.data, result.kind, result.sed, result.cdm) == (sed.data, Kind.SED, "A001", "4.4")
