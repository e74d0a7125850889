"""A hundred seeded defects in the rows, and who notices. The tests that compare row by row are left out.

Run: ``python -m tests.buc.mutations [NUMBER] [SEED]``. It prints every defect with what caught it, and those that nothing
caught. ``EQUIVALENT`` names kinds of defects that change nothing that could be observed.
"""

from __future__ import annotations

import inspect
import json
import random
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

import eessi
from eessi.buc import checking, loading
from eessi.buc.definition import Buc, Effect, Included, SendRow, Trigger
from eessi.errors import DefinitionError
from eessi.ids import Role
from tests.buc import test_against_reader, test_case, test_laws

CATALOGUE = Path(__file__).parents[3] / "shared" / "reference" / "catalogue" / "bucs.json"
BOUNDS = checking.Bounds(states=500)
FLAGS = ("attachments", "update", "invalidate", "reject", "clarify", "bulk", "again_after_invalidation")
Mutation = Callable[[random.Random, Buc], tuple[str, Buc] | None]


def _row(
    source: random.Random, buc: Buc, change: Callable[[SendRow], tuple[str, SendRow | None] | None]
) -> tuple[str, Buc] | None:
    number = source.randrange(len(buc.rows))
    found = change(buc.rows[number])
    if found is None:
        return None
    text, row = found
    rows = (*buc.rows[:number], *(() if row is None else (row,)), *buc.rows[number + 1 :])
    return f"{buc.rows[number].sed}: {text}", attrs.evolve(buc, rows=rows)


def _trigger(
    source: random.Random, buc: Buc, change: Callable[[Trigger], Trigger | None], text: str
) -> tuple[str, Buc] | None:
    def changed(row: SendRow) -> tuple[str, SendRow] | None:
        if not row.after:
            return None
        number = source.randrange(len(row.after))
        old = row.after[number]
        new = change(old)
        if new == old:
            return None
        after = (*row.after[:number], *(() if new is None else (new,)), *row.after[number + 1 :])
        return f"{text} ({old.role} {old.event} {old.sed})", attrs.evolve(row, after=after)

    return _row(source, buc, changed)


def drop_row(source: random.Random, buc: Buc) -> tuple[str, Buc] | None:
    return _row(source, buc, lambda row: ("row dropped", None))


def swap_senders(source: random.Random, buc: Buc) -> tuple[str, Buc] | None:
    def changed(row: SendRow) -> tuple[str, SendRow] | None:
        if len(row.by) > 1:
            return None  # both roles, swapped, are both roles
        after = tuple(attrs.evolve(item, role=item.role.opposite) for item in row.after)
        return "sent by the other role", attrs.evolve(row, by=tuple(role.opposite for role in row.by), after=after)

    return _row(source, buc, changed)


def drop_trigger(source: random.Random, buc: Buc) -> tuple[str, Buc] | None:
    return _trigger(source, buc, lambda item: None, "trigger dropped")


def other_role(source: random.Random, buc: Buc) -> tuple[str, Buc] | None:
    return _trigger(source, buc, lambda item: attrs.evolve(item, role=item.role.opposite), "trigger of the other role")


def other_event(source: random.Random, buc: Buc) -> tuple[str, Buc] | None:
    swapped = {"sent": "received", "received": "sent", "update_received": "received"}
    return _trigger(
        source, buc, lambda item: attrs.evolve(item, event=swapped.get(item.event, item.event)), "other event"
    )


def other_sed(source: random.Random, buc: Buc) -> tuple[str, Buc] | None:
    sed = source.choice(buc.rows).sed
    return _trigger(
        source, buc, lambda item: item if item.sed is None else attrs.evolve(item, sed=sed), f"trigger is {sed}"
    )


def no_reply(source: random.Random, buc: Buc) -> tuple[str, Buc] | None:
    return _trigger(source, buc, lambda item: attrs.evolve(item, reply_to=None), "reply relation dropped")


def other_reply(source: random.Random, buc: Buc) -> tuple[str, Buc] | None:
    sed = source.choice(buc.rows).sed
    return _trigger(
        source, buc, lambda item: item if item.reply_to is None else attrs.evolve(item, reply_to=sed), f"answers {sed}"
    )


