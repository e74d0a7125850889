"""Pictures of a process drawn from its rows: its course, a sequence, and the map of processes that run inside others.

Each comes as Mermaid text and as SVG with a text alternative. A running case may be drawn in: what was exchanged, and
what may come next. No picture holds anything that the rows do not say.
"""

from __future__ import annotations

import html
from collections import deque
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from eessi.buc.definition import Buc, SendRow
from eessi.ids import CdmVersion, Role

if TYPE_CHECKING:
    from eessi.buc.case import Case

__all__ = [
    "describe",
    "map_mermaid",
    "map_svg",
    "sequence_mermaid",
    "sequence_svg",
    "state_mermaid",
    "state_svg",
]

_SHORT = {Role.CASE_OWNER: "owner", Role.COUNTERPARTY: "counterparty"}


class _Node(NamedTuple):
    key: str
    title: str
    line: str
    column: int


class _Edge(NamedTuple):
    start: str
    end: str
    reply: bool
    label: str


class _Course(NamedTuple):
    nodes: tuple[_Node, ...]
    edges: tuple[_Edge, ...]


def _main_rows(buc: Buc, version: str | CdmVersion) -> list[SendRow]:
    resolved, _ = buc.resolve(version)
    return [row for item in buc.rows if (row := item.at(resolved)) is not None and row.kind == "main"]


def _course(buc: Buc, version: str | CdmVersion) -> _Course:
    """The documents of the main flow by their distance from the start, and what opens what."""
    rows = _main_rows(buc, version)
    closing = [item for item in buc.included if item.block == "close"]
    edges: dict[tuple[str, str], _Edge] = {}
    for row in rows:
        for trigger in row.after:
            start = trigger.sed or "start"
            label = trigger.condition or ""
            edges.setdefault((start, row.sed), _Edge(start, row.sed, trigger.reply_to is not None, label))
    for item in closing:
        for trigger in item.after:
            label = f"{trigger.days} days later" if trigger.days is not None else trigger.condition or ""
            edges.setdefault((trigger.sed or "start", "X001"), _Edge(trigger.sed or "start", "X001", False, label))
    distance = _distances(edges)
    nodes = [_Node("start", "start", "", 0)]
    for row in rows:
        who = " or ".join(_SHORT[role] for role in row.by)
        nodes.append(_Node(row.sed, row.sed, who + ("" if row.once else ", any number"), distance.get(row.sed, 1)))
    if closing:
        who = " or ".join(_SHORT[role] for role in closing[0].by)
        nodes.append(_Node("X001", "X001", f"{who}, closes", max(node.column for node in nodes) + 1))
    return _Course(tuple(nodes), tuple(edges.values()))


def _distances(edges: Mapping[tuple[str, str], _Edge]) -> dict[str, int]:
    after: dict[str, list[str]] = {}
    for start, end in edges:
        after.setdefault(start, []).append(end)
    found = {"start": 0}
    queue = deque(["start"])
    while queue:
        here = queue.popleft()
        for there in after.get(here, ()):
            if there not in found:
                found[there] = found[here] + 1
                queue.append(there)
    return found


def _marks(case: Case | None, covered: Iterable[str]) -> dict[str, str]:
    """``done`` for what was exchanged or covered, ``open`` for what may come next."""
    marks = dict.fromkeys(map(str, covered), "done")
    if case is not None:
        marks |= {str(item.sed): "done" for item in case.documents.values() if item.is_valid}
        if case.documents:
            marks["start"] = "done"
        for move in case.allowed().yes:
            if move.sed is not None and marks.get(move.sed) != "done":
                marks[move.sed] = "open"
    return marks


def describe(buc: Buc, version: str | CdmVersion) -> str:
    """The course of a process in words: the text alternative of its picture."""
    course = _course(buc, version)
    after: dict[str, list[str]] = {}
    for edge in course.edges:
        word = "in answer to" if edge.reply else "after"
        start = "at the start" if edge.start == "start" else f"{word} {edge.start}"
        after.setdefault(edge.end, []).append(start + (f", when: {edge.label}" if edge.label else ""))
    parts = [f"{buc.code}, {buc.title}, {buc.participants}."]
    for node in course.nodes[1:]:
        parts.append(f"{node.title} ({node.line}): {'; '.join(after.get(node.key, ['nothing opens it']))}.")
    return " ".join(parts)


