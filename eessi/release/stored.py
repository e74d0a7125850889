"""Jobs over all documents of a node's store: validate them again, rehearse a migration, the impact of a new version.

Documents are opened here and sent as bytes, so that no worker needs the store or the tenant's key. With an executor on other
machines they travel there in clear: use one whose connections are encrypted. Results hold ids and paths, never values.
"""

from __future__ import annotations

import datetime as dt
import functools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from pathlib import Path
from typing import TypeVar, cast

import attrs

from eessi import bulk
from eessi.errors import EessiError
from eessi.findings import Outcome
from eessi.node.vault import Vault, about_document
from eessi.release.impact import Impact, examine_data, impact_of
from eessi.release.impact import journal_of as impact_journal
from eessi.release.migration import migrate_document
from eessi.release.sources import open_packages
from eessi.schemas import Registry
from eessi.sed import Message, parse, validate
from eessi.stores import DEFAULT_TENANT, Store
from eessi.stores.cases import CaseRows
from eessi.stores.mail import moment_key

__all__ = ["Archive", "Rehearsal", "Rehearsed", "Revalidated", "Revalidation"]

_R = TypeVar("_R")


@attrs.frozen(slots=True)
class Revalidated:
    """One stored document judged again: the verdict it was kept with, that of today, ids of the findings."""

    key: str
    before: str
    now: str
    findings: tuple[str, ...] = ()


@attrs.frozen(slots=True)
class Revalidation:
    """All stored documents judged again; ``changed`` are those whose verdict is another than when they were kept."""

    checked: int
    outcomes: dict[str, int]
    findings: dict[str, int]
    changed: tuple[Revalidated, ...]


@attrs.frozen(slots=True)
class Rehearsed:
    """One document migrated for a try.

    :param outcome: ``clean``, ``lossy`` (content has no place), ``todo`` (a person has to decide), ``undetermined``.
    :param causes: ``SED change path`` of each loss and each thing to do. :param why: of an undetermined outcome.
    """

    outcome: str
    causes: tuple[str, ...] = ()
    why: str | None = None


@attrs.frozen(slots=True)
class Rehearsal:
    """A migration of all stored documents, tried: nothing was changed."""

    checked: int
    outcomes: dict[str, int]
    causes: dict[str, int]
    reasons: dict[str, int]
    documents: tuple[str, ...]