def condition_lost(source: random.Random, buc: Buc) -> tuple[str, Buc] | None:
    return _trigger(source, buc, lambda item: attrs.evolve(item, condition=None), "condition dropped")


def limit_lost(source: random.Random, buc: Buc) -> tuple[str, Buc] | None:
    return _trigger(
        source, buc, lambda item: attrs.evolve(item, unparented=False, parent=None, again=False), "limit dropped"
    )


def starter_only(source: random.Random, buc: Buc) -> tuple[str, Buc] | None:
    return _trigger(
        source,
        buc,
        lambda item: item if item.sed is None else attrs.evolve(item, starter=not item.starter),
        "starter flag",
    )


def repetition(source: random.Random, buc: Buc) -> tuple[str, Buc] | None:
    return _row(source, buc, lambda row: ("repetition", attrs.evolve(row, once=not row.once)))


def flag(source: random.Random, buc: Buc) -> tuple[str, Buc] | None:
    name = source.choice(FLAGS)
    return _row(source, buc, lambda row: (f"attribute {name}", attrs.evolve(row, **{name: not getattr(row, name)})))


def _effect(
    source: random.Random, buc: Buc, change: Callable[[Effect], Effect | None], text: str
) -> tuple[str, Buc] | None:
    if not buc.effects:
        return None
    number = source.randrange(len(buc.effects))
    old = buc.effects[number]
    new = change(old)
    if new == old:
        return None
    effects = (*buc.effects[:number], *(() if new is None else (new,)), *buc.effects[number + 1 :])
    told = f"{old.role} {old.event} {old.sed} {old.effect} {old.target}"
    return f"effect {text} ({told})", attrs.evolve(buc, effects=effects)


def drop_effect(source: random.Random, buc: Buc) -> tuple[str, Buc] | None:
    return _effect(source, buc, lambda item: None, "dropped")


def effect_role(source: random.Random, buc: Buc) -> tuple[str, Buc] | None:
    return _effect(source, buc, lambda item: attrs.evolve(item, role=item.role.opposite), "of the other role")


def effect_parent(source: random.Random, buc: Buc) -> tuple[str, Buc] | None:
    return _effect(source, buc, lambda item: attrs.evolve(item, same_parent=not item.same_parent), "scope")


def effect_target(source: random.Random, buc: Buc) -> tuple[str, Buc] | None:
    sed = source.choice(buc.rows).sed
    return _effect(source, buc, lambda item: attrs.evolve(item, target=sed), f"on {sed}")


def _block(
    source: random.Random, buc: Buc, change: Callable[[Included], Included | None], text: str
) -> tuple[str, Buc] | None:
    number = source.randrange(len(buc.included))
    old = buc.included[number]
    new = change(old)
    if new == old or not buc.blocks[old.block].sends:
        return None
    included = (*buc.included[:number], *(() if new is None else (new,)), *buc.included[number + 1 :])
    return f"block {old.block} {text}", attrs.evolve(buc, included=included)


def drop_block(source: random.Random, buc: Buc) -> tuple[str, Buc] | None:
    return _block(source, buc, lambda item: None, "dropped")


def block_roles(source: random.Random, buc: Buc) -> tuple[str, Buc] | None:
    def changed(item: Included) -> Included:
        by = tuple(role.opposite for role in item.by) if len(item.by) == 1 else item.by[:1]
        return attrs.evolve(item, by=by)

    return _block(source, buc, changed, "for another role")


def block_days(source: random.Random, buc: Buc) -> tuple[str, Buc] | None:
    def changed(item: Included) -> Included:
        return attrs.evolve(item, after=tuple(attrs.evolve(t, days=None if t.days else 30) for t in item.after))

    return _block(source, buc, changed, "waiting time")


def local_close(source: random.Random, buc: Buc) -> tuple[str, Buc] | None:
    role = source.choice([Role.CASE_OWNER, Role.COUNTERPARTY])
    roles = (
        tuple(item for item in buc.local_close if item is not role)
        if role in buc.local_close
        else (*buc.local_close, role)
    )
    return f"local close of the {role}", attrs.evolve(buc, local_close=roles)


