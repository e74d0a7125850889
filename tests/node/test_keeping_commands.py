"""The commands that find, keep and let go: dry runs until told otherwise, right exit codes, no number on the command line."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from eessi.cli.program import run
from eessi.directory import Directory
from eessi.directory.syn001_writer import syn001_bytes
from eessi.ids import Period
from eessi.node.evidence import check_store
from eessi.stores import Store
from eessi.transport.corners import FourCorners
from tests.node.conftest import BE, FR, Pair, pair_of
from tests.node.test_keeping import closed
from tests.node.test_node import started

RULES = """format = 1
[[rule]]
id = "test-erase"
action = "erase"
bucs = ["LA_*"]
days = 10
kind = "own"
source = "test"
reason = "ten days"
"""


@pytest.fixture
def filed(tmp_path: Path) -> Iterator[Pair]:
    with Store.open(tmp_path / "fr.db") as fr, Store.open("sqlite://") as be:
        yield pair_of(FourCorners(FR, BE, stores=(fr, be)))


def call(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = run([str(word) for word in words])
    out, err = capsys.readouterr()
    return code, out, err


def rows(out: str, key: str = "cases") -> list[dict[str, object]]:
    found = json.loads(out)
    assert found["schema_version"] == 1
    return list(found[key])


def test_find(filed: Pair, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case_id = started(filed)
    key, pin = tmp_path / "key", tmp_path / "pin"
    key.write_bytes(bytes(32))
    key.chmod(0o600)
    pin.write_text("TEST-0001\n")
    store = ("--store", tmp_path / "fr.db", "--format", "json")
    for question in (
        ("--pin-file", pin, "--key-file", key),
        ("--pin-file", pin, "--pin-country", "FR", "--key-file", key),
        ("--partner", BE, "--buc", "la_buc_01", "--state", "open"),
        ("--national-number", "FR-2026-17"),
        ("--opened-since", "2026-01-05", "--opened-until", "2026-01-05"),
        ("--changed-since", "2026-01-05"),
    ):
        code, out, _ = call(capsys, "case", "find", *question, *store)
        assert (code, [row["case_id"] for row in rows(out)]) == (0, [case_id]), question
    for question in (("--opened-until", "2026-01-04"), ("--pin-file", pin, "--pin-country", "BE", "--key-file", key)):
        assert rows(call(capsys, "case", "find", *question, *store)[1]) == []
    code, _, err = call(capsys, "case", "find", "--pin-file", pin, *store)
    assert (code, "--key-file" in err) == (2, True)


def test_retention_is_a_dry_run_until_applied(filed: Pair, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case_id = closed(filed)
    file = tmp_path / "rules.toml"
    file.write_text(RULES)
    words = (
        "case",
        "retention",
        "--rules",
        file,
        "--on",
        "2030-01-01",
        "--store",
        tmp_path / "fr.db",
        "--format",
        "json",
    )
    assert [row["action"] for row in rows(call(capsys, *words)[1])] == ["erase"]
    assert rows(call(capsys, *words)[1]) == rows(call(capsys, *words)[1]), "a dry run changes nothing"
    assert call(capsys, "case", "hold", case_id, "--store", tmp_path / "fr.db")[0] == 2
    assert call(capsys, "case", "hold", case_id, "--reason", "court", "--store", tmp_path / "fr.db")[0] == 0
    [kept] = rows(call(capsys, *words, "--apply")[1])
    assert (kept["action"], "under a hold" in str(kept["why"])) == ("kept", True)
    assert call(capsys, "case", "erase", case_id, "--reason", "r", "--who", "w", "--store", tmp_path / "fr.db")[0] == 1
    assert call(capsys, "case", "hold", case_id, "--lift", "--store", tmp_path / "fr.db")[0] == 0
    code, out, _ = call(capsys, "case", "erase", case_id, "--reason", "r", "--who", "w", "--store", tmp_path / "fr.db")
    assert (code, "would be erased" in out) == (0, True)
    [done] = rows(call(capsys, *words, "--apply")[1])
    assert (done["outcome"], done["rule"]) == ("erased", "test-erase")
    assert check_store(filed.fr.store) == ()
    again = ("case", "erase", case_id, "--reason", "r", "--who", "w", "--apply", "--store", tmp_path / "fr.db")
    code, _, err = call(capsys, *again)
    assert (code, "the case is erased" in err) == (1, True)
    file.write_text("format = 1\n[[rule]]")
    assert call(capsys, *words)[0] == 5


def test_closing_tells_which_and_why(filed: Pair, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case_id = started(filed)
    file = tmp_path / "rules.toml"
    file.write_text(
        'format = 1\n[[rule]]\nid = "mine"\nbucs = ["LA_*"]\ndays = 5\nroles = ["CaseOwner"]\nclose = "X001"\n'
        'kind = "own"\nsource = "test"\nreason = "quiet"\n'
    )
    words = ("case", "closing", "--rules", file, "--store", tmp_path / "fr.db", "--format", "json")
    assert rows(call(capsys, *words, "--on", "2026-01-06")[1]) == []
    [row] = rows(call(capsys, *words, "--on", "2026-02-06")[1])
    assert (row["case_id"], row["rule"], row["due"], row["close"]) == (case_id, "mine", "2026-01-10", "X001")
    code, _, err = call(capsys, *words, "--on", "2026-02-06", "--apply")
    assert (code, "--config" in err) == (2, True)


def test_touched_cases_are_told_by_two_copies(filed: Pair, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    case_id = started(filed)
    old = Directory.synthetic()
    body = old.get(BE)
    ended = attrs.evolve(body, period=Period(body.period.start, dt.date(2025, 12, 31)))
    content = old.content
    new = Directory(attrs.evolve(content, institutions={**content.institutions, ended.id: ended}))
    files = []
    for name, copy in (("old.xml", old), ("new.xml", new)):
        (tmp_path / name).write_bytes(syn001_bytes(copy))
        files.append(tmp_path / name)
    words = ("case", "touched", "--on", "2026-01-06", "--store", tmp_path / "fr.db", "--format", "json")
    code, out, _ = call(capsys, *words, "--directory", files[1], "--before", files[0])
    [row] = rows(out)
    assert (code, row["case_id"], row["standing"], row["needs"]) == (1, case_id, "not in force", None)
    assert call(capsys, *words, "--directory", files[0])[0] == 0
    code, _, err = call(capsys, *words, "--directory", files[1], "--send")
    assert (code, "--config" in err) == (2, True)
