"""The transition plan as a picture: one row per country and process, one colour per way of exchange, drawn as SVG."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from html import escape
from typing import Final

from eessi.release.ready import Answer, Plan

__all__ = ["plan_svg"]

_COLOURS: Final = {Answer.YES: "#1a7f4b", Answer.NO: "#b42318", Answer.UNKNOWN: "#8a6d00"}
_SIGNS: Final = {Answer.YES: "✓", Answer.NO: "✗", Answer.UNKNOWN: "?"}
_ROW: Final = 22
_LEFT: Final = 150
_CELL: Final = 86


def plan_svg(plans: Sequence[Plan]) -> str:
    """A picture of several days side by side; the words beside it say the same.

    :param plans: plans of the same rows on several days, in order.
    """
    if not plans:
        return ""
    rows = [(row.buc, row.institution or row.country) for row in plans[0].rows]
    width, height = _LEFT + _CELL * len(plans) + 10, _ROW * (len(rows) + 2)
    title = f"Transition plan: {len(rows)} rows on {len(plans)} days from {plans[0].on} to {plans[-1].on}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}" '
        f'width="{width}" height="{height}" font-family="system-ui, sans-serif" font-size="12">',
        f"<title>{escape(title)}</title>",
    ]
    for column, one in enumerate(plans):
        parts.append(f'<text x="{_LEFT + column * _CELL + 6}" y="16" fill="currentColor">{one.on}</text>')
        answers = {(row.buc, row.institution or row.country): row.answer for row in one.rows}
        for index, key in enumerate(rows):
            parts.append(_cell(column, index, answers.get(key, Answer.UNKNOWN)))
    for index, (buc, country) in enumerate(rows):
        parts.append(
            f'<text x="4" y="{_ROW * (index + 1) + 16}" fill="currentColor">{escape(buc)} {escape(country)}</text>'
        )
    return "".join([*parts, "</svg>"])


def _cell(column: int, index: int, answer: Answer) -> str:
    x, y = _LEFT + column * _CELL, _ROW * (index + 1)
    return (
        f'<rect x="{x}" y="{y + 2}" width="{_CELL - 4}" height="{_ROW - 4}" rx="3" fill="{_COLOURS[answer]}"/>'
        f'<text x="{x + 8}" y="{y + 16}" fill="#fff">{_SIGNS[answer]} {answer}</text>'
    )


def days_of(start: dt.date, months: int) -> list[dt.date]:
    """The first day, and the first of each of the following months."""
    days = [start]
    year, month = start.year, start.month
    for _ in range(months):
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
        days.append(dt.date(year, month, 1))
    return days
