"""Several workers, on one machine or many, that share the work of a node over one PostgreSQL.

Which worker runs which step is decided by procrastinate; what there is to do stands in the rows of inbox, outbox and cases.
A job carries ids only and says *look at this*; a job too many does nothing, and a job that was lost is made again from the
rows. Why it is so, and what is left to the database: ``docs/design/decisions/0070-workers.md``.

::

    workers = Workers(node, "postgresql://...")
    workers.prepare()      # makes or upgrades the tables of the jobs
    workers.run()          # in as many processes as there are workers, until SIGTERM
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from eessi.errors import MissingExtra, UsageError
from eessi.node.job_tables import bring_jobs_up_to_date
from eessi.node.node import Node
from eessi.node.timers import tick
from eessi.stores import Unit
from eessi.stores.mail import IN, OUT, moment_key
from eessi.stores.store import url_of

try:
    import procrastinate
    import psycopg
except ModuleNotFoundError:
    raise MissingExtra("postgresql", "several workers on one store") from None

if TYPE_CHECKING:
    from eessi.transport.identity import Channel

__all__ = ["Workers"]

_AT_ONCE: Final = 500
"""Most jobs that one look at the rows makes; the next look makes the rest."""

_APPLY, _SEND, _PULL, _TICK, _SWEEP = "eessi.apply", "eessi.send", "eessi.pull", "eessi.tick", "eessi.sweep"


class Workers:
    """The shared work of one tenant's node.

    :param url: the PostgreSQL of the node's store.
    :param sweep: seconds between two looks for rows without a job, and for jobs of workers that died.
    :param pull: seconds between two looks at the channels of the access point.
    :param lost: seconds of silence after which a worker counts as dead and its job is given to another.
    :raises UsageError: when the store is not PostgreSQL.
    """

    def __init__(self, node: Node, url: str, *, sweep: int = 5, pull: int = 5, lost: float = 30.0) -> None:
        if node.store.dialect != "postgresql":
            raise UsageError("several workers need a store on PostgreSQL; one process on SQLite runs `eessi node run`")
        self.node, self.lost = node, lost
        self._conninfo = url_of(url).replace("postgresql+psycopg://", "postgresql://", 1)
        self.queue = f"eessi/{node.tenant}"
        self._deferrer = procrastinate.App(connector=procrastinate.SyncPsycopgConnector())
        """Never opened: it borrows the connection of a unit of work."""
        self.app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=self._conninfo))
        self._register(_every(sweep), _every(pull))
        node.wake, node.engine.inbox.arrived = self.wake, self.arrived

    def prepare(self) -> None:
        """Make the tables of the jobs, or bring them to the version of procrastinate that is installed; two processes at once
        do not collide.

        :raises StoreError: when tables of procrastinate are there of which nobody wrote down which version made them.
        """
        with psycopg.connect(self._conninfo, autocommit=True) as connection:
            bring_jobs_up_to_date(connection)

    def run(self, *, name: str | None = None, wait: bool = True) -> None:
        """Be one worker: until SIGTERM or Ctrl-C, the step in hand being finished; or until nothing is left to do.

        :param name: in the logs. :param wait: whether to stay when there is nothing to do.
        """
        with self.node.store.begin(self.node.tenant) as unit:
            self.sweep(unit)
        asyncio.run(self._run(name, wait))

    async def _run(self, name: str | None, wait: bool) -> None:
        async with self.app.open_async():
            await self._recover()
            await self.app.run_worker_async(
                queues=[self.queue],
                name=name or "worker",
                wait=wait,
                delete_jobs="successful",
                update_heartbeat_interval=self.lost / 3,
                stalled_worker_timeout=self.lost,
                fetch_job_polling_interval=1.0,
            )

    # --- the steps ---

    def _register(self, sweep_every: str, pull_every: str) -> None:
        """Name the steps. A step that fails because the database is busy is tried again after a pause."""
        again = procrastinate.RetryStrategy(exponential_wait=2, max_attempts=8)
        app, tenant, queue = self.app, self.node.tenant, self.queue
        app.task(name=_APPLY, retry=again, queue=queue)(self._apply)
        app.task(name=_SEND, queue=queue)(self._send)
        steps: tuple[tuple[str, Callable[[int], object], str], ...] = (
            (_PULL, self._pull, pull_every),
            (_TICK, self._tick, "* * * * *"),
            (_SWEEP, self._sweep, sweep_every),
        )
        for name, step, every in steps:
            lock = f"{name}/{tenant}"
            task = app.task(name=name, queue=queue, lock=lock, queueing_lock=lock)(step)
            app.periodic(cron=every, periodic_id=tenant, queue=queue, lock=lock, queueing_lock=lock)(task)

    def _apply(self, message_id: str) -> None:
        self.node.apply_message(message_id)

    def _send(self) -> None:
        """Send one message that is due: the outbox says which one, since order and pauses are its own."""
        self.node.engine.send_one(self.node.clock())

    def _pull(self, timestamp: int) -> None:
        now = self.node.clock()
        link = self.node.engine.partners.access_point(now)
        for channel in () if link is None else link.channels:
            self._pull_channel(channel)

    def _pull_channel(self, channel: Channel) -> None:
        from eessi.transport.engine import Pulled

        while self.node.engine.pull_one(channel, self.node.clock()) is Pulled.MESSAGE:
            pass  # the job of each came into being with it

    def _tick(self, timestamp: int) -> None:
        now = self.node.clock()
        self.node.engine.outbox.tick(now)
        tick(self.node.store, now, tenant=self.node.tenant)

    async def _sweep(self, timestamp: int) -> None:
        await self._recover()
        await asyncio.to_thread(self._sweep_rows)

    def _sweep_rows(self) -> None:
        with self.node.store.begin(self.node.tenant) as unit:
            self.sweep(unit)

    async def _recover(self) -> None:
        """Give the jobs of workers that fell silent to others."""
        manager = self.app.job_manager
        await manager.prune_stalled_workers(self.lost)
        for job in await manager.get_stalled_jobs(queue=self.queue, seconds_since_heartbeat=self.lost):
            await manager.retry_job(job)

    # --- making jobs ---

    def wake(self, unit: Unit) -> None:
        """A message was queued for sending: its job comes into being in the same transaction, or not at all."""
        self._defer(unit, _SEND)

    def arrived(self, unit: Unit, message_id: str, conversation_id: str) -> None:
        """A message came in, pulled or pushed: its job comes into being in the transaction that stores it, or not at all."""
        self._defer_apply(unit, message_id, conversation_id)

    def sweep(self, unit: Unit) -> None:
        """Make a job for every message that waits and has none."""
        self._wake_appliers(unit)
        now = moment_key(self.node.clock())
        due = sa.select(OUT.c.message_id).where(
            OUT.c.tenant == unit.tenant, OUT.c.state.in_(("queued", "sending")), OUT.c.held == 0, OUT.c.next_at <= now
        )
        waiting = self._waiting(unit, _SEND)
        due_ids = [str(one) for one in unit.execute(due.limit(_AT_ONCE)).scalars()]
        for _ in range(len(due_ids) - len(waiting)):
            self._defer(unit, _SEND)

    def _wake_appliers(self, unit: Unit) -> None:
        """A job per message to apply. Those of one case run one after the other, in the order in which they came."""
        unit.lock("jobs")  # workers that look at the same moment would each make all the jobs
        known = {str(args["message_id"]) for args in self._waiting(unit, _APPLY)}
        query = sa.select(IN.c.message_id, IN.c.conversation_id).where(
            IN.c.tenant == unit.tenant, IN.c.state == "waiting"
        )
        for row in unit.execute(query.order_by(IN.c.no).limit(_AT_ONCE)).mappings():
            message_id = str(row["message_id"])
            if message_id not in known:
                self._defer_apply(unit, message_id, str(row["conversation_id"] or ""))

    def _defer_apply(self, unit: Unit, message_id: str, conversation_id: str) -> None:
        self._defer(unit, _APPLY, f"case/{unit.tenant}/{conversation_id or message_id}", message_id=message_id)

    def _waiting(self, unit: Unit, task: str) -> list[dict[str, object]]:
        """The arguments of the jobs of a kind that nobody has begun."""
        query = sa.text(
            "SELECT args FROM procrastinate_jobs WHERE status = 'todo' AND queue_name = :queue AND task_name = :task"
        )
        found = unit.connection.execute(query, {"queue": self.queue, "task": task})
        return [dict(args) for args in found.scalars()]

    def _defer(self, unit: Unit, task: str, lock: str | None = None, **args: str) -> None:
        """A job in the caller's own transaction."""
        connection = unit.connection.connection.driver_connection
        job = self._deferrer.configure_task(task, queue=self.queue, lock=lock, connection=connection)
        job.defer(**args)


def _every(seconds: int) -> str:
    """Every so many seconds, as procrastinate's timetable says it."""
    return f"* * * * * */{seconds}" if 1 < seconds < 60 else "* * * * * *" if seconds <= 1 else "* * * * *"
