"""The node for programs that run on asyncio: the same core, each call in a thread, so that the event loop never waits.

::

    node = AsyncNode(plain)
    sent = await node.send(case_id, sed)
    async for received in node.receive():
        ...
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import ParamSpec, TypeVar

from eessi.buc import Case, Moves, WhyNot
from eessi.ids import CaseId, CdmVersion
from eessi.node.intake import Content
from eessi.node.node import Node
from eessi.node.outgoing import Sent
from eessi.node.signals import Received
from eessi.sed import Attachment, Message, Sed
from eessi.stores import Unit
from eessi.stores.cases import CaseRow, HeldRow

__all__ = ["AsyncNode"]

_Given = ParamSpec("_Given")
_Found = TypeVar("_Found")


class AsyncNode:
    """A node whose calls are awaited. What a call does, returns and raises is said at :class:`eessi.node.Node`.

    A call that is cancelled while its thread runs is carried out all the same: it is one transaction and cannot be left
    half done.

    :param node: the node behind it; both may be used at the same time.
    """

    def __init__(self, node: Node) -> None:
        self.node = node

    async def _run(self, call: Callable[_Given, _Found], *args: _Given.args, **kwargs: _Given.kwargs) -> _Found:
        return await asyncio.to_thread(call, *args, **kwargs)

    async def start(
        self,
        process: str,
        receivers: Sequence[str],
        *,
        version: str | CdmVersion,
        national_number: str | None = None,
    ) -> CaseId:
        """Open a case as its owner."""
        return await self._run(self.node.start, process, receivers, version=version, national_number=national_number)

    async def case(self, case_id: str) -> Case:
        """A case as it stands now."""
        return await self._run(self.node.case, case_id)

    async def revision(self, case_id: str) -> int:
        """Number of the last event of a case."""
        return await self._run(self.node.revision, case_id)

    async def allowed(self, case_id: str, facts: Mapping[str, bool] | None = None) -> Moves:
        """What may be done in a case today."""
        return await self._run(self.node.allowed, case_id, facts)

    async def why_not(self, case_id: str, sed: str, facts: Mapping[str, bool] | None = None) -> WhyNot | None:
        """Why a SED may not be sent today; ``None`` when it may."""
        return await self._run(self.node.why_not, case_id, sed, facts)

    async def find(
        self,
        *,
        pin: str | None = None,
        country: str | None = None,
        partner: str | None = None,
        process: str | None = None,
        state: str | None = None,
        national_number: str | None = None,
        due_before: dt.date | None = None,
        opened: tuple[dt.date | None, dt.date | None] = (None, None),
        changed: tuple[dt.date | None, dt.date | None] = (None, None),
        limit: int = 1000,
    ) -> tuple[CaseRow, ...]:
        """Heads of the cases that fit everything asked for."""
        return await self._run(
            self.node.find, pin=pin, country=country, partner=partner, process=process, state=state,
            national_number=national_number, due_before=due_before, opened=opened, changed=changed, limit=limit,
        )  # fmt: skip

    async def send(
        self,
        case_id: str,
        sed: Sed,
        *,
        parent_id: str | None = None,
        document_id: str | None = None,
        receivers: Sequence[str] | None = None,
        attachments: Sequence[Attachment] = (),
        content: Content | None = None,
        protected: bool = False,
        seen: int | None = None,
    ) -> Sent:
        """Send a document in a case."""
        return await self._run(
            self.node.send, case_id, sed, parent_id=parent_id, document_id=document_id, receivers=receivers,
            attachments=attachments, content=content, protected=protected, seen=seen,
        )  # fmt: skip

    async def close(self, case_id: str) -> Case:
        """Close our own copy of a case."""
        return await self._run(self.node.close, case_id)

    async def reopen(self, case_id: str) -> Case:
        """Reopen our own copy of a case."""
        return await self._run(self.node.reopen, case_id)

    async def archive(self, case_id: str) -> Case:
        """Archive our own copy of a closed case."""
        return await self._run(self.node.archive, case_id)

    async def document(
        self, case_id: str, document_id: str, *, who: str, version: int | None = None, right: bool = False
    ) -> Message:
        """A document of a case; the reading is written down."""
        return await self._run(self.node.document, case_id, document_id, who=who, version=version, right=right)

    async def held(self) -> tuple[HeldRow, ...]:
        """Messages that could not be applied, with their reasons."""
        return await self._run(self.node.held)

    async def retry(self, message_id: str) -> bool:
        """Try a held message again; whether it was applied."""
        return await self._run(self.node.retry, message_id)

    async def step(self) -> bool:
        """Send, pull, time out or apply one thing; false when there was nothing to do."""
        return await self._run(self.node.step)

    async def receive(
        self, handler: Callable[[Unit, Received], None] | None = None, *, pause: float | None = None
    ) -> AsyncIterator[Received]:
        """Documents that came in and that the application has not taken yet, oldest first.

        As with :meth:`Node.receive`, a document counts as taken when the next one is asked for: a consumer that breaks off
        or is cancelled gets it again.

        :param handler: called in a thread, inside the unit of work that marks the document as taken.
        :param pause: seconds between two looks when nothing waits; without it the iteration ends there.
        """
        while True:
            waiting = self.node.receive(handler)
            while (received := await self._run(next, waiting, None)) is not None:
                yield received
            if pause is None:
                return
            await asyncio.sleep(pause)
