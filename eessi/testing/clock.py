"""A clock that moves only when it is told to."""

from __future__ import annotations

import calendar
import datetime as dt

from eessi.errors import UsageError

__all__ = ["VirtualClock"]

_TICK = dt.timedelta(seconds=1)


class VirtualClock:
    """Time of a run. Calling it gives the time, so that it fits wherever a clock is an argument.

    :param start: an aware date and time; the run's first moment.
    """

    def __init__(self, start: dt.datetime) -> None:
        if start.tzinfo is None:
            raise UsageError("a clock needs a date and time with a time zone")
        self._now = start

    def __call__(self) -> dt.datetime:
        """The time now."""
        return self._now

    @property
    def today(self) -> dt.date:
        """The day now."""
        return self._now.date()

    def tick(self) -> dt.datetime:
        """One second later: what is done one after the other has different times."""
        self._now += _TICK
        return self._now

    def advance(self, by: dt.timedelta = dt.timedelta(), *, months: int = 0) -> None:
        """Let time pass. A month from the 31st ends on the last day of a shorter month.

        :raises UsageError: for time running backwards, or past the end of the calendar.
        """
        if by < dt.timedelta() or months < 0:
            raise UsageError("time does not run backwards")
        try:
            self._now = _plus_months(self._now, months) + by
        except (OverflowError, ValueError):
            raise UsageError("the calendar ends in the year 9999") from None

    def set(self, day: dt.date) -> None:
        """Move to nine o'clock of a later day; the same day stays as it is.

        :raises UsageError: when the day has passed.
        """
        if day < self.today:
            raise UsageError(f"it is already {self.today}; {day} has passed")
        if day > self.today:
            self._now = self._now.replace(year=day.year, month=day.month, day=day.day, hour=9, minute=0, second=0)


def _plus_months(moment: dt.datetime, months: int) -> dt.datetime:
    count = moment.year * 12 + moment.month - 1 + months
    year, month = divmod(count, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return moment.replace(year=year, month=month + 1, day=min(moment.day, last))
