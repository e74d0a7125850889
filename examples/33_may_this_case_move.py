"""A process changes while a case runs: what changed, and may the case move?"""

import eessi
from eessi.buc import Event
from eessi.buc.comparing import compare, compare_case


def main() -> None:
    process = eessi.buc("UB_BUC_01")
    for change in compare(process, process, "4.2", "4.1"):
        print(change.kind, change.text)

    case = process.start("CaseOwner", "4.2").replay([Event("sent", sed="U003"), Event("sent", sed="U001")])
    removal = compare_case(case, process, "4.1")
    assert removal.against is not None
    print(f"it may not move to 4.1: event {removal.against.number}, {removal.against.text}")


if __name__ == "__main__":
    main()