def state_mermaid(buc: Buc, version: str | CdmVersion, *, case: Case | None = None, covered: Iterable[str] = ()) -> str:
    """The course as a Mermaid flowchart: solid arrows are answers, dotted ones follow-ups."""
    course, marks = _course(buc, version), _marks(case, covered)
    lines = ["flowchart LR", f"  accTitle: {_plain(buc.code + ' ' + buc.title)}"]
    lines.append(f"  accDescr: {_plain(describe(buc, version))}")
    for node in course.nodes:
        if node.key == "start":
            lines.append('  start(("start"))')
        else:
            lines.append(f'  {node.key}["{node.title}<br/>{_plain(node.line)}"]')
    for edge in course.edges:
        arrow = "-->" if edge.reply or edge.start == "start" else "-.->"
        label = f'|"{_plain(edge.label)}"|' if edge.label else ""
        lines.append(f"  {edge.start} {arrow}{label} {edge.end}")
    known = {node.key for node in course.nodes}
    for name, style in (("done", "fill:#cfe8cf,stroke:#2e6b2e"), ("open", "fill:#fff3c4,stroke:#8a6d00")):
        marked = [key for key, mark in marks.items() if mark == name and key in known]
        if marked:
            lines += [f"  classDef {name} {style}", f"  class {','.join(marked)} {name}"]
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    return text.replace('"', "'").replace("\n", " ").replace(";", ",").replace("#", "")


def _steps(buc: Buc, version: str | CdmVersion, case: Case | None) -> list[tuple[str, str, str]]:
    """Sender, receiver and document, in order: of a case as it went, otherwise each document once as it opens."""
    if case is not None:
        roles = {item.key: item.role for item in case.participants}
        return [
            (str(roles[item.author]), str(roles[item.author].opposite), item.sed)
            for item in case.documents.values()
            if item.status != "new" and roles[item.author] in _SHORT
        ]
    order = {node.key: node.column for node in _course(buc, version).nodes}
    rows = sorted(_main_rows(buc, version), key=lambda row: order[row.sed])
    return [(str(row.by[0]), str(row.by[0].opposite), row.sed) for row in rows]


def sequence_mermaid(buc: Buc, version: str | CdmVersion, *, case: Case | None = None) -> str:
    """A sequence diagram in Mermaid: the documents of a case, or of the process in the order in which they open."""
    lines = ["sequenceDiagram", f"  accTitle: {_plain(buc.code + ' ' + buc.title)}"]
    lines.append(f"  accDescr: {_plain(_sequence_text(buc, version, case))}")
    lines += ["  participant CaseOwner", "  participant Counterparty"]
    for sender, receiver, sed in _steps(buc, version, case):
        lines.append(f"  {sender}->>{receiver}: {sed}")
    return "\n".join(lines) + "\n"


def _sequence_text(buc: Buc, version: str | CdmVersion, case: Case | None) -> str:
    steps = _steps(buc, version, case)
    told = ", ".join(f"{sed} from the {sender}" for sender, _, sed in steps)
    kind = "Documents of the case" if case is not None else "Documents in the order in which they open"
    return f"{buc.code}. {kind}: {told or 'none'}."


def map_mermaid(bucs: Iterable[Buc]) -> str:
    """Which processes run inside which: horizontal and administrative ones inside those of the sectors."""
    lines = [
        "flowchart LR",
        "  accTitle: Processes inside processes",
        f"  accDescr: {_plain(_map_text(bucs := tuple(bucs)))}",
    ]
    for buc in bucs:
        for inner in _inner(buc):
            arrow = "-.->" if inner.startswith("AD_") else "-->"
            lines.append(f"  {buc.code} {arrow} {inner.replace('/', '_')}[{inner}]")
    return "\n".join(lines) + "\n"


def _inner(buc: Buc) -> tuple[str, ...]:
    horizontal = dict.fromkeys(row.process for row in buc.rows if row.process is not None)
    blocks = dict.fromkeys(str(buc.blocks[item.block].process) for item in buc.included)
    return (*horizontal, *blocks)


def _map_text(bucs: Iterable[Buc]) -> str:
    return " ".join(f"{buc.code} runs {', '.join(_inner(buc))}." for buc in bucs if _inner(buc))


# ---- SVG -------------------------------------------------------------------------------------------------------------

_WIDTH, _HEIGHT, _GAP_X, _GAP_Y, _MARGIN = 130, 46, 110, 26, 16
_FILL = {"done": "#cfe8cf", "open": "#fff3c4", "": "#ffffff"}


def _svg(width: int, height: int, title: str, text: str, body: Iterable[str]) -> str:
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {width} {height}" width="{width}"'
            f' height="{height}" font-family="sans-serif" font-size="13">',
            f"<title>{html.escape(title)}</title>",
            f"<desc>{html.escape(text)}</desc>",
            '<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7"'
            ' orient="auto-start-reverse"><path d="M0,0 L8,4 L0,8 z" fill="#333"/></marker></defs>',
            *body,
            "</svg>",
        ]
    )


