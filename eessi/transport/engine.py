"""An institution's end of AS4: outbox, inbox and the pull worker over one store. Time is an argument, the wire a protocol.

:meth:`Engine.step` does one thing and says whether there was something to do; any loop, thread or task may call it.
"""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Callable, Iterator
from typing import Final

import attrs

from eessi.octets import Octets
from eessi.stores import DEFAULT_TENANT, Store
from eessi.stores.channels import ChannelRows
from eessi.stores.mail import JournalRow, MailRows, moment_key, moment_of
from eessi.transport.compose import compose_pull
from eessi.transport.ebms import ErrorSignal, read_envelope
from eessi.transport.guard import Guard
from eessi.transport.identity import Channel, Identity, Partners
from eessi.transport.inbox import Inbox, Taken
from eessi.transport.judge import Result, judge
from eessi.transport.mime import unpack
from eessi.transport.outbox import Outbox, Outgoing, is_transient
from eessi.transport.pmode import PMode
from eessi.transport.policy import EnvelopePolicy
from eessi.transport.refusal import Refused
from eessi.transport.wire import Answer, Unreachable, Wire

__all__ = ["Engine", "Pulled", "verify_journal"]


_NOTED: Final = dt.timedelta(minutes=1)
"""How exact the stored moment of a channel's last answer is; each pull would be too much to write."""


class Pulled(enum.StrEnum):
    """How a pull ended. ``refused``: the access point refuses us; ``broken``: we refuse what it gave."""

    MESSAGE = "message"
    EMPTY = "empty"
    REFUSED = "refused"
    BROKEN = "broken"
    FAILED = "failed"


@attrs.define(slots=True)
class _Pace:
    """When a channel is asked next, and when its last good answer was written down; ``None`` when nothing was."""

    next_at: dt.datetime
    pause: float
    noted: dt.datetime | None = None


