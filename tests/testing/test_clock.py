"""The clock of a run moves forward, only on demand, and by the calendar."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eessi.errors import UsageError
from eessi.testing.clock import VirtualClock

START = dt.datetime(2026, 1, 31, 9, 30, tzinfo=dt.UTC)


def test_it_stands_still_until_moved() -> None:
    clock = VirtualClock(START)
    assert clock() == clock() == START
    assert clock.tick() == START + dt.timedelta(seconds=1)


def test_months_end_where_the_month_ends() -> None:
    clock = VirtualClock(START)
    clock.advance(months=1)
    assert clock.today == dt.date(2026, 2, 28)
    clock.advance(months=24)
    assert clock.today == dt.date(2028, 2, 28)


def test_a_day_is_reached_in_the_morning_and_never_left_backwards() -> None:
    clock = VirtualClock(START)
    clock.set(dt.date(2026, 1, 31))
    assert clock() == START
    clock.set(dt.date(2026, 3, 1))
    assert clock() == dt.datetime(2026, 3, 1, 9, tzinfo=dt.UTC)
    with pytest.raises(UsageError, match="2026-02-01 has passed"):
        clock.set(dt.date(2026, 2, 1))
    with pytest.raises(UsageError, match="backwards"):
        clock.advance(dt.timedelta(days=-1))


def test_the_end_of_the_calendar_and_a_clock_without_zone() -> None:
    clock = VirtualClock(START)
    with pytest.raises(UsageError, match="9999"):
        clock.advance(months=12 * 9000)
    with pytest.raises(UsageError, match="9999"):
        clock.advance(dt.timedelta(days=999_999 * 9))
    with pytest.raises(UsageError, match="time zone"):
        VirtualClock(dt.datetime(2026, 1, 1))


@given(
    st.lists(st.one_of(st.timedeltas(min_value=dt.timedelta(), max_value=dt.timedelta(days=400)), st.integers(0, 30)))
)
def test_it_never_goes_back(moves: list[dt.timedelta | int]) -> None:
    clock = VirtualClock(START)
    for move in moves:
        before = clock()
        if isinstance(move, int):
            clock.advance(months=move)
        else:
            clock.advance(move)
        assert clock() >= before
