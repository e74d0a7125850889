"""JSON that ``eessi sed`` prints: the shapes that scripts rely on, with their JSON Schemas."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from eessi.schemas.structure import Fidelity, Structure
from eessi.sed.catalogue import SedRow
from eessi.sed.conversion import Converted

__all__ = ["ConversionDocument", "SedListDocument", "SedShowDocument", "TreeModel"]


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ListedSed(_Shape):
    """One SED of the list."""

    code: str
    sector: str
    title: str | None = Field(description="in the language asked for, else in English; null where no source gives one")
    bucs: list[str]
    fidelity: Fidelity | None = Field(
        description="how well the best package knows its tree; the sandbox does not count"
    )

    @classmethod
    def of(cls, row: SedRow, lang: str, fidelity: Fidelity | None) -> ListedSed:
        """The entry of a row."""
        return cls(code=row.code, sector=row.sector, title=row.title_in(lang), bucs=list(row.bucs), fidelity=fidelity)


class SedListDocument(_Shape):
    """``eessi sed list --format json``."""

    schema_version: Literal[1] = 1
    seds: list[ListedSed]


class TitleModel(_Shape):
    """A title and where it comes from."""

    text: str
    basis: str | None = Field(description="official, published, translated, ...; derived_from_flow is no title")
    source: str | None
    confidence: str | None


class SedModel(_Shape):
    """Everything the list says about one SED."""

    code: str
    sector: str
    series: str
    title: str | None
    titles: dict[str, TitleModel]
    administrative: bool
    direction: str | None = Field(description="case_owner, counterparty, either or varies")
    senders: dict[str, str] = Field(description="process -> who sends it there")
    bucs: list[str]
    starter_of: list[str]
    horizontal_in: list[str]
    legal_basis: list[str]
    cdm_versions: list[str] = Field(description="versions in which a source names it")
    form_versions: list[str]
    note: str | None
    confidence: str | None
    sources: list[str]

    @classmethod
    def of(cls, row: SedRow) -> SedModel:
        """The row, as it stands."""
        import attrs

        return cls.model_validate({**attrs.asdict(row), "title": row.title}, strict=False)


class TreeModel(_Shape):
    """A package that knows the SED."""

    package: str
    version: str
    fidelity: Fidelity


class ElementModel(_Shape):
    """One element of the tree."""

    path: str
    kind: Literal["group", "code", "leaf", "signature"]
    min: int | None = Field(description="null where the package does not know")
    max: int | Literal["unbounded"] | None = Field(description="null where the package does not know")
    codes: list[str] | None
    type: str | None

    @classmethod
    def all_of(cls, structure: Structure) -> list[ElementModel]:
        """Every element in document order."""
        return [
            cls.model_validate(
                {
                    "path": path,
                    "kind": str(element.kind),
                    "min": element.min if element.known else None,
                    "max": "unbounded" if element.max is None else element.max if element.known else None,
                    "codes": list(element.codes.values) if element.codes else None,
                    "type": element.type_name,
                }
            )
            for path, element in structure.walk()
        ]


class SedShowDocument(_Shape):
    """``eessi sed show --format json``; ``elements`` only with ``--version``."""

    schema_version: Literal[1] = 1
    sed: SedModel
    trees: list[TreeModel]
    elements: list[ElementModel] | None = None


class LossModel(_Shape):
    """Something that was lost, guessed or kept aside."""

    kind: str = Field(description="empty, null, outside, signature, attribute, comment, text, unmapped (lost); "
                      "order, list, name, code (guessed); number, unknown, version (told)")  # fmt: skip
    path: str
    detail: str


class ConversionDocument(_Shape):
    """``eessi sed convert --format json``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = 1
    source: str = Field(alias="from", description="what the input was")
    to: Literal["xml", "json"]
    sed: str | None
    cdm: str | None
    lossless: bool = Field(description="nothing was lost and nothing guessed")
    report: list[LossModel]
    document: str

    @classmethod
    def of(cls, result: Converted, target: Literal["xml", "json"]) -> ConversionDocument:
        """The result of a conversion."""
        report = [
            LossModel(kind=entry.kind.name.lower(), path=entry.path, detail=entry.detail)
            for entry in result.report.entries
        ]
        return cls.model_validate(
            {
                "from": str(result.kind),
                "to": target,
                "sed": result.sed,
                "cdm": result.cdm,
                "lossless": result.report.is_lossless,
                "report": report,
                "document": result.data.decode("utf-8"),
            }
        )
