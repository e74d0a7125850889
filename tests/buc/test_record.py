"""A case as JSON: written, read, told again; and cases of earlier releases for ever."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import jsonschema
import pytest

import eessi
from eessi.buc import CaseState, Event, record
from eessi.errors import InputError, UnknownCode

DATA = Path(__file__).parent / "data"
DAY = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)


def example() -> eessi.Case:
    case = eessi.buc("LA_BUC_01").start(
        "CaseOwner", "4.3", me="FR:OWNER01", counterparties=["BE:OTHER01", "DE:THIRD01"], case_id="ab" * 16
    )
    return case.replay(
        [
            Event("drafted", sed="A001", document_id="a"),
            Event("sent", document_id="a", sed="A001", at=DAY, receivers=("BE:OTHER01", "DE:THIRD01")),
            Event("received", sed="A011", document_id="b", parent_id="a", sender="BE:OTHER01", at=DAY),
            Event("sent", document_id="a", version=2, at=DAY),
            Event("sent", sed="X005", document_id="x", participant="AT:FOURTH1", at=DAY),
            Event("received", sed="X012", document_id="c", parent_id="a", sender="DE:THIRD01", at=DAY),
            Event("noted", document_id="c", facts={"X012.read": True}),
        ]
    )


def test_round_trip() -> None:
    case = example()
    text = record.dump(case)
    again = record.load(text)
    assert again == case
    assert again.allowed().seds == case.allowed().seds
    assert record.dump(again) == text
    jsonschema.Draft202012Validator(record.schema()).validate(json.loads(text))


def test_the_published_schema_is_that_of_the_file(tmp_path: Path) -> None:
    """``eessi schema case`` accepts what is written, of this release and of earlier ones, and refuses what is not a case."""
    from click.testing import CliRunner

    from eessi.cli.schema import schema

    published = json.loads(CliRunner().invoke(schema, ["case"]).stdout)
    judge = jsonschema.Draft202012Validator(published)
    judge.check_schema(published)
    judge.validate(json.loads(record.dump(example())))
    for file in DATA.glob("case-*.json"):
        table = json.loads(file.read_text(encoding="utf-8"))
        table.pop("expected")
        judge.validate(table)
    assert not judge.is_valid({"schema_version": 1, "buc": "S_BUC_01", "version": "4.3"})
    assert not judge.is_valid({**record.as_json(example()), "colour": "red"})


@pytest.mark.parametrize("file", sorted(DATA.glob("case-*.json")), ids=lambda file: file.name)
def test_cases_of_every_release_load(file: Path) -> None:
    """One file per release and case; never change one that was released."""
    table = json.loads(file.read_text(encoding="utf-8"))
    expected = table.pop("expected")
    found = record.read(table, source=file.name)
    assert found.misfits == ()
    assert found.case.state == CaseState(expected["state"])
    assert [str(item.sed) for item in found.case.documents.values()] == expected["documents"]
    moves = found.case.allowed(on=dt.date(2026, 6, 1))
    assert sorted(moves.seds | {move.sed for move in moves.updates}) == expected["allowed"], "new versions count here"


def test_there_is_a_case_of_this_release() -> None:
    assert list(DATA.glob(f"case-{eessi.__version__}-*.json"))


@pytest.mark.parametrize(
    ("data", "match"),
    [
        ("", "not JSON"),
        ("[]", "object"),
        (b'{"buc": "\xff"}', "UTF-8"),
        ('{"schema_version": 2}', "not known"),
        ('{"schema_version": 1, "buc": "S_BUC_01", "version": "4.3", "role": "King"}', "role"),
        ('{"schema_version": 1, "buc": "S_BUC_01", "version": "4.3", "role": "CaseOwner", "colour": "red"}', "colour"),
        (
            '{"schema_version": 1, "buc": "S_BUC_01", "version": "4.3", "role": "CaseOwner", "events": [{"kind": "sent"}]}',
            "needs a SED",
        ),
    ],
)
def test_what_is_not_a_case(data: str | bytes, match: str) -> None:
    with pytest.raises(InputError, match=match):
        record.load(data, source="case.json")


def test_an_unknown_process() -> None:
    with pytest.raises(UnknownCode):
        record.load('{"schema_version": 1, "buc": "S_BUC_99", "version": "4.3", "role": "CaseOwner"}')


def test_a_history_that_the_rows_no_longer_allow_still_loads() -> None:
    table = record.as_json(eessi.buc("S_BUC_01").start("CaseOwner", "4.3").apply(Event("sent", sed="S071")))
    table["events"].append({"kind": "sent", "sed": "S071", "document_id": "again"})
    found = record.read(table)
    assert [item.number for item in found.misfits] == [2]
    assert len(found.case.documents) == 2