MUTATIONS: tuple[Mutation, ...] = (
    drop_row, swap_senders, drop_trigger, other_role, other_event, other_sed, no_reply, other_reply, condition_lost,
    limit_lost, starter_only, repetition, flag, drop_effect, effect_role, effect_parent, effect_target, drop_block,
    block_roles, block_days, local_close,
)  # fmt: skip


def _comes_once(buc: Buc, sed: str | None) -> bool:
    rows = [row for row in buc.rows if row.sed == sed]
    return all(
        row.starter and row.once and len(row.after) == 1 and not (row.invalidate and row.again_after_invalidation)
        for row in rows
    )


def _always_answers(buc: Buc, before: SendRow, after: SendRow) -> bool:
    """Whether the parent that the lost limit asked for is the only one possible."""
    lost = [old for old, new in zip(before.after, after.after, strict=True) if old != new and old.parent is not None]
    replies = {item.reply_to for trigger in lost for row in buc.rows if row.sed == trigger.sed for item in row.after}
    return bool(lost) and replies == {trigger.parent for trigger in lost}


def equivalent(code: str, text: str, mutant: Buc) -> str | None:
    """Why a defect changes nothing that could be observed; ``None`` when it does."""
    healthy = loading.buc(code)
    old = {(row.sed, row.by): row for row in healthy.rows}
    changed = [(old[row.sed, row.by], row) for row in mutant.rows if old.get((row.sed, row.by), row) != row]
    blocks = {item.block for item in mutant.included}
    for before, after in changed:
        names = [
            name for name in ("invalidate", "reject", "clarify") if getattr(before, name) is not getattr(after, name)
        ]
        if names and not set(names) & blocks:
            return f"the block {names[0]} is not included, so the attribute means nothing"
        if before.again_after_invalidation is not after.again_after_invalidation and (
            not before.once or not before.invalidate or "invalidate" not in blocks
        ):
            return "the SED is offered without end or cannot be invalidated: it needs no second offer"
        if not before.once and text.startswith(("starter_only", "limit_lost")):
            return "an offer without end is open already when the document comes again"
        lost = [item for item in before.after if item not in after.after]
        if any(item.event == "update_received" for item in lost) and text.startswith("starter_only"):
            return "the offer that the first version opened is judged by the facts of the latest"
        if text.startswith("limit_lost") and any(item.unparented and item.sed == before.sed for item in lost):
            return "one that answers nothing is open all the time anyway"
        if text.startswith("starter_only") and all(_comes_once(healthy, item.sed) for item in lost):
            return "the document that opens it comes only once, as the first of the case"
        if text.startswith("limit_lost") and _always_answers(healthy, before, after):
            return "the document that opens it always answers one of that type"
        if text.startswith("limit_lost") and before.sed in ("S053A", "DA073A"):
            return "the S053R follows only an S053C, which excludes that this one was sent"
    if text.startswith("effect_parent"):
        (effect,) = [item for item in healthy.effects if item not in mutant.effects]
        parents = [row for row in healthy.rows if row.sed == effect.parent]
        if (effect.sed, effect.target) == ("U029", "X008"):
            return "every U023 has its U029 before the next U023 is there"
        if effect.same_parent and effect.parent is not None and effect.effect == "offer":
            return None
        if effect.parent is None or all(row.once and row.starter for row in parents):
            return "both answer nothing, or the document they answer is valid only once at a time"
    if text.startswith("effect_role") and any(item.role is not Role.CASE_OWNER for item in mutant.effects):
        (effect,) = [item for item in healthy.effects if item not in mutant.effects]
        if effect.event == "draft_deleted" and effect.target == effect.sed:
            return "deleting a draft gives its own offer back anyway"
    return None


def defects(number: int, seed: int) -> Iterator[tuple[str, str, Buc]]:
    """So many defects, each in one process, kinds in turn."""
    source = random.Random(seed)
    codes = [code for code in loading.codes() if not code.startswith("AD_")]
    made = turn = 0
    while made < number:
        mutation = MUTATIONS[turn % len(MUTATIONS)]
        turn += 1
        for _ in range(400):
            code = source.choice(codes)
            found = mutation(source, eessi.buc.loading.load_definition(_text(code), file=code))
            if found is None:
                continue
            text = f"{mutation.__name__}: {found[0]}"
            reason = equivalent(code, text, found[1])
            if reason is None:
                yield code, text, found[1]
                made += 1
                break
            print(f"equivalent: {code}: {text}: {reason}", flush=True)


