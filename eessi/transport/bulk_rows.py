"""Large bodies in the store: written in pieces in the unit of work of their row, read back piece by piece."""

from __future__ import annotations

import attrs

from eessi.octets import LARGE, Bulk, Octets
from eessi.stores import Store
from eessi.stores.mail import MailRows

__all__ = ["body_of", "keep", "row_body"]


@attrs.frozen(slots=True, eq=False)
class _Rows:
    store: Store
    tenant: str
    box: str
    message_id: str

    def read(self, at: int, size: int) -> bytes:
        with self.store.read(self.tenant) as unit:
            return MailRows(unit).bulk(self.box, self.message_id, at)[:size]


def row_body(body: Octets) -> bytes:
    """What stands in the row itself: the body, or nothing when it is kept in pieces."""
    return b"" if isinstance(body, Bulk) and len(body) >= LARGE else bytes(body)


def keep(rows: MailRows, box: str, message_id: str, body: Octets) -> None:
    """Add the pieces of a large body, in the unit of work that adds its row."""
    if not row_body(body) and isinstance(body, Bulk):
        rows.add_bulk(box, message_id, body.pieces())


def body_of(rows: MailRows, store: Store, tenant: str, box: str, message_id: str, body: bytes) -> Octets:
    """The body of a row, which stands in it or in pieces beside it."""
    length = 0 if body else rows.bulk_length(box, message_id)
    return Bulk(_Rows(store, tenant, box, message_id), 0, length) if length else body
