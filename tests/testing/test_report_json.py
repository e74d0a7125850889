"""The JSON of the commands obeys the schema that is published for it."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from eessi.cli.program import run


@pytest.fixture(autouse=True)
def _in_the_project(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)


def printed(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> object:
    run(arguments)
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("replay", ["replay", "examples/scenarios/s_buc_01.buc.yaml", "--format", "json"]),
        ("campaign", ["campaign", "moveit", "--messages", "3", "--format", "json"]),
    ],
)
def test_a_document_obeys_its_schema(name: str, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    schema = printed(["schema", name], capsys)
    assert isinstance(schema, dict)
    jsonschema.Draft202012Validator.check_schema(schema)
    document = printed(arguments, capsys)
    jsonschema.validate(document, schema)
    assert isinstance(document, dict)
    del document["summary"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, schema)


def test_the_schema_of_scenarios_is_published(capsys: pytest.CaptureFixture[str]) -> None:
    schema = printed(["schema", "scenario"], capsys)
    assert isinstance(schema, dict)
    assert schema["title"] == "EESSI scenario"
