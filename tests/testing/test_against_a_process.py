"""A scenario against an institution in another process, over AS4 and HTTP: a node behind an access-point double."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from eessi.cli.program import run as command
from eessi.errors import DefinitionError, SecurityError, UsageError
from eessi.testing import Against, Scenario
from eessi.transport.access_point_config import write_demo
from tests.testing.conftest import REAL_STEPS
from tests.testing.real_institution import PLAYED, REAL

ROOT = Path(__file__).parent.parent.parent
PROFILE = """\
environment = "test"
timeout_seconds = {seconds}

[access_point]
outbox_url = "{address}/Business/Outbox"
inbox_url = "{address}/Business/Inbox"
certificate = "access-point.crt"

[real]
party = "BE"
institution = "{real}"
certificate = "BE-0203980409.crt"

[[played]]
party = "FR"
institution = "{played}"
key = "FR-0100000001.pem"
"""


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One institution for all tests; its folder."""
    folder = tmp_path_factory.mktemp("institution")
    write_demo(folder)
    set_habit(folder, "nothing")
    started = subprocess.Popen([sys.executable, "-m", "tests.testing.real_institution", str(folder)], cwd=ROOT)
    until = time.monotonic() + 60
    while not (folder / "address").exists():
        assert started.poll() is None, "the institution ended"
        assert time.monotonic() < until, "the institution does not listen"
        time.sleep(0.05)
    yield folder
    started.kill()
    started.wait()


def set_habit(folder: Path, habit: str) -> None:
    (folder / "habit.part").write_text(habit)
    (folder / "habit.part").rename(folder / "habit")


@pytest.fixture
def institution(process: Path) -> Callable[..., Path]:
    """Gives the institution a habit; gives the profile that names it."""

    def start(habit: str, seconds: float = 30) -> Path:
        set_habit(process, habit)
        return profile(process, (process / "address").read_text(), seconds)

    return start


def profile(folder: Path, address: str, seconds: float = 1) -> Path:
    file = folder / "partner.toml"
    file.write_text(PROFILE.format(address=address, seconds=seconds, real=REAL, played=PLAYED))
    return file


def test_one_that_does_what_it_should_passes(
    scenario: Callable[..., Scenario], institution: Callable[..., Path]
) -> None:
    with Against(institution("A011")) as way:
        record = way.run(scenario(*REAL_STEPS))
    assert record.passed, [(step.text, step.failures) for step in record.failures]
    first, answer, _close = record.exchanges
    assert first.way["BE"][-1] == "receipted", "the receipt of the other process is the proof"
    assert (answer.sender, answer.ending, answer.after["FR"].verdict) == ("BE", "delivered", "undetermined")
    assert [party.institution for party in record.parties] == [PLAYED, REAL]
    assert any("BE is a real system" in line for line in record.not_checked)
    assert not any("in one process" in line for line in record.not_checked)


@pytest.mark.parametrize(
    ("habit", "failure"),
    [
        ("nothing", "expected A011, it sent nothing"),
        pytest.param("A002", "expected A011, BE sent A002", marks=pytest.mark.long),
        ("broken", "expected A011, it sent something that cannot be read"),
        pytest.param(
            "gone",
            "it has not arrived at BE (its access point has taken it, but no receipt has come)",
            marks=pytest.mark.long,
        ),
    ],
)
def test_one_that_does_something_else_fails(
    scenario: Callable[..., Scenario], institution: Callable[..., Path], habit: str, failure: str
) -> None:
    with Against(institution(habit, 2)) as way:
        record = way.run(scenario(*REAL_STEPS[:2]))
    found = [text for step in record.failures for text in step.failures]
    assert any(failure in text for text in found), found


