"""A series of scenarios gives the same records in order, in parallel, and after it was killed and resumed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from eessi.errors import InputError, StoreError, UsageError
from eessi.testing import Scenario, load_scenarios
from eessi.testing.series import Settings, journal_of, run_all

HEAD = """\
scenario: A request
buc: LA_BUC_01
version: 4.3
loop: {number: [NUMBERS]}
parties:
  FR: {role: CaseOwner, country: FR}
  BE: {role: Counterparty, country: BE}
steps:
  - after ${number} days
  - FR sends A001 to BE
  - BE has A001
"""


@pytest.fixture
def many(tmp_path: Path) -> Path:
    path = tmp_path / "many.buc.yaml"
    path.write_text(HEAD.replace("NUMBERS", ", ".join(map(str, range(1, 41)))), encoding="utf-8")
    return path


def scenarios(path: Path, count: int) -> tuple[Scenario, ...]:
    return load_scenarios(path)[:count]


def test_parallel_runs_are_equal_to_those_in_order(many: Path) -> None:
    some = scenarios(many, 4)
    assert run_all(some, jobs=2) == run_all(some)


def test_finished_runs_are_not_run_again(many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    some = scenarios(many, 3)
    first = run_all(some, journal=journal_of(tmp_path / "journal"))
    monkeypatch.setattr("eessi.testing.series._play", pytest.fail)
    assert run_all(some, journal=journal_of(tmp_path / "journal")) == first


def test_another_seed_or_a_changed_scenario_is_another_run(many: Path, tmp_path: Path) -> None:
    some = scenarios(many, 2)
    journal = journal_of(tmp_path / "journal")
    run_all(some, journal=journal)
    run_all(some, Settings(seed=5), journal=journal)
    assert len(journal.finished()) == 4
    many.write_text(many.read_text(encoding="utf-8") + "  - after 1 day\n", encoding="utf-8")
    run_all(scenarios(many, 2), journal=journal)
    assert len(journal.finished()) == 6


def test_a_line_cut_short_is_run_again_and_harms_no_other(many: Path, tmp_path: Path) -> None:
    some, path = scenarios(many, 3), tmp_path / "journal"
    whole = run_all(some, journal=journal_of(path))
    path.write_bytes(path.read_bytes()[:-200])
    assert len(journal_of(path).finished()) == 2
    assert run_all(some, journal=journal_of(path)) == whole
    assert len(journal_of(path).finished()) == 3


def test_a_killed_series_goes_on_and_ends_the_same(many: Path, tmp_path: Path) -> None:
    path = tmp_path / "journal"
    command = [
        sys.executable,
        "-c",
        "from eessi.cli import main; main()",
        "replay",
        str(many),
        "--quiet",
        "--journal",
        str(path),
    ]
    killed = subprocess.Popen(command)
    until = time.monotonic() + 60
    while time.monotonic() < until and (not path.exists() or path.read_bytes().count(b"\n") < 4):
        time.sleep(0.01)
    os.kill(killed.pid, signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL, "it must not have finished before"
    before = len(journal_of(path).finished())
    assert 3 <= before < 40
    resumed = run_all(load_scenarios(many), journal=journal_of(path))
    assert resumed == run_all(load_scenarios(many))


def survives(path: Path, scenarios: tuple[Scenario, ...], settings: Settings, moment: int) -> bool:
    """Run a series in a child that kills itself (SIGKILL) as it begins its step ``moment``; whether it came to its end."""
    child = os.fork()
    if child == 0:
        from eessi.testing import runner

        real, count = runner._step, 0

        def step(*given: Any) -> Any:
            nonlocal count
            count += 1
            if count > moment:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*given)

        runner._step = step
        run_all(scenarios, settings, journal=journal_of(path))
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def test_killed_inside_a_scenario_at_every_step_the_report_is_that_of_an_unbroken_run(
    root: Path, tmp_path: Path
) -> None:
    from eessi.pages import run_report

    files = ("la_buc_01", "s_buc_01")
    some = tuple(Scenario.load(root / "examples" / "scenarios" / f"{name}.buc.yaml") for name in files)
    settings = Settings(seed=7)
    unbroken = run_all(some, settings)
    page, moment = run_report(*unbroken), 0
    while not survives(tmp_path / f"journal-{moment}", some, settings, moment):
        journal = journal_of(tmp_path / f"journal-{moment}")
        assert len(journal.finished()) < len(some), "it was killed before its end"
        resumed = run_all(some, settings, journal=journal)
        assert [run.document() for run in resumed] == [run.document() for run in unbroken]
        moment += 1
    assert run_report(*resumed) == page
    assert moment == sum(len(one.steps) for one in some)


def test_killed_while_the_journal_is_written_at_any_byte_the_runs_are_the_same(many: Path, tmp_path: Path) -> None:
    some, path = scenarios(many, 3), tmp_path / "journal"
    whole = run_all(some, journal=journal_of(path))
    written = path.read_bytes()
    for cut in range(0, len(written), max(1, len(written) // 20)):
        path.write_bytes(written[:cut])
        lines = written[:cut].count(b"\n")
        assert len(journal_of(path).finished()) == max(0, lines - 1), "the first line names the job"
        assert run_all(some, journal=journal_of(path)) == whole


def test_a_journal_that_cannot_be_used_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be used as a journal"):
        run_all((), journal=journal_of(tmp_path))
    (tmp_path / "other").write_text('{"job": "impact"}\n')
    with pytest.raises(UsageError, match="another job"):
        run_all((), journal=journal_of(tmp_path / "other"))
    (tmp_path / "broken").write_text('{"job": "replay"}\n{"key": "k", "result": {"passed": true}}\n')
    with pytest.raises(InputError, match="not the journal of a job"):
        run_all((), journal=journal_of(tmp_path / "broken"))
