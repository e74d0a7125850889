"""Explore a process to the end, then break one row and see the shortest run that shows it."""

import attrs

import eessi
from eessi.buc.checking import Bounds, check


def main() -> None:
    process = eessi.buc("S_BUC_05")
    result = check(process)
    print(f"{process.code}: {result.outcome}, {result.states} states, {result.bounds}")
    assert result.complete

    exclusive = eessi.buc("LA_BUC_01")
    effects = tuple(item for item in exclusive.effects if not (item.sed == "A011" and item.event == "draft_created"))
    broken = check(attrs.evolve(exclusive, effects=effects), bounds=Bounds(states=500))
    found = next(item for item in broken.counterexamples if item.property == "exclusion")
    print(found.text)
    for number, step in enumerate(found.steps, 1):
        print(f"  {number}. {step}")


if __name__ == "__main__":
    main()
