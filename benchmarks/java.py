"""A warm Java virtual machine that does one piece of work on order, in turn with our own."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import IO, Self

__all__ = ["Peer", "in_turn"]

Work = Callable[[int], tuple[float, int]]
"""Does so many calls; seconds that one takes, and a sum that two who do the same work agree on."""


class Peer:
    """A program that says ``ready`` when it is warm, and answers each order with nanoseconds and a sum."""

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._said: IO[str] | None = self._process.stdout
        self._asked: IO[str] | None = self._process.stdin

    def __enter__(self) -> Self:
        assert self._said is not None
        ready = self._said.readline().split()
        assert ready[:1] == ["ready"], ready
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def ask(self, calls: int, what: str = "") -> tuple[float, int]:
        """Seconds that a call takes, and the sum; ``what`` names the work where the program does several."""
        assert self._asked is not None
        assert self._said is not None
        self._asked.write(f"{what} {calls}\n".lstrip())
        self._asked.flush()
        nanoseconds, found = self._said.readline().split()
        return int(nanoseconds) / calls / 1e9, int(found)


def in_turn(work: Mapping[str, Work], inputs: int, rounds: int, *, sample: float = 0.03) -> dict[str, list[float]]:
    """Times of each, once in every round, in an order that changes; each does about ``sample`` seconds.

    :raises AssertionError: when they did not do the same.
    """
    sums = {name: one(inputs)[1] for name, one in work.items()}
    assert len(set(sums.values())) == 1, sums
    calls = {name: max(inputs, int(sample / one(inputs)[0]) // inputs * inputs) for name, one in work.items()}
    source, times = random.Random(1), {name: list[float]() for name in work}
    for _ in range(rounds):
        for name in source.sample(sorted(work), len(work)):
            times[name].append(work[name](calls[name])[0])
    return times
