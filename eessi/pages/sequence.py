"""Sequence diagrams as SVG: who sent what to whom, when, and what the checks said.

Drawn as plain text with the page's own colours (CSS variables), readable without colour, printable, and with the same
content in words for those who cannot see it.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from html import escape

import attrs

__all__ = ["Arrow", "Gap", "Lane", "Mark", "Note", "Row", "Stop", "draw", "in_words"]

TONES = ("good", "bad", "open", "plain")
"""What a mark means, beside its words: proved, refused, could not be checked, neither."""


@attrs.frozen(slots=True)
class Lane:
    """One participant: a short name, and what stands below it."""

    name: str
    below: tuple[str, ...] = ()


@attrs.frozen(slots=True)
class Mark:
    """A few words at one end of an arrow, with a tone of :data:`TONES`."""

    text: str
    tone: str = "plain"


@attrs.frozen(slots=True)
class Arrow:
    """A message that arrived. ``link`` is the fragment of the page that tells more."""

    sender: str
    receiver: str
    label: str
    detail: str = ""
    number: str = ""
    link: str = ""
    at_sender: Mark | None = None
    at_receiver: Mark | None = None
    tone: str = "plain"
    ends: tuple[str, ...] = ()
    """Participants whose case this message ends."""


@attrs.frozen(slots=True)
class Stop:
    """A message that never left, or did not arrive: the arrow ends at a bar."""

    sender: str
    receiver: str
    label: str
    reason: str
    number: str = ""
    link: str = ""
    far: bool = False


@attrs.frozen(slots=True)
class Gap:
    """Time that passes."""

    text: str


@attrs.frozen(slots=True)
class Note:
    """Something that happens at one participant only."""

    lane: str
    text: str
    number: str = ""
    link: str = ""
    tone: str = "plain"
    ends: bool = False
    """Whether the participant's case ends here."""


Row = Arrow | Stop | Gap | Note

_WIDTH = 920
_MARGIN = 130
_TOP = 84
_HEIGHTS = {Arrow: 104, Stop: 104, Gap: 56, Note: 56}


def in_words(rows: Sequence[Row]) -> list[str]:
    """The same content as sentences, one per row."""
    return [_sentence(row) for row in rows]


def _sentence(row: Row) -> str:
    match row:
        case Arrow():
            checks = [
                f"{name}: {mark.text}"
                for name, mark in ((row.sender, row.at_sender), (row.receiver, row.at_receiver))
                if mark is not None
            ]
            tail = f" ({'; '.join(checks)})" if checks else ""
            tail += f"; it ends the case of {' and '.join(row.ends)}" if row.ends else ""
            return f"{row.sender} sends {row.label} to {row.receiver}{tail}."
        case Stop():
            how = "but it does not arrive" if row.far else "but it never leaves"
            return f"{row.sender} wants to send {row.label} to {row.receiver}, {how}: {row.reason}."
        case Gap():
            return f"{row.text}."
        case Note():
            return f"{row.lane}: {row.text}."


def draw(lanes: Sequence[Lane], rows: Sequence[Row], *, title: str, id: str = "sequence") -> str:
    """The diagram as an ``<svg>`` element.

    :param id: prefix of the ids inside, unique in the page.
    """
    return _Drawing(lanes, rows, title, id).text()


