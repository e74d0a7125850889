"""Scenario files are read whole or refused with file, line and key."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from eessi.errors import DefinitionError
from eessi.ids import Role
from eessi.testing.scenario import Scenario, SendOptions, load_scenarios, scenario_schema

HEAD = """\
scenario: A request
buc: LA_BUC_01
version: 4.3
parties:
  FR: {role: CaseOwner, country: FR}
  BE: {role: Counterparty, country: BE}
"""


def write(folder: Path, steps: str, head: str = HEAD) -> Path:
    path = folder / "case.buc.yaml"
    path.write_text(head + steps, encoding="utf-8")
    return path


def test_a_file_becomes_a_scenario(tmp_path: Path) -> None:
    scenario = Scenario.load(
        write(tmp_path, "steps:\n  - FR sends A001 to BE:\n      data: {a: 01}\n  - expect undetermined\n")
    )
    assert scenario.title == "A request"
    assert (scenario.buc, str(scenario.version), scenario.owner) == ("LA_BUC_01", "4.3", "FR")
    assert scenario.parties["BE"].role is Role.COUNTERPARTY
    (step,) = scenario.steps
    assert isinstance(step.options, SendOptions)
    assert step.options.data == {"a": "01"}
    assert [expect.ending for expect in step.expects] == ["undetermined"]
    assert step.line == 8


def test_variables_loops_templates_and_includes(tmp_path: Path) -> None:
    (tmp_path / "a001.yaml").write_text("Person: {nationality: '${country}'}", encoding="utf-8")
    (tmp_path / "opening.yaml").write_text("- FR sends A001 to P with a001.yaml\n- P has A001", encoding="utf-8")
    head = HEAD.replace(
        "  BE: {role: Counterparty, country: BE}\n", "  P: {role: Counterparty, country: '${country}'}\n"
    )
    loop = "loop: {country: [BE, DE], when: [4, 5]}\nvariables: {span: after}\n"
    path = write(tmp_path, loop + "steps:\n  - include: opening.yaml\n  - ${span} ${when} days\n", head)
    found = load_scenarios(path)
    assert [scenario.title for scenario in found] == [
        "A request [BE, 4]", "A request [BE, 5]", "A request [DE, 4]", "A request [DE, 5]",
    ]  # fmt: skip
    last = found[-1]
    assert last.parties["P"].country == "DE"
    assert [step.text for step in last.steps] == ["FR sends A001 to P with a001.yaml", "P has A001", "after 5 days"]
    assert isinstance(last.steps[0].options, SendOptions)
    assert last.steps[0].options.data == {"Person": {"nationality": "DE"}}
    assert Path(last.steps[0].file).name == "opening.yaml"
    with pytest.raises(DefinitionError, match="the loop makes 4 scenarios"):
        Scenario.load(path)


@pytest.mark.parametrize(
    ("steps", "says"),
    [
        ("steps: []\n", "case.buc.yaml:7: steps: "),
        ("steps:\n  - FR sends A001 to DE\n", ":8: steps.0: no party is called 'DE'; known: FR, BE"),
        ("steps:\n  - FR send A001\n", ":8: steps.0: this step is not understood"),
        ("steps:\n  - after 3 days:\n      x: 1\n", "nothing can stand below this step"),
        ("steps:\n  - FR sends A001 to BE:\n      dat: {}\n", ":9: steps.0.FR sends A001 to BE.dat: no such key; known here: name,"),
        ("steps:\n  - FR sends A001 to BE:\n      attachments:\n        - {name: a, size: none}\n", ":10: steps.0.FR sends A001 to BE.attachments.0.size"),
        ("steps:\n  - expect refused\n", ":8: steps.0: 'expect' follows a step that sends"),
        ("steps:\n  - FR sends A001 to BE with ../secret.yaml\n", "lies outside the folder of the scenario"),
        ("steps:\n  - FR sends A001 to BE with absent.yaml\n", ":8: steps.0: there is no file absent.yaml beside the scenario"),
        ("steps:\n  - include: /etc/passwd\n", "lies outside the folder"),
        ("steps:\n  - FR sends ${what} to BE\n", "no variable is called 'what'"),
        ("steps:\n  - [FR sends A001 to BE]\n", "a step is a sentence"),
        ("steps:\n  - {FR sends A001 to BE: {}, BE has A001: {}}\n", "a step is one sentence"),
        ("starts: tomorrow\nsteps:\n  - FR sends A001 to BE\n", ":7: starts: 'tomorrow' is not a day"),
        ("loop: {x: 1}\nsteps:\n  - FR sends A001 to BE\n", "each name of a loop needs a list"),
        ("stepz:\n", ":7: stepz: no such key"),
    ],
)  # fmt: skip
def test_an_error_names_file_line_and_key(tmp_path: Path, steps: str, says: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        load_scenarios(write(tmp_path, steps))
    assert says in str(caught.value)
    assert "case.buc.yaml" in str(caught.value) or "absent.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("wrong", "right", "says"),
    [
        ("buc: LA_BUC_01", "buc: LA-01", "unknown BUC code"),
        ("version: 4.3", "version: four", "not a CDM version"),
        ("role: Counterparty", "role: Onlooker", "unknown role 'Onlooker'"),
        ("role: Counterparty", "role: CaseOwner", "exactly one party is the CaseOwner, not 2"),
        ("country: BE", "country: Belgium", "parties.BE.country"),
    ],
)
def test_the_head_is_checked(tmp_path: Path, wrong: str, right: str, says: str) -> None:
    with pytest.raises(DefinitionError) as caught:
        load_scenarios(write(tmp_path, "steps:\n  - after 1 day\n", HEAD.replace(wrong, right)))
    assert says in str(caught.value)


def test_a_file_that_includes_itself_is_refused(tmp_path: Path) -> None:
    (tmp_path / "loop.yaml").write_text("- include: loop.yaml", encoding="utf-8")
    with pytest.raises(DefinitionError, match=r"loop\.yaml includes itself"):
        load_scenarios(write(tmp_path, "steps:\n  - include: loop.yaml\n"))


def test_the_published_schema_takes_the_examples_and_refuses_nonsense(root: Path) -> None:
    schema = scenario_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    checker = jsonschema.Draft202012Validator(schema)
    examples = sorted((root / "examples" / "scenarios").glob("*.buc.yaml"))
    assert examples
    for path in examples:
        text = path.read_text(encoding="utf-8")
        assert not list(checker.iter_errors(yaml.safe_load(text))), path.name
        assert list(checker.iter_errors(yaml.safe_load(text + "  - FR walks home\n"))), path.name


KEYS = st.sampled_from(
    ["scenario", "buc", "version", "parties", "steps", "loop", "variables", "starts", "packages", "FR", "role", "country",
     "include", "FR sends A001 to BE", "data", "expect", "change", "fault", "habit", "times", "${x}", "x"]
)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8)
    | st.sampled_from(["LA_BUC_01", "4.3", "FR", "CaseOwner", "FR sends A001 to BE", "after 3 days", "${x}", "late by 2 days"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(st.dictionaries(KEYS, VALUES, max_size=8))
def test_any_data_is_read_or_refused_with_one_line(data: dict[str, object]) -> None:
    base = yaml.safe_load(HEAD) | {"steps": ["FR sends A001 to BE"]} | data
    try:
        load_scenarios("fuzz.buc.yaml", yaml.safe_dump(base, allow_unicode=True))
    except DefinitionError as error:
        refusal = str(error)
    else:
        refusal = "fuzz.buc.yaml"
    assert "fuzz.buc.yaml" in refusal
    assert "\n" not in refusal


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("LA_BUC_01", "LA_BUC_99", r":2: buc: unknown BUC 'LA_BUC_99'; did you mean"),
        ("4.3", "four", r":3: version: 'four' is not a CDM version"),
        ("CaseOwner", "Owner", r":5: parties.FR.role: unknown role 'Owner'; did you mean CaseOwner"),
        ("  - FR may", "\t- FR may", r":8: a tab stands here; YAML is indented with spaces only"),
        ("FR may send A001", "FR sends A001 to BE with nowhere.yaml", r":8: steps.0: there is no file nowhere.yaml"),
        ("FR may send A001", "include: data.yaml", r"data.yaml:1: an included file is a list of steps"),
    ],
)
def test_a_mistake_is_told_where_it_stands(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = (
        "scenario: A request\nbuc: LA_BUC_01\nversion: 4.3\nparties:\n  FR: {role: CaseOwner, country: FR}\n"
        "  BE: {role: Counterparty, country: BE}\nsteps:\n  - FR may send A001\n"
    )
    (tmp_path / "data.yaml").write_text("Person: {}\n", encoding="utf-8")
    path = tmp_path / "wrong.buc.yaml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(DefinitionError, match=message):
        load_scenarios(path)


def test_a_code_that_is_no_sed_is_said_to_be_none(tmp_path: Path) -> None:
    from eessi.testing import run

    text = (
        "scenario: A request\nbuc: LA_BUC_01\nversion: 4.3\nparties:\n  FR: {role: CaseOwner, country: FR}\n"
        "  BE: {role: Counterparty, country: BE}\nsteps:\n  - FR sends A999 to BE\n"
    )
    (scenario,) = load_scenarios(tmp_path / "wrong.buc.yaml", text)
    with pytest.raises(DefinitionError, match="unknown SED"):
        run(scenario)
