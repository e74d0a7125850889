"""A day on the command line."""

from __future__ import annotations

import datetime as dt

import click

__all__ = ["Day"]


class Day(click.ParamType[dt.date]):
    """A day, ``2026-01-31``."""

    name = "date"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> dt.date:
        """Read the day."""
        try:
            return value if isinstance(value, dt.date) else dt.date.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is not a date; write it like 2026-01-31", param, ctx)
