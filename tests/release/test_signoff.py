"""Sign-off: answers are merged, contradictions shown, and a passport that was touched does not verify."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest

from eessi.errors import DefinitionError, InputError
from eessi.release.excel import write_sheet
from eessi.release.passport import issue, verify
from eessi.release.signoff import COLUMNS, Decision, Item, Round, merge_sheets, write_sheets
from eessi.schemas import Registry

DAY = dt.date(2026, 11, 25)
ROUND = Round(
    version="cdm:4.4",
    asked_on=DAY,
    items=(Item(code="S071", title="Request"), Item(code="S_BUC_01", title="Entitlement")),
    organisations=("Fund A", "Fund B"),
)


def sheet(folder: Path, name: str, *rows: tuple[str, ...]) -> Path:
    file = folder / name
    write_sheet(file, "sign-off", COLUMNS, rows, widths=(10,) * len(COLUMNS))
    return file


def row(organisation: str, item: str, decision: str, comment: str = "") -> tuple[str, ...]:
    return (organisation, item, "", decision, comment, "M. Exemple", "2026-11-26")


def test_answers_are_taken_over(tmp_path: Path) -> None:
    file = sheet(tmp_path, "a.xlsx", row("Fund A", "S071", "accepted"), row("Fund A", "S_BUC_01", "", "unclear"))
    one, conflicts = merge_sheets(ROUND, [file])
    assert conflicts == ()
    assert one.decision("Fund A", "S071") is Decision.ACCEPTED
    assert one.decision("Fund A", "S_BUC_01") is Decision.COMMENTED
    assert one.decision("Fund B", "S071") is Decision.ASKED
    assert not one.is_accepted
    assert ("Fund A", "S071") not in one.open_items()


def test_a_later_answer_replaces_and_keeps_the_comment(tmp_path: Path) -> None:
    first = sheet(tmp_path, "1.xlsx", row("Fund A", "S071", "refused", "town is missing"))
    one, _ = merge_sheets(ROUND, [first])
    one, _ = merge_sheets(one, [sheet(tmp_path, "2.xlsx", row("Fund A", "S071", "accepted", "mended"))])
    assert one.decision("Fund A", "S071") is Decision.ACCEPTED
    assert one.answers[0].comment == "town is missing\nmended"


def test_a_contradiction_is_shown_and_nothing_taken(tmp_path: Path) -> None:
    files = [
        sheet(tmp_path, "1.xlsx", row("Fund A", "S071", "accepted")),
        sheet(tmp_path, "2.xlsx", row("Fund A", "S071", "refused")),
    ]
    one, conflicts = merge_sheets(ROUND, files)
    assert [(c.organisation, c.item, c.decisions, c.sources) for c in conflicts] == [
        ("Fund A", "S071", ("accepted", "refused"), ("1.xlsx", "2.xlsx"))
    ]
    assert one.decision("Fund A", "S071") is Decision.ASKED


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (row("Fund C", "S071", "accepted"), "'Fund C' was not asked"),
        (row("Fund A", "S999", "accepted"), "'S999' is not an item of this round"),
        (row("Fund A", "S071", "maybe"), "'maybe' is not a decision"),
    ],
)
def test_what_was_not_asked_is_refused_with_its_row(bad: tuple[str, ...], says: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"row 2: .*") as caught:
        merge_sheets(ROUND, [sheet(tmp_path, "x.xlsx", bad)])
    assert says in str(caught.value)


def test_the_sheets_that_go_out_come_back(tmp_path: Path) -> None:
    answered, _ = merge_sheets(ROUND, [sheet(tmp_path, "a.xlsx", row("Fund A", "S071", "accepted", "good"))])
    files = write_sheets(answered, tmp_path / "out")
    again, conflicts = merge_sheets(ROUND, files)
    assert conflicts == ()
    assert [(a.organisation, a.item, a.decision, a.comment) for a in again.answers] == [
        ("Fund A", "S071", Decision.ACCEPTED, "good")
    ]


def test_a_round_is_kept_and_a_broken_one_named(tmp_path: Path) -> None:
    file = tmp_path / "round.json"
    ROUND.save(file)
    assert Round.load(file) == ROUND
    broken = json.loads(file.read_text())
    broken["items"][0]["colour"] = "red"
    file.write_text(json.dumps(broken))
    with pytest.raises(DefinitionError, match=r"round.json: items.0.colour"):
        Round.load(file)


def test_a_passport_fits_until_something_is_touched(root: Path, tmp_path: Path) -> None:
    documents = [root / "examples/documents/s071.xml", root / "examples/documents/s071-damaged.xml"]
    registry = Registry.default()
    made = issue(registry, "open:4.4", documents, at=dt.datetime(2026, 11, 25, tzinfo=dt.UTC))
    assert made.summary == {"valid": 1, "invalid": 1, "undetermined": 0}
    file = tmp_path / "passport.json"
    text = json.dumps(made.model_dump(mode="json"), indent=2)
    file.write_text(text)
    assert verify(file, registry=registry, documents=documents) == ()

    for wrong in (text.replace('"valid": 1', '"valid": 2'), text.replace(made.package_hash[:8], "0" * 8)):
        assert wrong != text
        file.write_text(wrong)
        assert any("seal" in trouble for trouble in verify(file, registry=registry))

    file.write_text(text)
    other = tmp_path / "s071.xml"
    other.write_bytes(documents[0].read_bytes() + b"\n")
    assert verify(file, documents=[other]) == ("s071.xml is another document than the one that was validated",)


def test_a_passport_holds_no_values(root: Path) -> None:
    documents = [root / "examples/documents/s071-damaged.xml"]
    made = issue(Registry.default(), "open:4.4", documents, at=dt.datetime(2026, 11, 25, tzinfo=dt.UTC))
    text = json.dumps(made.model_dump(mode="json"))
    assert made.documents[0].findings
    for value in ("Testperson", "Ada", "1980-01-15", "TEST-0001"):
        assert value not in text
