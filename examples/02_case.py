"""Carry a case through: what each side may do, and why it may not do something else.

The process is LA_BUC_01, a request for an exception from the rules on applicable legislation (Article 16 of
Regulation 883/2004). France owns the case, Belgium is the counterparty; each sees only its own copy.
"""

import datetime as dt

import eessi

TODAY = dt.datetime(2026, 2, 2, 9, tzinfo=dt.UTC)
FRANCE, BELGIUM = "FR:0000000001", "BE:0000000001"

france = eessi.buc("LA_BUC_01").start(as_="CaseOwner", version="4.3", me=FRANCE, counterparties=[BELGIUM])
belgium = eessi.buc("LA_BUC_01").start(as_="Counterparty", version="4.3", me=BELGIUM)


def show(name: str, case: eessi.Case) -> None:
    may = sorted({str(move.sed) for move in case.allowed(on=TODAY.date()) if move.answer == "yes" and move.sed})
    print(f"{name}: case {case.state}, may send {', '.join(may) or 'nothing'}")


show("France ", france)
print("Why not X001?", france.why_not("X001", on=TODAY.date()))

# France asks; Belgium receives the question.
france = france.apply(eessi.Event("sent", sed="A001", document_id="question", at=TODAY))
belgium = belgium.apply(eessi.Event("received", sed="A001", document_id="question", at=TODAY, sender=FRANCE))
show("Belgium", belgium)

# Belgium accepts; now it can no longer refuse.
belgium = belgium.apply(eessi.Event("sent", sed="A011", document_id="answer", parent_id="question", at=TODAY))
france = france.apply(eessi.Event("received", sed="A011", document_id="answer", at=TODAY, sender=BELGIUM))
print("Why not A002?", belgium.why_not("A002", on=TODAY.date()))

# The owner closes the case for both.
france = france.apply(eessi.Event("sent", sed="X001", at=TODAY))
belgium = belgium.apply(eessi.Event("received", sed="X001", at=TODAY, sender=FRANCE))
show("France ", france)
show("Belgium", belgium)
