"""A reviewer's word counts only with a name and a reason, stands in the report, and changes nothing silently."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eessi.cli.program import run as command
from eessi.errors import DefinitionError, InputError
from eessi.pages import run_report
from eessi.testing import Run
from eessi.testing.review import Review, read_review, reviewed
from tests.testing.conftest import sends

TITLE = "A request"


@pytest.fixture
def failed(play: Callable[..., Run]) -> Run:
    return play(sends("FR sends A001 to BE"), "FR is closed", "BE is open")


def review(**changes: Any) -> Review:
    comment = {"scenario": TITLE, "step": 2, "by": "M. Example", "text": "Known defect 12.", "accept": True}
    return Review.model_validate({"schema_version": 1, "comments": [{**comment, **changes}]})


def test_an_accepted_failure_passes_and_says_by_whom_and_why(failed: Run) -> None:
    assert not failed.passed
    (accepted,) = reviewed([failed], review())
    assert accepted.passed
    assert accepted.failures == ()
    assert not accepted.steps[1].passed, "the step itself is still not as expected"
    page = run_report(accepted)
    assert "Known defect 12." in page
    assert "M. Example" in page
    assert "every expectation met" not in page


def test_a_comment_alone_accepts_nothing(failed: Run) -> None:
    (commented,) = reviewed([failed], review(accept=False))
    assert not commented.passed
    assert commented.steps[1].reviews[0].text == "Known defect 12."


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"step": 9}, "no step 9"),
        ({"scenario": "Another"}, "no step 2 in 'Another'"),
        ({"step": 3}, "nothing to accept"),
    ],
)
def test_a_comment_without_its_step_is_refused(failed: Run, changes: dict[str, Any], says: str) -> None:
    with pytest.raises(DefinitionError, match=says):
        reviewed([failed], review(**changes))


@pytest.mark.parametrize("missing", ["by", "text", "step", "scenario"])
def test_name_and_reason_are_needed(missing: str, tmp_path: Path) -> None:
    comment = {"scenario": TITLE, "step": 2, "by": "M. Example", "text": "Known defect 12.", "accept": True}
    del comment[missing]
    path = tmp_path / "review.json"
    path.write_text(json.dumps({"schema_version": 1, "comments": [comment]}), encoding="utf-8")
    with pytest.raises(DefinitionError, match=f"comments.0.{missing}"):
        read_review(path)


def test_unreadable_reviews(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_review(tmp_path / "absent.json")
    (tmp_path / "broken.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="not the JSON of a review"):
        read_review(tmp_path / "broken.json")


def test_the_command_counts_an_accepted_failure_as_passed(tmp_path: Path, root: Path) -> None:
    text = (root / "examples" / "scenarios" / "la_buc_01.buc.yaml").read_text(encoding="utf-8")
    folder = tmp_path / "scenarios"
    shutil.copytree(root / "examples" / "scenarios", folder)
    path = folder / "case.buc.yaml"
    path.write_text(text + "  - FR is open\n", encoding="utf-8")
    assert command(["replay", str(path), "-q"]) == 1
    title = "An exception from the rules on which country's law applies"
    comment = {"scenario": title, "step": 16, "by": "M. Example", "text": "Closed is right.", "accept": True}
    beside = tmp_path / "review.json"
    beside.write_text(json.dumps({"schema_version": 1, "comments": [comment]}), encoding="utf-8")
    assert command(["replay", str(path), "-q", "--review", str(beside)]) == 0