def test_one_that_cannot_be_reached_ends_soon_with_its_own_code(
    scenario: Callable[..., Scenario], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_demo(tmp_path / "institution")
    file = profile(tmp_path / "institution", "http://127.0.0.1:9")
    made = scenario(*REAL_STEPS)
    begun = time.monotonic()
    assert command(["replay", made.file, "--against", str(file), "--format", "json"]) == 6
    assert time.monotonic() - begun < 30
    (result,) = json.loads(capsys.readouterr().out)["results"]
    assert "127.0.0.1:9/Business/Outbox cannot be reached" in result["steps"][0]["failures"][0]


def test_made_up_documents_never_go_to_production(tmp_path: Path) -> None:
    write_demo(tmp_path)
    file = profile(tmp_path, "http://127.0.0.1:9")
    text = file.read_text()
    file.write_text(text.replace('"test"', '"production"'))
    with pytest.raises(SecurityError, match="never go to production"):
        Against(file)
    file.write_text(text.replace('"test"', '"live"'))
    with pytest.raises(DefinitionError, match="environment"):
        Against(file)


@pytest.mark.parametrize(
    ("address", "why"), [("http://ap.example.test", "https"), ("https://ap.example.test", "certificate made for tests")]
)
def test_demonstration_keys_stay_on_this_machine(tmp_path: Path, address: str, why: str) -> None:
    write_demo(tmp_path)
    with pytest.raises(SecurityError, match=why):
        Against(profile(tmp_path, address))


def test_a_profile_that_does_not_fit_the_scenario_says_so(
    scenario: Callable[..., Scenario], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_demo(tmp_path)
    file = profile(tmp_path, "http://127.0.0.1:9")
    file.write_text(file.read_text().replace('party = "BE"', 'party = "PL"'))
    made = scenario(*REAL_STEPS)
    with Against(file) as way, pytest.raises(UsageError, match=r"says nothing about BE; the parties of .* are FR, BE"):
        way.run(made)
    assert command(["replay", made.file, "--against", str(file), "--jobs", "2"]) == 2
    assert "--jobs does not go with --against" in capsys.readouterr().err


# ---- the campaigns, seen from outside --------------------------------------------------------------------------------


def campaign(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    code = command(["campaign", *words, "--format", "json"])
    told = capsys.readouterr()
    assert told.out, told.err
    document: dict[str, Any] = json.loads(told.out)
    return code, document


def test_moveit_tells_what_was_receipted(institution: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    file = institution("nothing")
    words = ["--against", str(file), "--messages", "2", "--only", "many", "--only", "attachments-2"]
    code, document = campaign(capsys, "moveit", *words)
    assert code == 0, document["results"]
    assert (document["against"], document["transport"]) == (REAL, "as4")
    assert [(check["id"], check["observed"]) for check in document["results"]] == [
        ("attachments-2", "receipted"),
        ("many", "receipted"),
    ]
    open_ones = document["summary"]["uncovered_requirements"]
    assert open_ones == ["MO-01", "MO-04", "MO-05", "MO-07", "MO-08"], "a receipt says nothing about these"


def test_testit_tells_a_spoiled_message_from_a_good_one(
    institution: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--against", str(institution("A011", 4)), "--only", "M02"]
    code, document = campaign(capsys, "testit", *words)
    assert [(check["id"], check["passed"], check["observed"]) for check in document["results"]] == [
        ("control", True, "answered A011"),
        ("M02", True, "not taken: no answer of the process comes"),
    ]
    assert code == 0


@pytest.mark.long
def test_every_spoiled_message(institution: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    code, document = campaign(capsys, "testit", "--against", str(institution("A011", 4)))
    found = {check["id"]: check["observed"] for check in document["results"]}
    assert set(found) == {"control", "D04", "D11", "M01", "M02", "M05"}
    taken = {id for id, observed in found.items() if observed.startswith("taken")}
    assert taken == set()
    assert code == 0


def test_testit_proves_nothing_of_a_system_that_never_answers(
    institution: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    code, document = campaign(capsys, "testit", "--against", str(institution("nothing", 1)))
    assert code == 1
    assert [(check["id"], check["observed"]) for check in document["results"]] == [("control", "no answer")]
    assert len(document["summary"]["uncovered_requirements"]) == len(document["requirements"])


@pytest.mark.long
def test_exit_awaits_what_the_walks_say(institution: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> None:
    code, document = campaign(capsys, "exit", "--buc", "M_BUC_02", "--against", str(institution("nothing", 1)))
    (check,) = document["results"]
    assert code == 1
    assert "it sent nothing" in check["observed"]


def test_a_campaign_against_nobody_ends_with_its_own_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_demo(tmp_path)
    code, document = campaign(
        capsys, "moveit", "--against", str(profile(tmp_path, "http://127.0.0.1:9")), "--only", "many"
    )
    assert code == 6
    assert "cannot be reached" in document["results"][0]["observed"]