class _Drawing:
    def __init__(self, lanes: Sequence[Lane], rows: Sequence[Row], title: str, id: str) -> None:
        self.lanes = lanes
        self.rows = rows
        self.title = title
        self.id = id
        span = (_WIDTH - 2 * _MARGIN) / max(1, len(lanes) - 1)
        self.x = {lane.name: _MARGIN + span * place for place, lane in enumerate(lanes)}
        self.height = _TOP + 6 + sum(_HEIGHTS[type(row)] for row in rows) + 24
        self.parts: list[str] = []

    def text(self) -> str:
        body, y = [], _TOP + 6.0
        first: dict[str, float] = {}
        last: dict[str, float] = {}
        for row in self.rows:
            height = _HEIGHTS[type(row)]
            body.append(self._row(row, y, height))
            middle = y + height / 2
            for name in self._touched(row):
                first.setdefault(name, middle - 10)
            if isinstance(row, Note) and row.ends:
                last[row.lane] = middle
            for name in row.ends if isinstance(row, Arrow) else ():
                last[name] = middle + 34
            y += height
        lanes = "".join(self._lane(lane, first.get(lane.name), last.get(lane.name)) for lane in self.lanes)
        words = escape(" ".join(in_words(self.rows)))
        # a picture may hold no links (ARIA: children of "img" are presentational); a group may
        role = "group" if any(getattr(row, "link", "") for row in self.rows) else "img"
        return (
            f'<svg class="sequence" viewBox="0 0 {_WIDTH} {self.height:.0f}" role="{role}" '
            f'aria-labelledby="{self.id}-title {self.id}-desc" xmlns="http://www.w3.org/2000/svg">'
            f'<title id="{self.id}-title">{escape(self.title)}</title><desc id="{self.id}-desc">{words}</desc>'
            f"{lanes}{''.join(body)}</svg>"
        )

    @staticmethod
    def _touched(row: Row) -> tuple[str, ...]:
        match row:
            case Arrow():
                return (row.sender, row.receiver)
            case Note():
                return (row.lane,)
            case _:
                return ()

    def _lane(self, lane: Lane, first: float | None, last: float | None) -> str:
        x = self.x[lane.name]
        below = "".join(
            f'<text x="{x:.0f}" y="{50 + 16 * place}" class="seq-small">{escape(_cut(line, 40))}</text>'
            for place, line in enumerate(lane.below)
        )
        end = self.height - 12
        bar = ""
        if first is not None:
            until = last if last is not None else end
            bar = _end(x, until) if last is not None else ""
            bar += f'<rect x="{x - 5:.0f}" y="{first:.0f}" width="10" height="{until - first:.0f}" rx="5" class="seq-open"/>'
        return (
            f'<text x="{x:.0f}" y="30" class="seq-name">{escape(lane.name)}</text>{below}'
            f'<line x1="{x:.0f}" y1="{_TOP}" x2="{x:.0f}" y2="{end:.0f}" class="seq-line"/>{bar}'
        )

    def _row(self, row: Row, y: float, height: float) -> str:
        match row:
            case Arrow():
                return self._arrow(row, y + height / 2)
            case Stop():
                return self._stop(row, y + height / 2)
            case Gap():
                return self._gap(row, y + height / 2)
            case Note():
                return self._note(row, y + height / 2)

    def _arrow(self, row: Arrow, y: float) -> str:
        start, end = self.x[row.sender], self.x[row.receiver]
        way = 1 if end > start else -1
        tip = end - way * 8
        marks = ""
        for mark, x, anchor in (
            (row.at_sender, start + way * 16, "start" if way > 0 else "end"),
            (row.at_receiver, end - way * 16, "end" if way > 0 else "start"),
        ):
            if mark is not None:
                marks += _mark(mark, x, y + 24, anchor)
        middle = (start + end) / 2
        head = f"M{tip:.0f},{y:.0f} l{-way * 11},-6 v12 z"
        label = _label(row.label, row.detail, middle, y)
        line = (
            f'<line x1="{start + way * 8:.0f}" y1="{y:.0f}" x2="{tip - way * 8:.0f}" y2="{y:.0f}" '
            f'class="seq-arrow seq-{row.tone}"/><path d="{head}" class="seq-head seq-{row.tone}"/>'
        )
        return self._linked(row.link, row.number, line + label + marks, start, y)

    def _stop(self, row: Stop, y: float) -> str:
        start, end = self.x[row.sender], self.x[row.receiver]
        way = 1 if end > start else -1
        bar = end - way * 60 if row.far else start + way * 110
        line = (
            f'<line x1="{start + way * 8:.0f}" y1="{y:.0f}" x2="{bar - way * 8:.0f}" y2="{y:.0f}" class="seq-arrow seq-bad"/>'
            f'<path d="M{bar - 8:.0f},{y - 8:.0f} l16,16 m0,-16 l-16,16" class="seq-cross"/>'
        )
        anchor = "start" if way > 0 else "end"
        x = bar + way * 22
        lines = _lines(row.reason, 66, 3)
        reason = "".join(
            f'<text x="{x:.0f}" y="{y + 12 + 16 * place:.0f}" text-anchor="{anchor}" class="seq-mark seq-text-bad">{escape(line)}</text>'
            for place, line in enumerate(lines)
        )
        label = f'<text x="{x:.0f}" y="{y - 6:.0f}" text-anchor="{anchor}" class="seq-label">{escape(_cut(row.label, 64))}</text>'
        if row.far:
            middle = (start + bar) / 2
            label = _label(row.label, "", middle, y)
            reason = "".join(
                f'<text x="{middle:.0f}" y="{y + 20 + 16 * place:.0f}" text-anchor="middle" class="seq-mark seq-text-bad">{escape(line)}</text>'
                for place, line in enumerate(lines)
            )
        return self._linked(row.link, row.number, line + label + reason, start, y)

    def _gap(self, row: Gap, y: float) -> str:
        width = 7.2 * len(row.text) + 36
        middle = _WIDTH / 2
        return (
            f'<line x1="{_MARGIN}" y1="{y:.0f}" x2="{_WIDTH - _MARGIN}" y2="{y:.0f}" class="seq-gap"/>'
            f'<rect x="{middle - width / 2:.0f}" y="{y - 13:.0f}" width="{width:.0f}" height="26" rx="13" class="seq-pill"/>'
            f'<text x="{middle:.0f}" y="{y + 5:.0f}" text-anchor="middle" class="seq-detail">{escape(row.text)}</text>'
        )

    def _note(self, row: Note, y: float) -> str:
        x = self.x[row.lane]
        left = x <= _WIDTH / 2
        anchor, at = ("start", x + 24) if left else ("end", x - 24)
        text = f'<text x="{at:.0f}" y="{y + 5:.0f}" text-anchor="{anchor}" class="seq-mark seq-text-{row.tone}">{escape(_cut(row.text, 90))}</text>'
        return self._linked(row.link, row.number, text, x, y)

    def _linked(self, link: str, number: str, content: str, x: float, y: float) -> str:
        if not number:
            return content
        side = -30 if x <= _WIDTH / 2 else 30
        badge = (
            f'<circle cx="{x + side:.0f}" cy="{y:.0f}" r="13" class="seq-badge"/>'
            f'<text x="{x + side:.0f}" y="{y + 4.5:.0f}" text-anchor="middle" class="seq-number">{escape(number)}</text>'
        )
        if not link:
            return badge + content
        return f'<a href="#{escape(link)}" aria-label="step {escape(number)}">{badge}{content}</a>'


def _label(label: str, detail: str, x: float, y: float) -> str:
    text = f'<text x="{x:.0f}" y="{y - (26 if detail else 10):.0f}" text-anchor="middle" class="seq-label">{escape(label)}</text>'
    if detail:
        text += f'<text x="{x:.0f}" y="{y - 9:.0f}" text-anchor="middle" class="seq-detail">{escape(_cut(detail, 76))}</text>'
    return text


def _end(x: float, y: float) -> str:
    return f'<line x1="{x - 12:.0f}" y1="{y:.0f}" x2="{x + 12:.0f}" y2="{y:.0f}" class="seq-end"/>'


def _mark(mark: Mark, x: float, y: float, anchor: str) -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" class="seq-mark seq-text-{mark.tone}">{escape(mark.text)}</text>'


def _lines(text: str, width: int, count: int) -> list[str]:
    lines = textwrap.wrap(text.replace("`", ""), width)
    return lines if len(lines) <= count else [*lines[: count - 1], _cut(f"{lines[count - 1]} …", width)]


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"
