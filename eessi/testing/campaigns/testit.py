"""The campaign *testit*: is the flow of information secure? The attack catalogue against our own stack."""

from __future__ import annotations

from collections.abc import Iterator

from eessi.testing.campaigns.attacks import ATTACKS, Attack, Ground
from eessi.testing.campaigns.kit import CheckRecord, Kit, Options, shipped_requirements
from eessi.testing.campaigns.outside import reactions

__all__ = ["KIT"]


def _checks(options: Options) -> Iterator[CheckRecord]:
    if options.against is not None:
        yield from reactions(options.against, options)
        return
    ground = Ground()
    for attack in ATTACKS:
        if options.only and attack.id not in options.only:
            continue
        yield _check(attack, ground)


def _check(attack: Attack, ground: Ground) -> CheckRecord:
    try:
        observed = attack.run(ground)
    except Exception as error:  # noqa: BLE001  # an attack that makes our stack fall over has succeeded
        observed = f"it broke our stack: {type(error).__name__}"
    return CheckRecord(
        id=attack.id,
        scenario=attack.title,
        group=attack.level,
        requirements=(attack.requirement,),
        passed=observed == attack.expected,
        expected=attack.expected,
        observed=observed,
    )


KIT = Kit("testit", "Is the flow of information secure?", shipped_requirements("testit"), _checks)
"""Attacks at the level of document, message, process, directory and envelope, each with the reaction that must come."""
