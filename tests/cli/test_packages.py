"""``eessi packages`` as scripts use it: exit codes, JSON, one line on standard error."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eessi.cli.program import run
from tests.schemas.test_registry import schema_text

Json = dict[str, Any]
Eessi = Callable[..., tuple[int, str, str]]


@pytest.fixture
def eessi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Eessi:
    """Run the command with a home of its own; returns exit code, standard output and standard error."""
    monkeypatch.setenv("EESSI_HOME", str(tmp_path / "home"))

    def call(*arguments: object) -> tuple[int, str, str]:
        code = run([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return call


@pytest.fixture
def official(tmp_path: Path) -> Path:
    """An official-looking folder; synthetic."""
    folder = tmp_path / "official"
    folder.mkdir()
    (folder / "S071-4.4.0-20241203T114212.xsd").write_bytes(schema_text())
    return folder


def test_import_then_list_then_show(eessi: Eessi, official: Path) -> None:
    code, out, err = eessi("packages", "import", official)
    assert (code, err) == (0, "")
    assert out.startswith("imported cdm:4.4.0: 1 (1 exact)\nhash ")
    code, out, _ = eessi("packages", "list", "--format", "json")
    document: Json = json.loads(out)
    assert (code, list(document)) == (0, ["schema_version", "packages"])
    by_name = {(row["name"], row["version"]): row for row in document["packages"]}
    assert set(by_name) == {("open", "4.4"), ("sandbox", "1.0"), ("sandbox", "1.1"), ("cdm", "4.4.0")}
    for row in by_name.values():
        assert {"name", "version", "seds", "hash", "valid_from", "valid_to"} <= row.keys()
        assert re.fullmatch("[0-9a-f]{64}", row["hash"])
    assert by_name["cdm", "4.4.0"]["seds"] == ["S071"]
    assert len(by_name["sandbox", "1.0"]["seds"]) == 280
    code, out, _ = eessi("packages", "show", "cdm", "--format", "json")
    shown: Json = json.loads(out)
    assert code == 0
    assert [(row["sed"], row["version"], row["fidelity"], row["released"]) for row in shown["entries"]] == [
        ("S071", "4.4.0", "exact", "20241203T114212")
    ]
    assert [row["path"] for row in shown["files"]] == ["S071-4.4.0-20241203T114212.xsd"]


def test_importing_the_same_again_is_done_and_other_content_is_refused(eessi: Eessi, official: Path) -> None:
    assert eessi("packages", "import", official)[0] == 0
    assert eessi("packages", "import", official)[0] == 0
    (official / "S071-4.4.0-20241203T114212.xsd").write_bytes(schema_text(longest=66))
    code, out, err = eessi("packages", "import", official)
    assert (code, out) == (5, "")
    assert err.startswith("eessi: cdm:4.4.0 was released with other content")
    assert err.count("\n") == 1
    code, _, _ = eessi("packages", "import", official, "--version", "4.4.0.1")
    assert code == 0
    assert eessi("packages", "import", official, "--name", "open", "--version", "4.4")[0] == 5


def test_validity_travels(eessi: Eessi, official: Path) -> None:
    dates = ("--valid-from", "2026-01-01", "--valid-to", "2027-01-01", "--replaces", "cdm:4.3.0")
    assert eessi("packages", "import", official, *dates, "--name", "fr-cdm", "--version", "4.4")[0] == 0
    _, out, _ = eessi("packages", "list", "--format", "json")
    row = next(row for row in json.loads(out)["packages"] if row["name"] == "fr-cdm")
    assert (row["valid_from"], row["valid_to"], row["replaces"]) == ("2026-01-01", "2027-01-01", "cdm:4.3.0")
    later = ("--name", "fr-cdm", "--version", "4.4", "--valid-to", "2028-01-01")
    assert eessi("packages", "import", official, *later)[0] == 0
    _, out, _ = eessi("packages", "list")
    assert "from 2026-01-01 until 2028-01-01" in out
    assert (
        eessi("packages", "import", official, "--name", "fr-cdm", "--version", "4.4", "--valid-to", "2027-01-01")[0]
        == 0
    )
    _, out, _ = eessi("packages", "list")
    assert "from 2026-01-01 until 2027-01-01" in out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("import", "{tmp}/nowhere"), 4, "no such file"),
        (("import", "{tmp}/picture.png"), 4, "neither a folder"),
        (("import", "{tmp}/empty"), 5, "no schema of a SED"),
        (("import", "{tmp}/broken"), 5, "does not compile"),
        (("import", "{official}", "--name", "a b"), 2, "names no package"),
        (("import", "{official}", "--valid-from", "yesterday"), 2, "is not a date"),
        (
            ("import", "{official}", "--valid-from", "2026-02-01", "--valid-to", "2026-01-01"),
            2,
            "ends before it begins",
        ),
        (("import", "{tmp}/exported.zip", "--name", "mine"), 2, "has a name and a version already"),
        (("show", "nothing:1.0"), 2, "unknown package"),
        (("show", "opne:4.4"), 2, "did you mean open:4.4?"),
        (("show", "open:4.4", "--sed", "A002"), 2, "has none of these SEDs"),
        (("export", "open:4.4", "--to", "{official}"), 2, "there already"),
        (("verify", "--lock", "{tmp}/nowhere"), 4, "no such file"),
        (("verify", "--lock", "{tmp}/picture.png"), 4, "cannot be read"),
        (("nothing",), 2, "No such command"),
    ],
)
def test_wrong_use_and_wrong_input(
    arguments: tuple[str, ...], code: int, message: str, eessi: Eessi, official: Path, tmp_path: Path
) -> None:
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    broken = schema_text().replace(b'base="xsd:string"', b'base="xsd:strong"')
    (tmp_path / "broken" / "S071-4.4.xsd").write_bytes(broken)
    if "exported" in "".join(arguments):
        assert eessi("packages", "export", "open:4.4", "--to", tmp_path / "exported.zip")[0] == 0
    words = [word.format(tmp=tmp_path, official=official) for word in arguments]
    got, out, err = eessi("packages", *words)
    assert (got, out) == (code, "")
    assert message in err
    assert err.count("\n") == 1
    assert "Traceback" not in err
    kept = tmp_path / "home" / "packages"
    assert not kept.exists() or list(kept.iterdir()) == []


def test_verify_finds_a_changed_byte_and_a_broken_manifest(eessi: Eessi, official: Path, tmp_path: Path) -> None:
    assert eessi("packages", "import", official)[0] == 0
    code, out, _ = eessi("packages", "verify")
    assert (code, out) == (0, "4 packages verified, no trouble\n")
    lock = tmp_path / "packages.lock"
    assert eessi("packages", "verify", "open:4.4", "cdm", "--write-lock", lock)[0] == 0
    assert eessi("packages", "verify", "open:4.4", "cdm", "--lock", lock)[0] == 0
    kept = tmp_path / "home" / "packages" / "cdm@4.4.0"
    file = kept / "files" / "S071-4.4.0-20241203T114212.xsd"
    file.write_bytes(file.read_bytes() + b"\n")
    code, out, _ = eessi("packages", "verify", "open:4.4", "cdm", "--format", "json")
    assert code == 5
    troubles = {row["package"]: row["troubles"] for row in json.loads(out)["packages"]}
    assert troubles["open:4.4"] == []
    assert "not the file that was imported" in troubles["cdm:4.4.0"][0]
    (kept / "manifest.json").write_text("{")
    code, out, _ = eessi("packages", "verify")
    assert code == 5
    assert "manifest is broken" in out
    assert eessi("packages", "list")[0] == 5


def test_a_lock_sees_a_package_that_is_gone(eessi: Eessi, official: Path, tmp_path: Path) -> None:
    assert eessi("packages", "import", official)[0] == 0
    lock = tmp_path / "packages.lock"
    assert eessi("packages", "verify", "open:4.4", "cdm", "--write-lock", lock)[0] == 0
    (tmp_path / "home" / "packages" / "cdm@4.4.0").rename(tmp_path / "elsewhere")
    code, out, _ = eessi("packages", "verify", "open:4.4", "--lock", lock)
    assert code == 5
    assert "cdm:4.4.0: locked as" in out


def test_export_and_import_again(eessi: Eessi, tmp_path: Path) -> None:
    code, out, _ = eessi("packages", "export", "sandbox:1.0", "--to", tmp_path / "sandbox.zip")
    assert (code, out) == (0, f"sandbox:1.0 written to {tmp_path / 'sandbox.zip'}\n")
    code, out, _ = eessi("packages", "import", tmp_path / "sandbox.zip")
    assert code == 0
    assert out.startswith("imported sandbox:1.0+xsd: 280 (280 sandbox)")


def test_output_goes_to_a_file(eessi: Eessi, tmp_path: Path) -> None:
    code, out, _ = eessi("packages", "list", "--format", "json", "--output", tmp_path / "list.json")
    assert (code, out) == (0, "")
    assert len(json.loads((tmp_path / "list.json").read_text())["packages"]) == 3


def test_an_imported_package_judges_documents(eessi: Eessi, official: Path, tmp_path: Path) -> None:
    """Before the import the open package answers, after it the imported one."""
    namespace = "http://ec.europa.eu/eessi/ns/4_4/S071"
    document = tmp_path / "s071.xml"
    document.write_text(f'<s:S071 xmlns:s="{namespace}"><town>Testtown</town></s:S071>')
    code, out, _ = eessi("validate", document, "--format", "json")
    (before,) = json.loads(out)["results"]
    assert (code, before["verdict"], before["package"]) == (1, "invalid", "open:4.4")
    assert eessi("packages", "import", official)[0] == 0
    code, out, _ = eessi("validate", document, "--format", "json")
    (after,) = json.loads(out)["results"]
    assert (code, after["verdict"], after["package"], after["fidelity"]) == (0, "valid", "cdm:4.4.0", "exact")
    kept = tmp_path / "home" / "packages" / "cdm@4.4.0" / "files" / "S071-4.4.0-20241203T114212.xsd"
    kept.write_bytes(kept.read_bytes() + b" ")
    code, out, err = eessi("validate", document, "--format", "json")
    assert code == 5
    assert '"valid"' not in out
    assert "not the file that was imported" in out + err


def test_the_published_folder_then_its_package_answers(eessi: Eessi, official_s071: Path) -> None:
    from eessi.schemas import Registry

    assert eessi("packages", "import", official_s071.parent)[0] == 0
    found = Registry.installed().find("S071", "4.4")
    assert found is not None
    assert found.coordinates == "cdm:4.4.0"


def test_every_output_obeys_its_published_schema(eessi: Eessi, official: Path, tmp_path: Path) -> None:
    import jsonschema

    calls = {
        "packages-import": ("import", official),
        "packages-list": ("list",),
        "packages-show": ("show", "open:4.4"),
        "packages-export": ("export", "cdm", "--to", tmp_path / "out.zip"),
        "packages-verify": ("verify", "cdm"),
    }
    for name, arguments in calls.items():
        _, shape, _ = eessi("schema", name)
        code, out, err = eessi("packages", *arguments, "--format", "json")
        assert (code, err) == (0, ""), name
        assert next(iter(json.loads(out))) == "schema_version"
        jsonschema.validate(json.loads(out), json.loads(shape))