def state_svg(buc: Buc, version: str | CdmVersion, *, case: Case | None = None, covered: Iterable[str] = ()) -> str:
    """The course as SVG, with its description inside as text alternative."""
    course, marks = _course(buc, version), _marks(case, covered)
    places: dict[str, tuple[int, int]] = {}
    filled: dict[int, int] = {}
    for node in course.nodes:
        row = filled.get(node.column, 0)
        filled[node.column] = row + 1
        places[node.key] = (_MARGIN + node.column * (_WIDTH + _GAP_X), _MARGIN + row * (_HEIGHT + _GAP_Y))
    body = [_arrow(edge, places) for edge in course.edges]
    body += [_box(node, places[node.key], marks.get(node.key, "")) for node in course.nodes]
    width = max(x for x, _ in places.values()) + _WIDTH + _MARGIN
    height = max(y for _, y in places.values()) + _HEIGHT + _MARGIN
    return _svg(width, height, f"{buc.code} {buc.title}", describe(buc, version), body)


def _box(node: _Node, place: tuple[int, int], mark: str) -> str:
    x, y = place
    word = {"done": " (done)", "open": " (may come next)", "": ""}[mark]
    lines = [(node.title + word, 19), (node.line, 36)] if node.line else [(node.title + word, 28)]
    texts = "".join(
        f'<text x="{x + _WIDTH // 2}" y="{y + down}" text-anchor="middle">{html.escape(text)}</text>'
        for text, down in lines
    )
    border = 2 if mark else 1
    return (
        f'<rect x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="8" fill="{_FILL[mark]}" stroke="#333"'
        f' stroke-width="{border}"/>{texts}'
    )


def _arrow(edge: _Edge, places: Mapping[str, tuple[int, int]]) -> str:
    x1, y1 = places[edge.start]
    x2, y2 = places[edge.end]
    dash = "" if edge.reply or edge.start == "start" else ' stroke-dasharray="5 4"'
    style = f'fill="none" stroke="#333"{dash} marker-end="url(#arrow)"'
    if x2 > x1:
        start, end, bend = (x1 + _WIDTH, y1 + _HEIGHT // 2), (x2, y2 + _HEIGHT // 2), _GAP_X // 2
        path = f"M{start[0]},{start[1]} C{start[0] + bend},{start[1]} {end[0] - bend},{end[1]} {end[0]},{end[1]}"
    else:  # back, or to itself: below the boxes
        low = max(y1, y2) + _HEIGHT + _GAP_Y // 2
        path = f"M{x1 + _WIDTH * 2 // 3},{y1 + _HEIGHT} Q{(x1 + x2 + _WIDTH) // 2},{low + 12} {x2 + _WIDTH // 3},{y2 + _HEIGHT}"
    label = f"<title>{html.escape(edge.label)}</title>" if edge.label else ""
    return f'<path d="{path}" {style}>{label}</path>'


def sequence_svg(buc: Buc, version: str | CdmVersion, *, case: Case | None = None) -> str:
    """A sequence diagram as SVG, with its description inside as text alternative."""
    columns = {"CaseOwner": 120, "Counterparty": 480}
    steps = _steps(buc, version, case)
    height = 90 + 34 * max(len(steps), 1)
    body = []
    for name, x in columns.items():
        body.append(f'<text x="{x}" y="28" text-anchor="middle" font-weight="bold">{name}</text>')
        body.append(f'<line x1="{x}" y1="40" x2="{x}" y2="{height - 20}" stroke="#888"/>')
    for number, (sender, receiver, sed) in enumerate(steps):
        y = 70 + 34 * number
        x1, x2 = columns[sender], columns[receiver]
        body.append(f'<line x1="{x1}" y1="{y}" x2="{x2}" y2="{y}" stroke="#333" marker-end="url(#arrow)"/>')
        body.append(f'<text x="{(x1 + x2) // 2}" y="{y - 6}" text-anchor="middle">{html.escape(sed)}</text>')
    return _svg(600, height, f"{buc.code} {buc.title}", _sequence_text(buc, version, case), body)


def map_svg(bucs: Iterable[Buc]) -> str:
    """The map of processes as SVG: those that contain others on the left, the contained ones on the right."""
    outer = [buc for buc in bucs if _inner(buc)]
    inner = sorted({name for buc in outer for name in _inner(buc)})
    step = 24
    height = 2 * _MARGIN + step * max(len(outer), len(inner), 1)
    left = {str(buc.code): _MARGIN + step * (number + 1) for number, buc in enumerate(outer)}
    right = {name: _MARGIN + step * (number + 1) for number, name in enumerate(inner)}
    body = [f'<text x="10" y="{y}">{html.escape(code)}</text>' for code, y in left.items()]
    body += [f'<text x="560" y="{y}">{html.escape(name)}</text>' for name, y in right.items()]
    for buc in outer:
        for name in _inner(buc):
            dash = ' stroke-dasharray="3 3"' if name.startswith("AD_") else ""
            y1, y2 = left[str(buc.code)] - 4, right[name] - 4
            body.append(f'<line x1="130" y1="{y1}" x2="550" y2="{y2}" stroke="#666"{dash}/>')
    return _svg(720, height, "Processes inside processes", _map_text(outer), body)
