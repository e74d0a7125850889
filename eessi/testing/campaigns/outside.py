"""The campaigns against a real institution: what can be told of it from outside, over AS4.

Its receipts prove what arrived; what it sends is judged as in any run. What it holds, refuses inside or sends by itself to
others is not seen, so the requirements about that stay open and are named as such.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from eessi.ids import Role
from eessi.testing.against import Against
from eessi.testing.campaigns.kit import CheckRecord, Options, step_records
from eessi.testing.faults import FaultKind
from eessi.testing.record import Run
from eessi.testing.scenario import Scenario, load_scenarios

__all__ = ["reactions", "transfers", "walkable"]

_BUC: Final = ("LA_BUC_01", "4.3", "A001")
"""A request that any institution may send and that can be answered at once."""

_ATTACHED: Final[tuple[tuple[int, ...], ...]] = ((), (10_000,), (50_000, 50_000, 50_000), (5_000_000,))
_RECEIPTED: Final = "receipted"

_ATTACKS: Final = (
    (FaultKind.UNREADABLE, "D04", "TI-02", "a message cut short"),
    (FaultKind.WRONG_SIGNATURE, "D11", "TI-12", "a document changed after it was signed"),
    (FaultKind.WRONG_SENDER, "M01", "TI-05", "the header names another sender"),
    (FaultKind.WRONG_RECEIVER, "M02", "TI-05", "the header names another receiver"),
    (FaultKind.NO_ENVELOPE, "M05", "TI-06", "a document without envelope"),
)
"""A first message whose header names another CDM version is none of them: it begins a case of that version."""

_NOT_TAKEN: Final = "not taken: no answer of the process comes"


def transfers(way: Against, options: Options) -> Iterator[CheckRecord]:
    """*moveit*: documents with attachments of several sizes, and many, each with its receipt."""
    for number, sizes in enumerate(_ATTACHED):
        attached = [{"name": f"part{place}.pdf", "size": size} for place, size in enumerate(sizes)]
        title = f"a document with {len(sizes)} attachments of {sum(sizes):,} bytes together"
        yield from _transfer(
            way, options, f"attachments-{number}", title, {"attachments": attached}, ("MO-02", "MO-03")
        )
    title = f"{options.messages} messages, each in a case of its own"
    yield from _transfer(way, options, "many", title, {}, ("MO-06", "MO-02"), options.messages)


def _transfer(
    way: Against,
    options: Options,
    id: str,
    title: str,
    below: dict[str, object],
    requirements: tuple[str, ...],
    times: int = 1,
) -> Iterator[CheckRecord]:
    if options.only and id not in options.only:
        return
    runs: list[Run] = []
    for _ in range(times):
        runs.append(way.run(_request(way, title, below)))
        if not runs[-1].passed:
            break  # a system that is not there would be waited for again and again
    yield _record(id, title, "to the real institution", requirements, runs, _RECEIPTED)


def walkable(way: Against, scenarios: tuple[Scenario, ...]) -> tuple[tuple[Scenario, ...], tuple[str, ...]]:
    """The scenarios whose parties the profile knows, and a line for each other one."""
    known = {way.profile.real.party, *(row.party for row in way.profile.played)}
    fit = tuple(one for one in scenarios if set(one.parties) == known)
    left = [one for one in scenarios if one not in fit]
    return fit, tuple(f"{one.title}: its parties are {', '.join(one.parties)}" for one in left)


def reactions(way: Against, options: Options) -> Iterator[CheckRecord]:
    """*testit*: messages that must not be taken, told apart from a good one by whether the process goes on.

    Silence proves nothing of a system that does not answer a good request either; the attacks are then left open.
    """
    good, answered = _reaction(way, None)
    yield _record("control", "a good request is answered", "control", (), [good], "answered", f"answered {answered}" if answered else "no answer")  # fmt: skip
    if not answered:
        return
    for kind, id, requirement, title in _ATTACKS:
        if options.only and id not in options.only:
            continue
        run, answer = _reaction(way, kind)
        lost = run.undelivered
        observed = f"taken: it answers {answer}" if answer else _NOT_TAKEN
        yield CheckRecord(
            id=id,
            scenario=title,
            group="message",
            requirements=(requirement,),
            passed=not answer and not lost,
            expected=_NOT_TAKEN,
            observed=_failures(run) if lost else observed,
            steps=step_records([run]),
            undelivered=lost,
            not_checked=run.not_checked,
        )


def _reaction(way: Against, kind: FaultKind | None) -> tuple[Run, str | None]:
    """What came of one request, spoiled or good: the run, and the code of the answer of the process, if one came."""
    below: dict[str, object] = {} if kind is None else {"fault": kind.value, "expect": {"ending": "delivered"}}
    if kind is FaultKind.WRONG_SIGNATURE:
        below["sign"] = True
    run = way.run(_request(way, kind.value if kind else "a good request", below))
    if not run.passed:
        return run, None
    return run, way.heard(run.parties[0].case_id or "", lambda sed: not sed.is_administrative)


def _request(way: Against, title: str, below: dict[str, object]) -> Scenario:
    """One request from the first party that is played to the real one."""
    buc, version, sed = _BUC
    me, you = way.profile.played[0], way.profile.real
    parties = {
        me.party: {"role": str(Role.CASE_OWNER), "country": me.institution[:2]},
        you.party: {"role": str(Role.COUNTERPARTY), "country": you.institution[:2]},
    }
    step = f"{me.party} sends {sed} to {you.party}"
    text = json.dumps(
        {
            "scenario": title,
            "buc": buc,
            "version": version,
            "parties": parties,
            "steps": [{step: below} if below else step],
        }
    )
    (scenario,) = load_scenarios("request.buc.yaml", text)
    return scenario


def _record(
    id: str,
    title: str,
    group: str,
    requirements: tuple[str, ...],
    runs: list[Run],
    expected: str,
    observed: str | None = None,
) -> CheckRecord:
    failed = "; ".join(filter(None, map(_failures, runs)))
    came = failed or observed or expected
    return CheckRecord(
        id=id,
        scenario=title,
        group=group,
        requirements=requirements,
        passed=not failed and came.startswith(expected),
        expected=expected,
        observed=came,
        steps=step_records(runs),
        measures={"documents": sum(1 for run in runs for _ in run.exchanges)},
        undelivered=any(run.undelivered for run in runs),
        not_checked=tuple(dict.fromkeys(line for run in runs for line in run.not_checked)),
    )


def _failures(run: Run) -> str:
    return "; ".join(failure for step in run.failures for failure in step.failures)
