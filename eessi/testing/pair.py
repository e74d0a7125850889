"""Two cases side by side for tests of code that drives one: the owner and a counterparty, in step with each other."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import attrs

from eessi.buc import Case, Event, buc
from eessi.errors import UsageError
from eessi.ids import InstitutionId, Role

__all__ = ["BucPair"]

_OWNER, _OTHER = InstitutionId("FR:TEST0001"), InstitutionId("BE:TEST0001")


@attrs.define(slots=True, eq=False)
class BucPair:
    """Both copies of one case. ``send`` lets one side send and the other receive; a refusal changes neither.

    ::

        pair = BucPair.of("LA_BUC_01", "4.3")
        pair.send("CaseOwner", "A001")
        pair.counterparty.why_not("A002")
    """

    owner: Case
    counterparty: Case
    now: dt.datetime = dt.datetime(2026, 1, 15, 9, tzinfo=dt.UTC)

    @classmethod
    def of(cls, code: str, version: str) -> BucPair:
        """An empty case of a process.

        :raises UnknownCode: for an unknown process.
        """
        definition = buc(code)
        return cls(
            definition.start(Role.CASE_OWNER, version, me=_OWNER, counterparties=(_OTHER,)),
            definition.start(Role.COUNTERPARTY, version, me=_OTHER),
        )

    def send(
        self,
        role: Role | str,
        sed: str,
        *,
        reply_to: str | None = None,
        facts: Mapping[str, bool] | None = None,
        document_id: str | None = None,
    ) -> str:
        """One side sends a document, the other receives it; its id is returned.

        :param reply_to: id of the document it answers; not needed where only one fits.
        :raises NotAllowed: when the sender's process does not allow it.
        :raises PeerViolation: when the receiver's process does not.
        """
        sender = Role.parse(str(role))
        own = self._of(sender)
        name = document_id or f"{sed}-{len(own.documents) + 1}"
        event = Event("sent", sed=sed, document_id=name, parent_id=reply_to, at=self.now, facts=facts or {})
        after = own.apply(event)
        other = self._of(sender.opposite).apply(attrs.evolve(event, kind="received", sender=own.me))
        if sender is Role.CASE_OWNER:
            self.owner, self.counterparty = after, other
        else:
            self.owner, self.counterparty = other, after
        self.now += dt.timedelta(seconds=1)
        return name

    def _of(self, role: Role) -> Case:
        if role not in (Role.CASE_OWNER, Role.COUNTERPARTY):
            raise UsageError(f"a pair has a CaseOwner and a Counterparty, no {role}")
        return self.owner if role is Role.CASE_OWNER else self.counterparty
