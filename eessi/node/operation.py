"""How the node stands: backlog, what is stuck, who is silent, what is held, which certificates run out."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping

import attrs

from eessi.directory import Directory
from eessi.errors import StoreError
from eessi.stores import DEFAULT_TENANT, Store
from eessi.stores.cases import CaseRows
from eessi.stores.channels import ChannelRows
from eessi.stores.mail import MailRows, OutRow, moment_key, moment_of
from eessi.transport import State

__all__ = ["Backlog", "Expiring", "Status", "readiness_of", "status_of"]

_OPEN = (State.QUEUED.value, State.SENDING.value, State.TAKEN.value)


@attrs.frozen(slots=True)
class Backlog:
    """Messages to one partner that are not receipted yet.

    :param oldest: the age of the oldest, in seconds. :param seds: how many there are of each type of document.
    """

    partner: str
    queued: int
    taken: int
    failed: int
    oldest: float
    seds: Mapping[str, int]


@attrs.frozen(slots=True)
class Expiring:
    """A certificate of the directory that runs out soon, and who uses it."""

    owner: str
    thumbprint: str
    valid_to: dt.datetime


@attrs.frozen(slots=True)
class Status:
    """The state of one tenant at one moment.

    :param stuck: ids of messages without a receipt for longer than the limit.
    :param waiting: messages that came in and were not applied yet. :param held: messages held, by rule.
    :param untaken: signals that the application has not taken.
    :param unreceipted: partners from whom a receipt is missing for longer than the limit, the message having been handed over.
    :param silent: channels of the access point that gave no good answer for longer than the limit.
    """

    at: dt.datetime
    backlog: tuple[Backlog, ...]
    stuck: tuple[str, ...]
    dead: int
    waiting: int
    held: dict[str, int]
    untaken: int
    cases: dict[str, int]
    expiring: tuple[Expiring, ...]
    silent: tuple[str, ...] = ()
    unreceipted: tuple[str, ...] = ()

    @property
    def is_healthy(self) -> bool:
        """Whether nothing is stuck, dead, held, silent or about to expire."""
        return not (self.stuck or self.dead or self.held or self.expiring or self.silent)


def status_of(
    store: Store,
    now: dt.datetime,
    *,
    tenant: str = DEFAULT_TENANT,
    stuck_after: dt.timedelta = dt.timedelta(hours=24),
    silent_after: dt.timedelta = dt.timedelta(hours=12),
    directory: Directory | None = None,
    expires_within: dt.timedelta = dt.timedelta(days=30),
) -> Status:
    """Look at a tenant's store.

    :param stuck_after: how long a message may wait for its receipt; 24 hours is the limit of Decision E6.
    :param silent_after: how long a channel may give no good answer; half of the legal limit.
    :param directory: where certificates are looked up; without it none is reported.
    """
    with store.read(tenant) as unit:
        mail, rows = MailRows(unit), CaseRows(unit)
        outs = [row for row in mail.outs(*_OPEN, State.FAILED.value) if row.kind == "user"]
        seds = rows.seds_of(row.conversation_id for row in outs)
        held = Counter(row.rule for row in rows.held())
        waiting = mail.count_waiting()
        untaken = rows.count_untaken()
        answered = ChannelRows(unit).answered()
        cases: Counter[str] = Counter()
        for (_, state), number in rows.count().items():
            cases[state] += number
    late = [r for r in outs if r.state != State.FAILED.value and now - moment_of(r.created_at) > stuck_after]
    return Status(
        now,
        tuple(_backlogs(outs, seds, now)),
        tuple(row.message_id for row in late),
        sum(row.state == State.FAILED.value for row in outs),
        waiting,
        dict(sorted(held.items())),
        untaken,
        dict(sorted(cases.items())),
        () if directory is None else tuple(_expiring(directory, now, expires_within)),
        tuple(name for name, at in sorted(answered.items()) if at < moment_key(now - silent_after)),
        tuple(sorted({row.receiver for row in late if row.state == State.TAKEN.value})),
    )


def readiness_of(store: Store, *, tenant: str = DEFAULT_TENANT) -> dict[str, object]:
    """Whether a node can work now: its store answers, for this tenant. Never raises for a store that does not."""
    try:
        with store.read(tenant) as unit:
            waiting = MailRows(unit).count_waiting()
    except StoreError:
        return {"ready": False, "store": "does not answer"}
    return {"ready": True, "store": store.dialect, "waiting": waiting}


def _backlogs(outs: Iterable[OutRow], seds: Mapping[str, str], now: dt.datetime) -> Iterable[Backlog]:
    by_partner: dict[str, list[OutRow]] = {}
    for row in outs:
        by_partner.setdefault(row.receiver, []).append(row)
    for partner, rows in sorted(by_partner.items()):
        states = Counter(row.state for row in rows)
        oldest = max((now - moment_of(row.created_at)).total_seconds() for row in rows)
        queued = states[State.QUEUED.value] + states[State.SENDING.value]
        types = Counter(seds.get(row.message_id, "unknown") for row in rows)
        yield Backlog(
            partner, queued, states[State.TAKEN.value], states[State.FAILED.value], oldest, dict(sorted(types.items()))
        )


def _expiring(directory: Directory, now: dt.datetime, within: dt.timedelta) -> Iterable[Expiring]:
    soon = {
        thumbprint: one.valid_to
        for thumbprint, one in directory.certificates.items()
        if one.valid_to is not None and now <= one.valid_to <= now + within
    }
    for institution in directory:
        for thumbprint in (*institution.ebms_certificates, *institution.business_certificates):
            if thumbprint in soon:
                yield Expiring(str(institution.id), thumbprint, soon[thumbprint])
