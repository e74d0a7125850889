"""A row goes when its only source is withdrawn, and stays when another tells it as well."""

from __future__ import annotations

import attrs
import pytest

import eessi
from eessi.buc import comparing
from eessi.buc.withdrawing import without

CODES = [code for code in eessi.buc.loading.codes() if not code.startswith("AD_")]


@pytest.mark.parametrize("code", CODES)
def test_what_rests_on_a_source_alone_goes_and_nothing_else(code: str) -> None:
    whole = eessi.buc(code)
    for source in whole.sources:
        left = without(whole, source)
        told = [*left.rows, *left.effects, *left.practices, *(item for row in left.rows for item in row.after)]
        assert all(item.source != source for item in told)
        kept = {row.sed for row in whole.rows if row.source.partition(";")[0] != source}
        alone = {row.sed for row in whole.rows if row.after and all(item.source == source for item in row.after)}
        assert {row.sed for row in left.rows} == kept - alone


def test_national_practice_is_withdrawn_with_its_source_and_the_rule_stays() -> None:
    whole = eessi.buc("LA_BUC_01")
    left = without(whole, "melosys")
    assert [item.source for item in whole.practices] == ["melosys"]
    assert left.practices == ()
    assert left.rows == whole.rows
    assert left.effects == whole.effects


def test_a_row_with_a_second_source_stays() -> None:
    whole = eessi.buc("LA_BUC_01")
    doubled = attrs.evolve(
        whole, rows=tuple(attrs.evolve(row, source="dmt, euxweb; seen in both") for row in whole.rows)
    )
    assert without(doubled, "dmt").rows == doubled.rows
    assert without(doubled, "euxweb").rows == doubled.rows


def test_what_is_lost_can_be_compared() -> None:
    whole = eessi.buc("S_BUC_18a")
    for source in whole.sources:
        lost = comparing.compare(whole, without(whole, source), "4.3", "4.3")
        assert bool(lost) is (
            without(whole, source).rows != whole.rows or without(whole, source).effects != whole.effects
        )
