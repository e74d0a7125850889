"""What may come next in a case, for both sides, and why the rest may not."""

import datetime as dt

import eessi
from eessi.buc import Event

DAY = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)


def main() -> None:
    process = eessi.buc("LA_BUC_01")
    france = process.start("CaseOwner", "4.3", me="FR:0100000001", counterparties=["BE:0203980409"])
    belgium = process.start("Counterparty", "4.3", me="BE:0203980409")

    france = france.apply(Event("sent", sed="A001", document_id="request", at=DAY))
    belgium = belgium.apply(Event("received", sed="A001", document_id="request", at=DAY, sender="FR:0100000001"))
    for case in (france, belgium):
        print(case.role, "may send", ", ".join(sorted(case.allowed(on=DAY.date()).seds)))

    refused = france.why_not("A011")
    assert refused is not None
    print(f"{refused.rule}: {refused.text}")


if __name__ == "__main__":
    main()
