"""Who may do it on that day, who may not and why: one judgement per institution, kept as a timeline per question.

The answer to *process, role, country* changes only on the days named in the records. Between two of them the whole
answer is one value, so a look-up is a dictionary and a bisection.
"""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Final

import attrs

from eessi.directory.folding import STATUS_IN_NAME
from eessi.directory.reasons import LeftOut, Reason
from eessi.directory.records import AccessPoint, Certificate, Competence, Endpoint, Environment, Institution
from eessi.ids import BucId, InstitutionId, Period, Role

__all__ = ["Found", "Ground", "Match", "Route", "Timeline", "judge", "route_of"]


@attrs.frozen(slots=True)
class Route:
    """How an institution is reached on a day.

    ``endpoint`` is where its access point takes messages, ``channel`` where the institution itself fetches or is pushed
    to. Either is ``None`` where the copy carries no endpoints at all. ``certificates`` are those of the access point and
    the institution that are valid on the day. ``until`` is the first day on which this may differ.
    """

    institution: Institution
    access_point: AccessPoint | None
    endpoint: Endpoint | None
    channel: Endpoint | None
    certificates: tuple[Certificate, ...] = ()
    until: dt.date | None = None


@attrs.frozen(slots=True)
class Match:
    """An institution that may be addressed: its competence, its route, and what speaks against it all the same.

    ``score`` is the likeness of its name to the text looked for, 0 to 100; 100 without a text.
    """

    institution: Institution
    competence: Competence
    route: Route
    warnings: tuple[str, ...] = ()
    score: float = 100.0


@attrs.frozen(slots=True, eq=False)
class Found:
    """Answer of a look-up: ranked matches, and for every other institution of the country why it is out.

    ``since`` and ``until`` bound the days on which exactly this answer holds. ``hints`` speak to a person: a folded
    spelling, an empty answer, what could not be checked.
    """

    matches: tuple[Match, ...]
    hints: tuple[str, ...] = ()
    since: dt.date = dt.date.min
    until: dt.date | None = None
    _explain: Callable[[], Iterable[LeftOut]] = attrs.field(default=tuple, repr=False)

    @cached_property
    def left_out(self) -> tuple[LeftOut, ...]:
        """The institutions that are no match, ordered by country and id, each with its reason."""
        return tuple(self._explain())

    @property
    def institutions(self) -> tuple[InstitutionId, ...]:
        """Identifiers of the matches, best first."""
        return tuple(match.institution.id for match in self.matches)

    def __bool__(self) -> bool:
        return bool(self.matches)

    def __len__(self) -> int:
        return len(self.matches)

    def __iter__(self) -> Iterator[Match]:
        return iter(self.matches)


@attrs.frozen(slots=True, eq=False)
class Ground:
    """What a judgement stands on besides the institution: links by institution, certificates, the copy's environment.

    ``has_endpoints`` is false for sources that carry no access points; then reachability is not judged.
    """

    links: Mapping[InstitutionId, Sequence[tuple[Period, AccessPoint]]]
    certificates: Mapping[str, Certificate]
    environment: Environment | None
    has_endpoints: bool


def judge(institution: Institution, buc: BucId, role: Role, on: dt.date, ground: Ground) -> Match | LeftOut:
    """Whether an institution may take ``role`` in ``buc`` on a day: a match with its route, or the first true reason."""
    here = [row for row in institution.competences if row.buc == buc]
    rows = [row for row in here if row.role == role]
    if not rows:
        return _no_such_row(institution, buc, here)

    def out(reason: Reason, detail: str = "", day: dt.date | None = None) -> LeftOut:
        return LeftOut(institution, reason, buc, detail, day)

    outside = _outside(institution.period, on)
    if outside:
        return out(outside, "the institution", _turn(institution.period, outside))
    covering = [row for row in rows if row.period.covers(on)]
    if not covering:
        nearest = next((row for row in rows if row.period.start > on), rows[-1])
        reason = _outside(nearest.period, on) or Reason.NO_LONGER
        return out(reason, "the competence", _turn(nearest.period, reason))
    row = next((row for row in covering if row.is_ready), None)
    if row is None:
        return out(Reason.NOT_READY)
    mark = institution.environment
    if mark is not None and ground.environment is not None and mark is not ground.environment:
        return out(Reason.OTHER_ENVIRONMENT, mark)
    route = route_of(institution, buc, on, ground)
    return route if isinstance(route, LeftOut) else Match(institution, row, route, _warnings(institution))


def _no_such_row(institution: Institution, buc: BucId, here: Sequence[Competence]) -> LeftOut:
    roles = {row.role for row in here}
    if not roles:
        return LeftOut(institution, Reason.NOT_COMPETENT, buc)
    if roles == {Role.INTELLIGENT_RA}:
        return LeftOut(institution, Reason.ROUTING_ONLY, buc)
    others = sorted(role.in_directory for role in roles - {Role.INTELLIGENT_RA})
    return LeftOut(institution, Reason.OTHER_ROLE, buc, " and ".join(others))


