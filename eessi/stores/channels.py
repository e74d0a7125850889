"""When each channel of the access point last gave a good answer, for all workers that pull it; a table, no rules."""

from __future__ import annotations

from typing import Final, cast

import sqlalchemy as sa
from sqlalchemy import Column, MetaData, String, Table

from eessi.stores.store import Unit

__all__ = ["METADATA", "ChannelRows"]

METADATA: Final = MetaData()

CHANNEL: Final = Table(
    "pull_channel",
    METADATA,
    Column("tenant", String(64), primary_key=True),
    Column("channel", String(255), primary_key=True),
    Column("answered_at", String(40), nullable=False),
)


class ChannelRows:
    """The table inside one unit of work."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit

    def answered(self) -> dict[str, str]:
        """Channel to the moment of its last good answer; of its first question where none came yet."""
        rows = self._unit.execute(self._unit.own(CHANNEL)).mappings()
        return {cast(str, row["channel"]): cast(str, row["answered_at"]) for row in rows}

    def note(self, channel: str, at: str) -> None:
        """Write down a good answer; an earlier moment than the known one changes nothing."""
        self._unit.lock("channels")
        where = (CHANNEL.c.tenant == self._unit.tenant, CHANNEL.c.channel == channel)
        known = cast("str | None", self._unit.execute(sa.select(CHANNEL.c.answered_at).where(*where)).scalar())
        if known is None:
            self._unit.insert(CHANNEL, [{"channel": channel, "answered_at": at}])
        elif known < at:
            self._unit.execute(sa.update(CHANNEL).where(*where).values(answered_at=at))
