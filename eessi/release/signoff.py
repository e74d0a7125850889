"""Sign-off of a new version by every organisation concerned, and the passport that proves what was validated.

A round is a small JSON file fit for a repository: who was asked about what, and what each answered. Answers come back as Excel
sheets; two that contradict each other are shown, never guessed away.
"""

from __future__ import annotations

import datetime as dt
import enum
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from eessi.errors import DefinitionError, InputError

__all__ = ["Answer", "Conflict", "Decision", "Item", "Round", "merge_sheets", "write_sheets"]

COLUMNS = ("organisation", "item", "title", "decision", "comment", "name", "date")


class Decision(enum.StrEnum):
    """What an organisation says about an item."""

    ASKED = "asked"
    COMMENTED = "commented"
    ACCEPTED = "accepted"
    REFUSED = "refused"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Item(_Strict):
    """One thing to decide on: a SED (``S071``) or a process (``S_BUC_01``) in the new version."""

    code: str
    title: str


class Answer(_Strict):
    """What an organisation answered about an item; ``name`` is what the person typed, ``source`` the file it came in."""

    organisation: str
    item: str
    decision: Decision
    comment: str = ""
    name: str = ""
    date: dt.date | None = None
    source: str = ""


class Conflict(_Strict):
    """Two files of one organisation that decide differently about one item."""

    organisation: str
    item: str
    decisions: tuple[str, ...]
    sources: tuple[str, ...]


class Round(_Strict):
    """A sign-off round: which version, which items, which organisations, and the answers so far."""

    schema_version: int = 1
    version: str = Field(description="coordinates of the new package, like cdm:4.4")
    asked_on: dt.date
    due: dt.date | None = None
    items: tuple[Item, ...]
    organisations: tuple[str, ...]
    answers: tuple[Answer, ...] = ()

    @classmethod
    def load(cls, file: Path) -> Round:
        """Read a round.

        :raises InputError: when the file cannot be read. :raises DefinitionError: when it is not a round.
        """
        try:
            return cls.model_validate_json(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise InputError("no such file", source=str(file)) from None
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"cannot be read: {error}", source=str(file)) from None
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(str(part) for part in first["loc"])
            raise DefinitionError(str(first["msg"]), file=str(file), key=key) from None

    def save(self, file: Path) -> None:
        """Write the round, whole or not at all."""
        beside = file.with_name(f".{file.name}.new")
        text = json.dumps(self.model_dump(mode="json"), ensure_ascii=False, indent=2, sort_keys=True)
        beside.write_text(text + "\n", encoding="utf-8")
        beside.replace(file)

    def decision(self, organisation: str, item: str) -> Decision:
        """The decision of an organisation on an item; ``asked`` while there is none."""
        found = [a.decision for a in self.answers if (a.organisation, a.item) == (organisation, item)]
        return found[-1] if found else Decision.ASKED

    def open_items(self) -> tuple[tuple[str, str], ...]:
        """Organisation and item of everything that is not decided."""
        undecided = (Decision.ASKED, Decision.COMMENTED)
        return tuple(
            (organisation, item.code)
            for organisation in self.organisations
            for item in self.items
            if self.decision(organisation, item.code) in undecided
        )

    @property
    def is_accepted(self) -> bool:
        """Whether every organisation accepted every item."""
        return all(
            self.decision(organisation, item.code) is Decision.ACCEPTED
            for organisation in self.organisations
            for item in self.items
        )


def write_sheets(one: Round, folder: Path) -> tuple[Path, ...]:
    """Write one Excel sheet per organisation, with what it answered so far."""
    from eessi.release.excel import write_sheet

    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for organisation in one.organisations:
        answers = {a.item: a for a in one.answers if a.organisation == organisation}
        rows = []
        for item in one.items:
            answer = answers.get(item.code)
            day = answer.date.isoformat() if answer and answer.date else ""
            said = (str(answer.decision), answer.comment, answer.name) if answer else ("", "", "")
            rows.append((organisation, item.code, item.title, *said, day))
        file = folder / f"{_file_name(organisation)}.xlsx"
        write_sheet(file, "sign-off", COLUMNS, rows, widths=(24, 14, 50, 14, 60, 24, 14))
        files.append(file)
    return tuple(files)


def _file_name(organisation: str) -> str:
    return "".join(sign if sign.isalnum() else "-" for sign in organisation).strip("-") or "organisation"


def merge_sheets(one: Round, files: Sequence[Path]) -> tuple[Round, tuple[Conflict, ...]]:
    """Take over what came back. Where two files of this merge contradict each other, neither is taken over.

    :raises InputError: for a file that is no such sheet, or an organisation, item or decision that was not asked.
    """
    came = [answer for file in files for answer in _read(one, file)]
    conflicts = tuple(_conflicts(came))
    unclear = {(conflict.organisation, conflict.item) for conflict in conflicts}
    taken = {(a.organisation, a.item): a for a in one.answers}
    for answer in came:
        key = (answer.organisation, answer.item)
        if key not in unclear:
            taken[key] = _joined(taken.get(key), answer)
    order = [(organisation, item.code) for organisation in one.organisations for item in one.items]
    answers = tuple(taken[key] for key in order if key in taken)
    return one.model_copy(update={"answers": answers}), conflicts


def _joined(before: Answer | None, after: Answer) -> Answer:
    if before is None or not before.comment or before.comment in after.comment:
        return after
    comment = f"{before.comment}\n{after.comment}" if after.comment else before.comment
    return after.model_copy(update={"comment": comment})


def _read(one: Round, file: Path) -> Iterable[Answer]:
    from eessi.release.excel import read_sheet

    items = {item.code for item in one.items}
    for number, row in read_sheet(file, COLUMNS):
        where = f"{file}: row {number}"
        if row["organisation"] not in one.organisations:
            raise InputError(f"{row['organisation']!r} was not asked", source=where)
        if row["item"] not in items:
            raise InputError(f"{row['item']!r} is not an item of this round", source=where)
        if not row["decision"] and not row["comment"]:
            continue
        yield Answer(
            organisation=row["organisation"],
            item=row["item"],
            decision=_decision(row["decision"], where),
            comment=row["comment"],
            name=row["name"],
            date=_day(row["date"], where),
            source=file.name,
        )


def _decision(word: str, where: str) -> Decision:
    try:
        return Decision(word.strip().lower()) if word else Decision.COMMENTED
    except ValueError:
        raise InputError(f"{word!r} is not a decision; write accepted, refused or commented", source=where) from None


def _day(text: str, where: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text[:10]) if text else None
    except ValueError:
        raise InputError(f"{text!r} is not a date; write it like 2026-11-25", source=where) from None


def _conflicts(came: Sequence[Answer]) -> Iterable[Conflict]:
    by_key: dict[tuple[str, str], list[Answer]] = {}
    for answer in came:
        by_key.setdefault((answer.organisation, answer.item), []).append(answer)
    for (organisation, item), answers in by_key.items():
        decisions = {str(a.decision) for a in answers if a.decision is not Decision.COMMENTED}
        if len(decisions) > 1:
            sources = tuple(a.source for a in answers)
            yield Conflict(organisation=organisation, item=item, decisions=tuple(sorted(decisions)), sources=sources)
