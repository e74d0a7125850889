"""A definition without one of its sources: what rests on that source alone goes with it."""

from __future__ import annotations

import attrs

from eessi.buc.definition import Buc, SendRow

__all__ = ["without"]


def without(buc: Buc, source: str) -> Buc:
    """The process as the other sources tell it.

    Rows, triggers, effects and practices that name ``source`` alone are left out; what another source tells as well stays. A
    row that nothing opens any more goes too. ``eessi.buc.comparing.compare(buc, without(buc, source))`` lists what is lost, and
    :func:`eessi.buc.checking.check` says whether the rest still hangs together. Administrative blocks are shared by all
    processes and stay.

    :param source: an id of :func:`eessi.buc.loading.sources`, such as ``melosys``.
    """
    rows = [_row_without(row, source) for row in buc.rows if not _rests_on(row.source, source)]
    included = (
        attrs.evolve(item, after=tuple(after for after in item.after if not _rests_on(after.source, source)))
        for item in buc.included
    )
    return attrs.evolve(
        buc,
        rows=tuple(row for row in rows if row.after),
        effects=tuple(effect for effect in buc.effects if not _rests_on(effect.source, source)),
        included=tuple(included),
        practices=tuple(item for item in buc.practices if not _rests_on(item.source, source)),
        sources=tuple(name for name in buc.sources if name != source),
    )


def _row_without(row: SendRow, source: str) -> SendRow:
    after = tuple(item for item in row.after if not _rests_on(item.source, source))
    return attrs.evolve(row, after=after)


def _rests_on(told: str | None, source: str) -> bool:
    """Whether a source column names this source and no other; a remark may follow after a semicolon."""
    names = [name.strip() for name in (told or "").partition(";")[0].split(",")]
    return names == [source]