def _text(code: str) -> str:
    return (Path(loading.__file__).parent / "definitions" / f"{code}.toml").read_text(encoding="utf-8")


def caught_by(code: str, mutant: Buc, rows: dict[str, Any]) -> str | None:
    """The first check that notices; ``None`` when none does."""
    healthy = loading._buc
    plain = _outcome(healthy(code))
    try:
        loading._check(mutant, code)
        _reversed_versions(mutant)
        loading._buc = lambda wanted: mutant if wanted == code else healthy(wanted)  # type: ignore[assignment]  # the defect
        return _notices(code, mutant, rows, plain)
    except DefinitionError:
        return "loading"
    finally:
        loading._buc = healthy


def _reversed_versions(mutant: Buc) -> None:
    for version in mutant.versions:
        mutant.program(version)


def _notices(code: str, mutant: Buc, rows: dict[str, Any], plain: object) -> str | None:
    row = rows[code]
    everything = {**row, "flow": row["flow"] + row["horizontal_subprocesses"]}
    attempts: list[tuple[str, Callable[[], object]]] = [
        ("reader", lambda: test_against_reader.explore(code, row, test_against_reader.STATES)),
        ("reader with horizontal processes", lambda: test_against_reader.explore(code, everything, 25)),
        (
            "administrative moves",
            lambda: test_against_reader.test_administrative_moves_after_the_first_document(code, rows),
        ),
        *(
            (name, test)
            for name, test in inspect.getmembers(test_case, inspect.isfunction)
            if _is_about(test, name, code)
        ),
        (
            "starter sent again",
            lambda: test_against_reader.test_a_starter_that_is_sent_again_is_answered_again(code, rows),
        ),
        ("new versions", lambda: _new_versions(code)),
        ("laws", lambda: test_laws.test_laws(code)),
    ]
    for name, attempt in attempts:
        try:
            attempt()
        except (Exception, pytest.fail.Exception):  # noqa: BLE001  # whatever it is, it was noticed
            return name
    return None if _outcome(mutant) == plain else "checker"


def _sent_again(code: str, rows: dict[str, Any]) -> None:
    if code in test_against_reader.SENT_AGAIN:
        test_against_reader.test_a_starter_that_is_sent_again_is_answered_again(code, rows)


def _new_versions(code: str) -> None:
    test = test_case.test_new_versions_open_what_the_first_did_not
    (mark,) = [mark for mark in test.pytestmark if mark.name == "parametrize"]  # type: ignore[attr-defined]  # of pytest
    for values in mark.args[1]:
        if values[0] == code:
            test(*values)


def _is_about(test: object, name: str, code: str) -> bool:
    source = inspect.getsource(test)  # type: ignore[arg-type]  # a function
    return name.startswith("test_") and f'"{code}"' in source and not inspect.signature(test).parameters  # type: ignore[arg-type]


def _outcome(buc: Buc) -> object:
    result = checking.check(buc, bounds=BOUNDS)
    offences = Counter((item.property, item.subject) for item in result.counterexamples if item.waiver is None)
    return offences, {item.subject for part in result.parts for item in part.unreached}


def main(number: int = 100, seed: int = 1) -> int:
    warnings.simplefilter("ignore")
    rows = {row["code"]: row for row in json.loads(CATALOGUE.read_text(encoding="utf-8"))}
    left = []
    seen: Counter[str] = Counter()
    for code, text, mutant in defects(number, seed):
        name = caught_by(code, mutant, rows)
        seen[name or "nobody"] += 1
        print(f"{code}: {text}: {name or 'NOT CAUGHT'}", flush=True)
        if name is None:
            left.append(f"{code}: {text}")
    assert seen.total() == number
    print(f"\n{number - len(left)} of {number} caught; by {dict(seen)}")
    for item in left:
        print(f"not caught: {item}")
    return len(left)


if __name__ == "__main__":
    sys.exit(0 if main(*map(int, sys.argv[1:])) <= 5 else 1)
