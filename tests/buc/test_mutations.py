"""Of a hundred seeded defects in the rows at least 95 are noticed by checker and tests, row comparison left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.buc import mutations


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 2])
def test_defects_are_noticed(seed: int, shared: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert shared == mutations.CATALOGUE.parents[1]
    assert mutations.main(100, seed) <= 5, capsys.readouterr().out[-3000:]


def test_defects_are_defects() -> None:
    """Each changes its process, and the same seed makes the same ones."""
    made = [(code, text) for code, text, _ in mutations.defects(21, 7)]
    assert len(made) == 21
    assert made == [(code, text) for code, text, _ in mutations.defects(21, 7)]
    assert len({text.partition(":")[0] for _, text in made}) >= len(mutations.MUTATIONS) - 2
