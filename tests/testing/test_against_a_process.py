"""A scenario against an institution in another process, over AS4 and HTTP: a node behind an access-point double."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from eessi.cli.program import run as command
from eessi.errors import DefinitionError, SecurityError, UsageError
from eessi.testing import Against, Scenario
from eessi.transport.access_point_config import write_demo
from tests.testing.conftest import sends
from tests.testing.real_institution import PLAYED, REAL

ROOT = Path(__file__).parent.parent.parent
STEPS = (
    sends("FR sends A001 to BE"),
    "BE replies to A001 of FR with A011",
    "FR has A011",
    "BE may not send A002",
    sends("FR sends X001 to BE"),
    "FR is closed",
)
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


@pytest.fixture
def institution(tmp_path: Path) -> Iterator[Callable[..., Path]]:
    """Starts an institution with a habit; gives the profile that names it."""
    started: list[subprocess.Popen[bytes]] = []

    def start(habit: str, seconds: float = 30) -> Path:
        folder = tmp_path / "institution"
        write_demo(folder)
        words = [sys.executable, "-m", "tests.testing.real_institution", str(folder), habit]
        started.append(subprocess.Popen(words, cwd=ROOT, env=dict(os.environ)))
        until = time.monotonic() + 60
        while not (folder / "address").exists():
            assert started[0].poll() is None, "the institution ended"
            assert time.monotonic() < until, "the institution does not listen"
            time.sleep(0.05)
        return profile(folder, (folder / "address").read_text(), seconds)

    yield start
    for process in started:
        process.kill()
        process.wait()


def profile(folder: Path, address: str, seconds: float = 1) -> Path:
    file = folder / "partner.toml"
    file.write_text(PROFILE.format(address=address, seconds=seconds, real=REAL, played=PLAYED))
    return file


def test_one_that_does_what_it_should_passes(
    scenario: Callable[..., Scenario], institution: Callable[..., Path]
) -> None:
    with Against(institution("A011")) as way:
        record = way.run(scenario(*STEPS))
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
    with Against(institution(habit, 4)) as way:
        record = way.run(scenario(*STEPS[:2]))
    found = [text for step in record.failures for text in step.failures]
    assert any(failure in text for text in found), found


def test_one_that_cannot_be_reached_ends_soon_with_its_own_code(
    scenario: Callable[..., Scenario], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_demo(tmp_path / "institution")
    file = profile(tmp_path / "institution", "http://127.0.0.1:9")
    made = scenario(*STEPS)
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
    made = scenario(*STEPS)
    with Against(file) as way, pytest.raises(UsageError, match=r"says nothing about BE; the parties of .* are FR, BE"):
        way.run(made)
    assert command(["replay", made.file, "--against", str(file), "--jobs", "2"]) == 2
    assert "--jobs does not go with --against" in capsys.readouterr().err