@attrs.frozen(slots=True)
class Archive:
    """The documents of one tenant, as the material of a job.

    :param who: stands in the log of reads, once per job.
    :param executor: any; alone in this process without one. :param journal: makes a stopped job go on.
    :param progress: called with the number finished.
    """

    store: Store
    vault: Vault
    who: str
    tenant: str = DEFAULT_TENANT
    executor: Executor | None = None
    journal: Path | None = None
    progress: Callable[[int], None] | None = None

    def __len__(self) -> int:
        return len(self._verdicts())

    def revalidate(self, *, package: str | None = None, as_of: dt.date | None = None) -> Revalidation:
        """Judge every document again, by the installed packages or one of them.

        :raises UnknownCode: for a package that is not installed.
        """
        if package is not None:
            Registry.installed().package(package)
        job = f"revalidate package={package} as_of={as_of}"
        journal = None if self.journal is None else bulk.Journal(self.journal, job, list, _judged)
        verdicts = self._verdicts()
        outcomes: Counter[str] = Counter()
        findings: Counter[str] = Counter()
        changed = []
        for key, (now, ids) in self._run(functools.partial(judge, package, as_of), verdicts, journal):
            outcomes[now] += 1
            findings.update(ids)
            if verdicts.get(key, now) != now:
                changed.append(Revalidated(key, verdicts[key], now, ids))
        return Revalidation(
            sum(outcomes.values()), dict(sorted(outcomes.items())), dict(findings.most_common()), tuple(sorted(changed, key=lambda one: one.key))
        )  # fmt: skip

    def rehearse(self, target: str) -> Rehearsal:
        """Migrate every document for a try; nothing is written.

        :param target: package ``name:version``.
        :raises UnknownCode: when it is not installed.
        """
        Registry.installed().package(target)
        journal = (
            None if self.journal is None else bulk.Journal(self.journal, f"rehearse {target}", attrs.asdict, _rehearsed)
        )
        outcomes: Counter[str] = Counter()
        causes: Counter[str] = Counter()
        reasons: Counter[str] = Counter()
        documents = []
        for key, one in self._run(functools.partial(rehearse, target), self._verdicts(), journal):
            outcomes[one.outcome] += 1
            causes.update(one.causes)
            if one.why is not None:
                reasons[one.why] += 1
            if one.outcome in ("lossy", "todo"):
                documents.append(key)
        return Rehearsal(
            sum(outcomes.values()), dict(sorted(outcomes.items())), dict(causes.most_common()), dict(reasons.most_common()),
            tuple(sorted(documents)),
        )  # fmt: skip

    def impact(self, old: str, new: str) -> Impact:
        """What a new version does to every document, as ``eessi impact`` tells it of files.

        :raises UnknownCode: for a package that is not installed.
        """
        open_packages(old, new)
        journal = None if self.journal is None else impact_journal(self.journal, old, new)
        found = self._run(functools.partial(examine_data, old, new), self._verdicts(), journal)
        return impact_of((key, one) for key, one in found)

    def _verdicts(self) -> dict[str, str]:
        with self.store.read(self.tenant) as unit:
            return {f"{c}/{d}/{v}": verdict for c, d, v, verdict in CaseRows(unit).document_ids()}

    def _run(
        self, work: Callable[[bytes], _R], keys: Iterable[str], journal: bulk.Journal[_R] | None
    ) -> Iterator[tuple[str, _R]]:
        with self.store.begin(self.tenant) as unit:
            CaseRows(unit).note_access(moment_key(dt.datetime.now(dt.UTC)), self.who, "all documents, by a job", None)
        yield from bulk.run(work, keys, self._load, executor=self.executor, journal=journal, progress=self.progress)

    def _load(self, key: str) -> bytes:
        case_id, rest = key.split("/", 1)
        document_id, _, version = rest.rpartition("/")
        with self.store.read(self.tenant) as unit:
            row = CaseRows(unit).document(case_id, document_id, int(version))
        if row is None or not row.body:
            return b""  # erased since the job began: unreadable, so undetermined
        return self.vault.open(row.body, about_document(self.tenant, case_id, document_id, int(version)))


# one document, in whichever process ------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=1)
def _registry() -> Registry:
    return Registry.installed()


def judge(package: str | None, as_of: dt.date | None, data: bytes) -> tuple[str, tuple[str, ...]]:
    """Verdict and ids of the findings of one document; never raises for what is wrong with it."""
    try:
        verdict = validate(data, _registry(), package=package, as_of=as_of)
    except EessiError:
        return str(Outcome.UNDETERMINED), ("unreadable",)
    return str(verdict.outcome), tuple(sorted({finding.id for finding in verdict.findings}))


def rehearse(target: str, data: bytes) -> Rehearsed:
    """One document migrated for a try; never raises for what is wrong with it."""
    try:
        document = parse(data)
        found = migrate_document(document, _registry(), target=target)
    except EessiError as error:
        return Rehearsed("undetermined", (), type(error).__name__)
    sed = str((document.sed if isinstance(document, Message) else document).type)
    losses = {f"{sed} {loss.change} {loss.path}" for loss in found.losses}
    todo = {f"{sed} {one.change or 'to do'} {one.path}" for one in found.todo}
    outcome = "lossy" if losses else "todo" if todo else "clean"
    return Rehearsed(outcome, tuple(sorted(losses | todo)))


def _judged(row: object) -> tuple[str, tuple[str, ...]]:
    outcome, ids = cast("list[object]", row)
    return str(outcome), tuple(map(str, cast("list[object]", ids)))


def _rehearsed(row: object) -> Rehearsed:
    table = cast("dict[str, object]", row)
    why = table["why"]
    causes = cast("list[object]", table["causes"])
    return Rehearsed(str(table["outcome"]), tuple(map(str, causes)), None if why is None else str(why))
