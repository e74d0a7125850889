"""Read process definitions from TOML. Reading never runs code: the rows hold words from closed lists and nothing else.

An unknown key, a word outside its list or a reference to nothing is a :class:`~eessi.errors.DefinitionError` that names
file and key.
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterable, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING

from eessi.buc.definition import (
    Block,
    BlockSend,
    Buc,
    Change,
    Condition,
    Conditions,
    Effect,
    Fact,
    HistoryTest,
    Included,
    Practice,
    SendRow,
    Trigger,
)
from eessi.errors import DefinitionError, EessiError, UnknownCode
from eessi.ids import BucId, CdmVersion, Role, SedType, nearest

if TYPE_CHECKING:
    from eessi.buc import tables

__all__ = ["administrative_blocks", "all_bucs", "buc", "load_definition", "load_definitions", "sources"]

_SPECIAL = {"administrative.toml", "conditions.toml", "sources.toml", "waivers.toml"}


def _shipped() -> Traversable:
    return files("eessi.buc").joinpath("definitions")


@functools.cache
def codes() -> tuple[str, ...]:
    """Codes of the definitions that ship with the toolkit, sorted."""
    names = (entry.name for entry in _shipped().iterdir())
    return tuple(
        sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml") and name not in _SPECIAL)
    )


@functools.cache
def administrative_blocks() -> Mapping[str, Block]:
    """The administrative blocks by name."""
    from eessi.buc import tables

    file = "administrative.toml"
    table = tables.read(tables.BlockTable, _parse(_shipped().joinpath(file).read_text(encoding="utf-8"), file), file)
    return {row.name: _block(row) for row in table.block}


@functools.cache
def conditions() -> Conditions:
    """The closed list of facts and conditions that ships with the toolkit."""
    file = "conditions.toml"
    return _conditions(_parse(_shipped().joinpath(file).read_text(encoding="utf-8"), file), file, Conditions())


@functools.cache
def sources() -> Mapping[str, Mapping[str, str]]:
    """What the source ids in the rows stand for: where, what it gave, licence."""
    table = _parse(_shipped().joinpath("sources.toml").read_text(encoding="utf-8"), "sources.toml")
    return {str(row["id"]): row for row in table["source"]}  # type: ignore[attr-defined]  # a TOML array of tables


def buc(code: str) -> Buc:
    """The definition of a process: ``buc("LA_BUC_01")``.

    :raises UnknownCode: for a code that no definition has, with the nearest known one.
    """
    return _buc(BucId(code))


@functools.cache
def _buc(code: str) -> Buc:
    if code not in codes():
        raise UnknownCode("BUC", code, nearest(code, codes()))
    file = _shipped().joinpath(f"{code}.toml")
    return load_definition(file.read_text(encoding="utf-8"), file=file.name)


def all_bucs() -> tuple[Buc, ...]:
    """All shipped definitions, in the order of their codes."""
    return tuple(_buc(code) for code in codes())


def load_definitions(folder: str | Path) -> dict[str, Buc]:
    """National processes from a folder: one TOML file each, in the form of the shipped ones.

    A file ``conditions.toml`` in the folder adds facts and conditions to those that ship.

    :raises DefinitionError: for a file that breaks the form, with file and key; also when the folder holds none.
    """
    place = Path(folder)
    if not place.is_dir():
        raise DefinitionError("no such folder", file=str(place))
    known = conditions()
    own = place / "conditions.toml"
    if own.exists():
        known = _conditions(_parse(_read(own), str(own)), str(own), known)
    found: dict[str, Buc] = {}
    for path in sorted(place.glob("*.toml")):
        if path.name in _SPECIAL:
            continue
        definition = load_definition(_read(path), file=str(path), conditions=known)
        if definition.code in found:
            raise DefinitionError(f"{definition.code} stands in two files", file=str(path), key="code")
        found[definition.code] = definition
    if not found:
        raise DefinitionError("the folder holds no definition (*.toml)", file=str(place))
    return found


def load_definition(text: str, *, file: str, conditions: Conditions | None = None) -> Buc:
    """One definition from the text of its TOML file.

    :param file: name for error messages.
    :param conditions: facts and conditions it may name; those that ship by default.
    :raises DefinitionError: with file and key, when the text breaks the form.
    """
    from eessi.buc import tables

    table = tables.read(tables.BucTable, _parse(text, file), file)
    known = conditions if conditions is not None else globals()["conditions"]()
    try:
        built = _build(table, file, known)
    except DefinitionError:
        raise
    except EessiError as error:
        raise DefinitionError(str(error), file=file) from None
    _check(built, file)
    return built


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DefinitionError(f"cannot be read: {error}", file=str(path)) from None


def _parse(text: str, file: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DefinitionError(f"not TOML: {error}", file=file) from None


def _version(text: str | None) -> CdmVersion | None:
    return None if text is None else CdmVersion.parse(text)


def _sed(code: str | None) -> SedType | None:
    return None if code is None else SedType(code)


def _trigger(row: tables.TriggerRow) -> Trigger:
    return Trigger(
        role=Role(row.role), event=row.event, sed=_sed(row.sed), reply_to=_sed(row.reply_to), starter=row.starter,
        unparented=row.unparented, parent=_sed(row.parent), days=row.days, condition=row.condition,
        again=row.again, since=_version(row.since), until=_version(row.until), source=row.source, note=row.note,
    )  # fmt: skip


def _send(row: tables.SendTable, process: str | None) -> SendRow:
    return SendRow(
        sed=SedType(row.sed), by=tuple(Role(role) for role in row.by), after=tuple(map(_trigger, row.after)),
        once=row.repeat == "once", starter=row.starter, process=process, attachments=row.attachments, update=row.update,
        invalidate=row.invalidate, reject=row.reject, clarify=row.clarify, bulk=row.bulk,
        choose_receivers=row.choose_receivers, again_after_invalidation=row.again_after_invalidation,
        since=_version(row.since), until=_version(row.until),
        changes=tuple(Change(CdmVersion.parse(item.until), item.values()) for item in row.changes),
        source=row.source, confidence=row.confidence,
    )  # fmt: skip


def _effect(row: tables.EffectRow) -> Effect:
    return Effect(
        role=Role(row.role), event=row.event, sed=SedType(row.sed), effect=row.effect, target=SedType(row.target),
        operations=tuple(row.operations), parent=_sed(row.parent), same_parent=row.same_parent, starter=row.starter,
        target_parents=tuple(SedType(item) for item in row.target_parents), condition=row.condition,
        since=_version(row.since), until=_version(row.until), source=row.source, confidence=row.confidence,
    )  # fmt: skip


def _block(row: tables.BlockRow) -> Block:
    sends = tuple(
        BlockSend(
            sed=SedType(item.sed), opens=item.opens, once=item.repeat == "once", effect=item.effect,
            reply_to=_sed(item.reply_to), on=tuple(item.on), attribute=item.attribute, side=item.side,
            own_request=item.own_request, once_for_all=item.once_for_all, answers_included=item.answers_included,
            while_closed=item.while_ == "closed", source=item.source, confidence=item.confidence,
        )
        for item in row.send
    )  # fmt: skip
    return Block(row.name, BucId(row.process), row.title, sends, row.note)


def _conditions(table: dict[str, object], file: str, before: Conditions) -> Conditions:
    from eessi.buc import tables

    read = tables.read(tables.ConditionTable, table, file)
    facts = {**before.facts, **{row.name: Fact(row.name, row.text) for row in read.fact}}
    rows = dict(before.rows)
    for row in read.condition:
        unknown = [name for name in row.named_facts() if name not in facts]
        if unknown:
            raise DefinitionError(f"names the unknown fact {unknown[0]!r}", file=file, key=f"condition {row.name!r}")
        tests = tuple(
            HistoryTest(item.test, _sed(item.sed), _sed(item.other), item.number, dict(item.facts))
            for item in row.history
        )
        rows[row.name] = (*rows.get(row.name, ()), Condition(row.name, dict(row.facts), tests))
    return Conditions(facts, rows)


def _included(table: tables.BucTable) -> Iterable[Included]:
    for name, row in table.administrative.items():
        yield Included(
            block=name, by=tuple(Role(role) for role in row.by), after=tuple(map(_trigger, row.after)),
            only_itself=tuple(Role(role) for role in row.only_itself), only_itself_since=_version(row.only_itself_since),
            since={Role(role): CdmVersion.parse(version) for role, version in row.since.items()},
        )  # fmt: skip


def _build(table: tables.BucTable, file: str, known: Conditions) -> Buc:
    rows = [_send(row, None) for row in table.send] + [_send(row, row.process) for row in table.horizontal]
    return Buc(
        code=BucId(table.code), sector=table.sector, title=table.title, titles=table.titles,
        versions=tuple(CdmVersion.parse(item) for item in table.versions), participants=table.participants,
        rows=tuple(rows), effects=tuple(map(_effect, table.effects)), included=tuple(_included(table)),
        local_close=tuple(Role(role) for role in table.closing.local), closing_rule=table.closing.rule,
        participants_until_first_send=table.closing.participants_until_first_send,
        practices=tuple(Practice(**row.model_dump()) for row in table.practice),
        legal_basis=tuple(table.legal_basis), legal_basis_source=table.legal_basis_source,
        legal_basis_confidence=table.legal_basis_confidence, confidence=table.confidence,
        completeness=table.completeness, sources=tuple(table.sources), notes=tuple(table.notes),
        version_notes=tuple(table.version_notes), block=table.block, blocks=administrative_blocks(), conditions=known,
        file=file,
    )  # fmt: skip


def _check(built: Buc, file: str) -> None:
    """References inside a definition, and out of it, must point at something."""
    from eessi.buc.conditions import TESTS

    blocks = administrative_blocks()
    wanted = [item.block for item in built.included] + ([built.block] if built.block else [])
    for name in wanted:
        if name not in blocks:
            raise DefinitionError(
                f"no administrative block is called {name!r}", file=file, key=f"administrative.{name}"
            )
    if built.block is None and not built.starters:
        raise DefinitionError("no row starts a case", file=file, key="send.starter")
    administrative = {send.sed for name in wanted for send in blocks[name].sends}
    own = {row.sed for row in built.rows}
    seen: set[tuple[Role, str]] = set()
    for row in built.rows:
        key = f"send {row.sed}"
        for role in row.by:
            if (role, row.sed) in seen:
                raise DefinitionError(f"two rows let the {role} send {row.sed}", file=file, key=key)
            seen.add((role, row.sed))
        for trigger in row.after:
            _check_trigger(trigger, own, built, file, f"{key}.after")
            if trigger.role not in row.by:
                raise DefinitionError(
                    f"opens for the {trigger.role}, who may not send it", file=file, key=f"{key}.after"
                )
    for item in built.included:
        for trigger in item.after:
            _check_trigger(trigger, own, built, file, f"administrative.{item.block}.after")
    for effect in built.effects:
        key = f"effects {effect.event} {effect.sed}"
        for code in (effect.sed, effect.target, *filter(None, [effect.parent]), *effect.target_parents):
            if code not in own | administrative:
                raise DefinitionError(f"{code} is not in this process", file=file, key=key)
        _check_condition(effect.condition, built, file, key)
    for name, rows in built.conditions.rows.items():
        for condition in rows:
            for test in condition.history:
                if test.test not in TESTS:
                    raise DefinitionError(
                        f"no history test is called {test.test!r}", file=file, key=f"condition {name!r}"
                    )


def _check_trigger(trigger: Trigger, own: set[SedType], built: Buc, file: str, key: str) -> None:
    if (trigger.sed is None) != (trigger.event == "case_start"):
        raise DefinitionError("an event other than case_start names its SED, and case_start none", file=file, key=key)
    for code in (trigger.sed, trigger.reply_to, trigger.parent):
        if code is not None and code not in own:
            raise DefinitionError(f"{code} is not in this process", file=file, key=key)
    _check_condition(trigger.condition, built, file, key)


def _check_condition(name: str | None, built: Buc, file: str, key: str) -> None:
    if name is not None and name not in built.conditions.rows:
        near = nearest(name, built.conditions.rows)
        hint = f"; did you mean {near!r}?" if near else ""
        raise DefinitionError(f"no condition is called {name!r}{hint}", file=file, key=key)
