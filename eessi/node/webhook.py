"""Signals to a national workflow system over HTTP: CloudEvents, signed, retried, each at least once and never out of order.

The signature follows the form of Standard Webhooks: an HMAC-SHA-256 over id, moment and body, in the header
``webhook-signature``. The receiver tells a repeat by the id.
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Final, Protocol

import attrs

from eessi.ids import InstitutionId
from eessi.node.signals import as_cloud_event
from eessi.stores import DEFAULT_TENANT, Store
from eessi.stores.cases import CaseRows

__all__ = ["Post", "Webhook", "signature_of", "verify_signature"]

_PAUSES: Final = (1, 5, 30, 120, 600, 3600)
"""Seconds between tries; the last one repeats for ever, since a signal is never dropped."""

_TOLERANCE: Final = dt.timedelta(minutes=5)


class Post(Protocol):
    """Sends a body to an address and returns the HTTP status; raises :class:`~eessi.errors.TransportError` for no answer."""

    def __call__(self, url: str, headers: Mapping[str, str], body: bytes) -> int: ...


def signature_of(secret: bytes, id: str, at: dt.datetime, body: bytes) -> str:
    """The signature of one delivery."""
    signed = b".".join((id.encode(), str(int(at.timestamp())).encode(), body))
    return "v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()


def verify_signature(secret: bytes, headers: Mapping[str, str], body: bytes, now: dt.datetime) -> bool:
    """Whether a delivery is genuine and not older than five minutes; for the receiving side."""
    try:
        at = dt.datetime.fromtimestamp(int(headers["webhook-timestamp"]), dt.UTC)
        wanted = signature_of(secret, headers["webhook-id"], at, body)
        return hmac.compare_digest(wanted, headers["webhook-signature"]) and abs(now - at) <= _TOLERANCE
    except (KeyError, ValueError, OverflowError):
        return False


@attrs.define(slots=True)
class Webhook:
    """Delivers the signals of one tenant to one address, in order.

    :param after: number of the last signal delivered; keep it beside the receiver, or start at 0 and let it tell repeats.
    """

    store: Store
    me: InstitutionId
    url: str
    secret: bytes = attrs.field(repr=False)
    post: Post
    tenant: str = DEFAULT_TENANT
    after: int = 0
    _tries: int = 0
    _next: dt.datetime | None = None

    def step(self, now: dt.datetime) -> bool:
        """Deliver the next signal; false when there is none or its next try is not due."""
        if self._next is not None and now < self._next:
            return False
        with self.store.read(self.tenant) as unit:
            row = next(CaseRows(unit).signals(after=self.after), None)
        if row is None:
            return False
        event = as_cloud_event(row, self.me, self.tenant)
        body = json.dumps(event, ensure_ascii=False, sort_keys=True).encode()
        id = str(event["id"])
        headers = {
            "content-type": "application/cloudevents+json; charset=utf-8",
            "webhook-id": id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": signature_of(self.secret, id, now, body),
        }
        if self._delivered(headers, body):
            self.after, self._tries, self._next = row.no, 0, None
            return True
        self._next = now + dt.timedelta(seconds=_PAUSES[min(self._tries, len(_PAUSES) - 1)])
        self._tries += 1
        return False

    def _delivered(self, headers: Mapping[str, str], body: bytes) -> bool:
        from eessi.errors import TransportError

        try:
            return 200 <= self.post(self.url, headers, body) < 300
        except TransportError:
            return False
