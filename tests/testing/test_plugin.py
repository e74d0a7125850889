"""The plugin collects scenario files, gives fixtures, and stays out of the way of other tests."""

from __future__ import annotations

import shutil
import tomllib
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

LOAD = ("-p", "no:cacheprovider")


@pytest.fixture
def project(pytester: pytest.Pytester, root: Path) -> pytest.Pytester:
    source, folder = root / "examples" / "scenarios", pytester.path / "scenarios"
    shutil.copytree(source / "data", folder / "data")
    for name in ("s_buc_01.buc.yaml", "la_buc_01.buc.yaml"):
        shutil.copy(source / name, folder / name)
    return pytester


def test_scenario_files_are_tests(project: pytest.Pytester) -> None:
    result = project.runpytest_inprocess(*LOAD, "-v", "scenarios/s_buc_01.buc.yaml", "scenarios/la_buc_01.buc.yaml")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*s_buc_01.buc.yaml::A document of entitlement*PASSED*"])


def test_a_failure_names_file_line_and_step(project: pytest.Pytester) -> None:
    path = project.path / "scenarios" / "la_buc_01.buc.yaml"
    path.write_text(path.read_text(encoding="utf-8") + "  - BE is open\n", encoding="utf-8")
    result = project.runpytest_inprocess(*LOAD, str(path))
    result.assert_outcomes(failed=1)
    line = len(path.read_text(encoding="utf-8").splitlines())
    result.stdout.fnmatch_lines([f"*la_buc_01.buc.yaml:{line}: BE is open", "*expected open, the case of BE is closed"])
    assert "Traceback" not in result.stdout.str()


def test_a_broken_file_is_a_collection_error_of_one_line(project: pytest.Pytester) -> None:
    (project.path / "broken.buc.yaml").write_text("scenario: x\nbuc: [", encoding="utf-8")
    result = project.runpytest_inprocess(*LOAD, "broken.buc.yaml")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*broken.buc.yaml:*: not readable as YAML*"])


def test_requirements_select_and_are_reported(project: pytest.Pytester) -> None:
    project.makepyfile("""
        import pytest

        @pytest.mark.requirement("REQ-9")
        def test_other():
            pass
    """)
    result = project.runpytest_inprocess(*LOAD, "--requirement", "DEMO-3", "--junitxml", "out.xml", ".")
    result.assert_outcomes(passed=1, deselected=2)
    report = (project.path / "out.xml").read_text(encoding="utf-8")
    assert '<property name="requirement" value="DEMO-3"' in report
    assert '<property name="undetermined" value="A001"' in report


def test_scenarios_can_be_left_out(project: pytest.Pytester) -> None:
    assert project.runpytest_inprocess(*LOAD, "--no-scenarios", ".").ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_the_fixtures(project: pytest.Pytester) -> None:
    project.makepyfile("""
        import pytest
        from eessi.errors import NotAllowed

        def test_validator(sed_validator):
            assert sed_validator(b'<s:S071 xmlns:s="http://ec.europa.eu/eessi/ns/4_4/S071"/>').outcome == "invalid"

        def test_pair(buc_pair):
            pair = buc_pair("LA_BUC_01", "4.3")
            pair.send("CaseOwner", "A001")
            pair.send("Counterparty", "A011")
            with pytest.raises(NotAllowed):
                pair.send("Counterparty", "A002")
            assert pair.owner.history[-1].kind == "received"

        def test_directory(directory):
            assert directory.find("LA_BUC_01", country="BE").matches

        def test_clock_and_access_points(eessi_clock, access_points):
            from eessi.transport import Parcel
            france, belgium = access_points("FR:TEST0001", "BE:TEST0001")
            france.send(Parcel(france.institution, belgium.institution, b"hello"))
            assert [parcel.payload for parcel in belgium.receive()] == [b"hello"]
            eessi_clock.advance(months=1)
            assert eessi_clock.today.month == 2
    """)
    project.runpytest_inprocess(*LOAD, "--no-scenarios").assert_outcomes(passed=4)


def test_it_works_with_xdist(project: pytest.Pytester) -> None:
    result = project.runpytest_subprocess(
        *LOAD, "-n", "2", "scenarios/la_buc_01.buc.yaml", "scenarios/s_buc_01.buc.yaml"
    )
    assert result.parseoutcomes() == {"passed": 2}


def test_the_project_offers_the_plugin(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["entry-points"]["pytest11"]["eessi"] == "eessi.testing.plugin"


def test_loading_it_imports_nothing_of_the_toolkit(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import sys

        def test_light():
            heavy = {"eessi.testing.runner", "eessi.schemas", "lxml", "pydantic", "xmlschema"}
            assert not heavy & set(sys.modules)
    """)
    pytester.runpytest_subprocess(*LOAD).assert_outcomes(passed=1)
