"""A refusal says what helps. This follows the advice until the case may be closed."""

import datetime as dt

import eessi
from eessi.buc import Event

DAY = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)


def main() -> None:
    case, day = eessi.buc("LA_BUC_03").start("CaseOwner", "4.3"), DAY.date()
    while (refused := case.why_not("X001", on=day)) is not None:
        remedy = refused.remedies[0]
        print(f"{refused.text}  ->  {remedy.do} {remedy.on or remedy.what}")
        if remedy.do == "send":
            case = case.apply(Event("sent", sed=remedy.what, at=DAY))
        elif remedy.do == "wait" and remedy.on is not None:
            day = remedy.on
    closed = case.apply(Event("sent", sed="X001", at=dt.datetime.combine(day, dt.time(12), dt.UTC)))
    print(closed)


if __name__ == "__main__":
    main()
