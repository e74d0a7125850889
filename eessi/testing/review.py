"""What a reviewer says about a run: comments, and overrides that accept a failed step, each with a name and a reason.

Kept in a small JSON file beside the report, written by people::

    {"schema_version": 1,
     "comments": [{"scenario": "A request", "step": 4, "by": "M. Example", "text": "Agreed with the other side."},
                  {"scenario": "A request", "step": 7, "by": "M. Example", "accept": true, "text": "Known defect 12."}]}
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from eessi.errors import DefinitionError, InputError
from eessi.testing.record import ReviewRecord, Run

__all__ = ["Comment", "Review", "read_review", "reviewed"]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Comment(_Model):
    """One comment. ``accept`` overrides a failed step: it counts as passed, and the report says by whom and why."""

    scenario: str = Field(min_length=1)
    step: int = Field(ge=1)
    by: str = Field(min_length=2, description="name of the reviewer")
    text: str = Field(min_length=3, description="what the reviewer says; for an override, the reason")
    accept: bool = False


class Review(_Model):
    """All comments on a report."""

    schema_version: Literal[1]
    comments: tuple[Comment, ...] = ()


def read_review(path: Path) -> Review:
    """Read a review file.

    :raises InputError: when it is not there or not JSON.
    :raises DefinitionError: when an entry is not complete: the scenario, the step, a name and a text.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError("no such file", source=str(path)) from None
    except (OSError, ValueError) as error:
        raise InputError(f"this is not the JSON of a review: {error}", source=str(path)) from None
    try:
        return Review.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(str(step) for step in first["loc"])
        raise DefinitionError(first["msg"], file=str(path), key=key) from None


def reviewed(runs: Sequence[Run], review: Review) -> tuple[Run, ...]:
    """The runs with the comments at their steps; a run passes when every failed step has been accepted.

    :raises DefinitionError: for a comment on a step that is not there, or an override of a step that passed.
    """
    by_title = {run.scenario: run for run in runs}
    for comment in review.comments:
        run = by_title.get(comment.scenario)
        step = next((one for one in run.steps if one.number == comment.step), None) if run is not None else None
        if step is None:
            raise DefinitionError(f"there is no step {comment.step} in {comment.scenario!r}", key="comments")
        if comment.accept and step.passed:
            raise DefinitionError(
                f"step {comment.step} of {comment.scenario!r} passed; there is nothing to accept", key="comments"
            )
    return tuple(_with_comments(run, review.comments) for run in runs)


def _with_comments(run: Run, comments: Sequence[Comment]) -> Run:
    steps = []
    for step in run.steps:
        own = tuple(
            ReviewRecord(by=one.by, text=one.text, accepted=one.accept)
            for one in comments
            if one.scenario == run.scenario and one.step == step.number
        )
        steps.append(step.model_copy(update={"reviews": own}) if own else step)
    passed = all(step.passed or step.accepted for step in steps)
    return run.model_copy(update={"steps": tuple(steps), "passed": passed})
