"""The JSON documents of this room's commands, as models, so that ``eessi schema`` can publish their shape."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, JsonValue

from eessi.testing.campaigns.kit import CheckRecord, RequirementRecord
from eessi.testing.record import Run, SeriesCoverage
from eessi.testing.scenario import scenario_schema

__all__ = ["CampaignDocument", "ReplayDocument", "ScenarioDocument"]


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: int = 1


class _ReplaySummary(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    passed: int
    failed: int
    undetermined: int
    coverage: SeriesCoverage


class _DifferenceEntry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    place: str
    old: JsonValue
    new: JsonValue


class ReplayDocument(_Document):
    """``eessi replay --format json``. ``comparison`` stands there with ``--compare``."""

    results: tuple[Run, ...]
    summary: _ReplaySummary
    comparison: tuple[_DifferenceEntry, ...] | None = None


class _CampaignSummary(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    passed: int
    failed: int
    uncovered_requirements: tuple[str, ...]


class CampaignDocument(_Document):
    """``eessi campaign KIT --format json``."""

    kit: str
    title: str
    transport: str
    against: str | None
    results: tuple[CheckRecord, ...]
    requirements: tuple[RequirementRecord, ...]
    summary: _CampaignSummary


class ScenarioDocument(BaseModel):
    """A scenario file; read by :func:`eessi.testing.load_scenarios`, described here for editors."""

    @classmethod
    def model_json_schema(cls, *_args: object, **_options: object) -> dict[str, Any]:
        """The JSON Schema of ``*.buc.yaml`` files."""
        return scenario_schema()