def route_of(institution: Institution, buc: BucId, on: dt.date, ground: Ground) -> Route | LeftOut:
    """The route to an institution on a day, or the reason why there is none."""
    if not ground.has_endpoints:
        return Route(institution, None, None, institution.business_endpoint)

    def out(reason: Reason, detail: str, day: dt.date | None = None) -> LeftOut:
        return LeftOut(institution, reason, buc, detail, day)

    linked = [
        (period, point)
        for period, point in ground.links.get(institution.id, ())
        if period.covers(on) and point.period.covers(on)
    ]
    if not linked:
        return out(Reason.NO_ENDPOINT, "no access point serves it on that day")
    period, point = max(linked, key=lambda link: (link[1].business_endpoint is not None, link[0].start, link[1].id))
    if point.business_endpoint is None:
        return out(Reason.NO_ENDPOINT, f"the access point {point.id} has no business endpoint")
    if institution.business_endpoint is None:
        return out(Reason.NO_ENDPOINT, "it has no business endpoint of its own")
    valid: list[Certificate] = []
    for what, thumbprints in _uses(institution, point):
        known = [ground.certificates[print_] for print_ in thumbprints if print_ in ground.certificates]
        usable = [certificate for certificate in known if certificate.period.covers(on)]
        if known and not usable:
            return out(*_invalid(what, known, on))
        valid += usable
    ends = [period.end, point.period.end, *(certificate.period.end for certificate in valid)]
    until = min((end for end in ends if end is not None), default=None)
    return Route(
        institution, point, point.business_endpoint, institution.business_endpoint, tuple(dict.fromkeys(valid)), until
    )


def _uses(institution: Institution, point: AccessPoint) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The certificates a message needs, by use; where one of several listed is valid, the use is served."""
    return (
        ("its ebMS certificate", institution.ebms_certificates),
        (f"the ebMS certificate of the access point {point.id}", point.ebms_certificates),
        (f"the TLS certificate of the access point {point.id}", point.external_tls_certificates),
    )


def _invalid(what: str, known: Sequence[Certificate], on: dt.date) -> tuple[Reason, str, dt.date | None]:
    coming = [certificate.period.start for certificate in known if certificate.period.start > on]
    if coming:
        return Reason.CERTIFICATE_NOT_YET, what, min(coming)
    return Reason.CERTIFICATE_EXPIRED, what, max(c.period.end for c in known if c.period.end is not None)


def _outside(period: Period, on: dt.date) -> Reason | None:
    if on < period.start:
        return Reason.NOT_YET
    return None if period.covers(on) else Reason.NO_LONGER


def _turn(period: Period, reason: Reason) -> dt.date | None:
    return period.start if reason is Reason.NOT_YET else period.end


def _warnings(institution: Institution) -> tuple[str, ...]:
    for name in institution.names:
        found = STATUS_IN_NAME.search(name.text)
        if found:
            return (f"its name says {found[0]!r}: make sure before sending",)
    return ()


_DAYS_REMEMBERED: Final = 64


class Timeline:
    """All answers to one question, by day: the days on which something changes, and the answer from each of them on.

    A few days asked last are remembered by themselves: today is asked a thousand times.
    """

    __slots__ = ("_answer", "_days", "_found", "_lately")

    def __init__(self, days: Iterable[dt.date], answer: Callable[[dt.date, dt.date | None], Found]) -> None:
        self._days = sorted({dt.date.min, *days})
        self._found: list[Found | None] = [None] * len(self._days)
        self._answer = answer
        self._lately: dict[dt.date, Found] = {}

    def at(self, on: dt.date) -> Found:
        """The answer that holds on a day."""
        found = self._lately.get(on)
        return found if found is not None else self._look(on)

    def _look(self, on: dt.date) -> Found:
        index = bisect_right(self._days, on) - 1
        found = self._found[index]
        if found is None:
            until = self._days[index + 1] if index + 1 < len(self._days) else None
            found = self._found[index] = self._answer(self._days[index], until)
        if len(self._lately) >= _DAYS_REMEMBERED:
            self._lately.clear()
        self._lately[on] = found
        return found


def days_of(institution: Institution, buc: BucId, ground: Ground) -> Iterator[dt.date]:
    """Every day on which the judgement of an institution may change."""
    periods = [institution.period, *(row.period for row in institution.competences if row.buc == buc)]
    thumbprints = set(institution.ebms_certificates)
    for period, point in ground.links.get(institution.id, ()):
        periods += [period, point.period]
        thumbprints.update(point.ebms_certificates, point.external_tls_certificates)
    periods += [ground.certificates[print_].period for print_ in thumbprints if print_ in ground.certificates]
    for period in periods:
        yield period.start
        if period.end is not None:
            yield period.end