class Engine:
    """One institution at its access point, or in direct exchange.

    :param wire: the HTTP client.
    """

    def __init__(
        self,
        store: Store,
        identity: Identity,
        partners: Partners,
        pmode: PMode,
        wire: Wire,
        *,
        tenant: str = DEFAULT_TENANT,
        guard: Guard | None = None,
        policy: EnvelopePolicy | None = None,
        ids: Callable[[], str] | None = None,
    ) -> None:
        self.outbox = Outbox(store, identity, partners, pmode, tenant=tenant, guard=guard, ids=ids)
        self.inbox = Inbox(self.outbox, policy=policy)
        self.wire, self.pmode, self.partners, self.identity = wire, pmode, partners, identity
        self._paces: dict[str, _Pace] = {}
        self.unreachable: str | None = None
        """Why the access point gave no answer when it was asked last; ``None`` when it gave one."""

    def _post(self, url: str, content_type: str, body: Octets) -> Answer:
        try:
            answer = self.wire.post(url, content_type, body)
        except Unreachable as error:
            self.unreachable = str(error)
            raise
        self.unreachable = None
        return answer

    # --- sending ---

    def send_one(self, now: dt.datetime) -> bool:
        """Send the next message or signal that is due; false when there is none."""
        outgoing = self.outbox.next(now)
        if outgoing is None:
            return False
        try:
            answer = self._post(outgoing.url, outgoing.content_type, outgoing.body)
        except Unreachable as error:
            self.outbox.failed_hop(outgoing.message_id, f"EBMS:0005 ConnectionFailure: {error}", now)
            return True
        self._answered(outgoing, answer, now)
        return True

    def _answered(self, outgoing: Outgoing, answer: Answer, now: dt.datetime) -> None:
        """Read the answer. A signal in its body counts whatever the status is; an empty 2xx only means *taken*."""
        if 200 <= answer.status < 300:
            if answer.body:  # before *taken*: a crash in between sends again, and the receipt comes again
                self.inbox.take(answer.body, answer.content_type or None, now, answering=outgoing.message_id)
            self.outbox.taken(outgoing.message_id, now)
            return
        code = _error_code(answer)
        fatal = not is_transient(answer.status)
        if answer.body and code is not None:
            taken = self.inbox.take(answer.body, answer.content_type or None, now, answering=outgoing.message_id)
            fatal = fatal and taken.code is None
        what = code or "EBMS:0005 ConnectionFailure"
        self.outbox.failed_hop(outgoing.message_id, f"{what}: HTTP {answer.status}", now, fatal=fatal)

    # --- pulling ---

    def pull_one(self, channel: Channel, now: dt.datetime) -> Pulled:
        """Ask one channel for one message."""
        pace = self._pace(channel, now)
        if pace.noted is None:
            self._note(channel, pace, now, first=True)
        packet = compose_pull(channel.mpc, self.pmode, self.identity.key, now, message_id=self.outbox.new_id())
        try:
            answer = self._post(channel.inbox_url, packet.content_type, packet.body)
        except Unreachable:
            return self._paced(channel, pace, Pulled.FAILED, now)
        if answer.status == 403:
            return self._paced(channel, pace, Pulled.REFUSED, now)
        if not answer.body:
            return self._paced(channel, pace, Pulled.EMPTY if 200 <= answer.status < 300 else Pulled.FAILED, now)
        if _is_about(answer, packet.message_id):
            return self._paced(channel, pace, self._pull_error(answer, packet.message_id, now), now)
        taken = self.inbox.take(answer.body, answer.content_type or None, now, pulled=True)
        if taken.code is not None:
            return self._paced(channel, pace, Pulled.BROKEN, now)
        return self._paced(
            channel, pace, Pulled.MESSAGE if taken.message_id or taken.answer.status == 202 else Pulled.EMPTY, now
        )

    def _pull_error(self, answer: Answer, request_id: str, now: dt.datetime) -> Pulled:
        """A warning about an empty channel is normal; it must be signed by the access point all the same."""
        link = self.partners.access_point(now)
        pinned = () if link is None else link.certificates
        judged = judge(
            answer.body,
            answer.content_type or None,
            policy=self.inbox.policy,
            signers=lambda _envelope, _on: pinned,
            on=now,
        )
        if judged.result is not Result.ACCEPT or judged.envelope is None:
            return Pulled.FAILED
        failures = [one for unit in judged.envelope.units if isinstance(unit, ErrorSignal) for one in unit.failures]
        answered = {unit.ref_to for unit in _errors(answer)}
        if request_id not in answered:
            return Pulled.FAILED
        return Pulled.EMPTY if any(one.code == "EBMS:0006" for one in failures) else Pulled.REFUSED

    def _pace(self, channel: Channel, now: dt.datetime) -> _Pace:
        return self._paces.setdefault(channel.name, _Pace(now, self.pmode.pull.shortest_seconds))

    def _paced(self, channel: Channel, pace: _Pace, ended: Pulled, now: dt.datetime) -> Pulled:
        rule = self.pmode.pull
        if ended in {Pulled.MESSAGE, Pulled.EMPTY, Pulled.BROKEN} and (pace.noted is None or now - pace.noted > _NOTED):
            self._note(channel, pace, now)
        if ended is Pulled.MESSAGE:
            pace.pause, pace.next_at = rule.shortest_seconds, now
            return ended
        pace.next_at = now + dt.timedelta(seconds=pace.pause)
        pace.pause = min(pace.pause * 2, rule.longest_seconds)
        return ended

    def _note(self, channel: Channel, pace: _Pace, now: dt.datetime, *, first: bool = False) -> None:
        """Write down that a channel answered or, when it is asked for the first time of all, since when it is asked."""
        with self.outbox.store.begin(self.outbox.tenant) as unit:
            rows = ChannelRows(unit)
            known = rows.answered().get(channel.name)
            if not first or known is None:
                rows.note(channel.name, moment_key(now))
        pace.noted = now if known is None or not first else moment_of(known)

    def silent(self, now: dt.datetime) -> tuple[str, ...]:
        """Channels that gave no good answer, to whichever worker, for longer than the alarm of the P-Mode; 24 hours are the
        legal limit.
        """
        limit = moment_key(now - dt.timedelta(hours=self.pmode.pull.alarm_hours))
        with self.outbox.store.read(self.outbox.tenant) as unit:
            return tuple(name for name, at in sorted(ChannelRows(unit).answered().items()) if at < limit)

    # --- the loop ---

    def step(self, now: dt.datetime) -> bool:
        """Do one thing: send what is due, or pull a channel whose time has come; false when there was nothing to do."""
        self.outbox.tick(now)
        if self.send_one(now):
            return True
        link = self.partners.access_point(now)
        for channel in () if link is None else link.channels:
            if self._pace(channel, now).next_at <= now and self.pull_one(channel, now) is Pulled.MESSAGE:
                return True
        return False

    def next_moment(self) -> dt.datetime | None:
        """When there is something to do next: a message to send, a receipt to give up, a channel to pull."""
        with self.outbox.store.read(self.outbox.tenant) as unit:
            key = MailRows(unit).next_moment()
        moments = [] if key is None else [moment_of(key)]
        moments += [pace.next_at for pace in self._paces.values()]
        return min(moments, default=None)

    def run_until_idle(self, now: Callable[[], dt.datetime], *, steps: int = 10_000) -> int:
        """Step until there is nothing to do; the number of steps taken."""
        for count in range(steps):
            if not self.step(now()):
                return count
        return steps

    def take(self, data: Octets, content_type: str | None, now: dt.datetime) -> Taken:
        """Take in what came over our own HTTP address."""
        return self.inbox.take(data, content_type, now)

    def timeline(self, message_id: str | None = None) -> tuple[JournalRow, ...]:
        """The steps of one message, or of all: queued, sent, taken, receipted, received, delivered; with evidence."""
        with self.outbox.store.read(self.outbox.tenant) as unit:
            return tuple(MailRows(unit).journal(message_id))


def verify_journal(rows: Iterator[JournalRow] | tuple[JournalRow, ...]) -> int | None:
    """The number of the first row that does not fit the chain of hashes; ``None`` when the whole journal is as written."""
    before = ""
    for number, row in enumerate(rows, 1):
        if row.no != number or row.hash != row.hash_after(before):
            return row.no
        before = row.hash
    return None


def _errors(answer: Answer) -> tuple[ErrorSignal, ...]:
    """The error signals in an answer, read without believing them."""
    if not answer.body:
        return ()
    try:
        envelope = read_envelope(bytes(unpack(answer.body, answer.content_type or None).root.body))
    except Refused:
        return ()
    return tuple(unit for unit in envelope.units if isinstance(unit, ErrorSignal) and unit.failures)


def _error_code(answer: Answer) -> str | None:
    """The first ebMS error in an answer."""
    errors = _errors(answer)
    return errors[0].failures[0].code if errors else None


def _is_about(answer: Answer, request_id: str) -> bool:
    """Whether an answer is a warning or error about our pull request, and not a routed error about a message of ours."""
    errors = _errors(answer)
    return any(request_id in {unit.ref_to, *(one.ref_to for one in unit.failures)} for unit in errors) or any(
        one.code == "EBMS:0006" for unit in errors for one in unit.failures
    )
