"""Receiving: bytes to document, verdict and record with one parse."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

import attrs
from lxml import etree

from eessi import _xml
from eessi.findings import Outcome, Verdict
from eessi.schemas import Fidelity, validate_tree
from eessi.sed import validation
from eessi.sed.document import Sed
from eessi.sed.paths import SIGNATURE
from eessi.sed.records import Records, RootBlock, records_of

if TYPE_CHECKING:
    from eessi.schemas import Registry
    from eessi.sed.message import Message

__all__ = ["Received", "receive"]

_HELD: Final = 64
"""Greatest number of routes kept per registry, each with a compiled schema."""


class _Route:
    """Everything about documents with one root element that need not be found out again.

    :ivar known: what every :class:`Sed` with this root has in common, by slot.
    :ivar schema: of an exact package; ``None`` where only :func:`validate_tree` can judge.
    :ivar fine: verdicts of valid documents without findings, by signature, ``sedGVer`` and ``sedVer``.
    """

    __slots__ = ("fine", "known", "records", "schema")

    def __init__(self, sed: Sed, schema: etree.XMLSchema | None, records: Records | None) -> None:
        self.known = (("name", sed.name), ("namespace", sed.namespace), ("_row", sed._row), ("report", None),
                      ("shape", None), ("_envelope", None))  # fmt: skip
        self.schema = schema
        self.records = records
        self.fine: dict[tuple[bool, str | None, str | None], Verdict] = {}


_Key = tuple[str, str | None, dt.date | None]
_ROUTES: WeakKeyDictionary[Registry, dict[_Key, _Route]] = WeakKeyDictionary()


@attrs.frozen(slots=True)
class Received:
    """What came in.

    :param sed: the document. :param verdict: what is known about it.
    :param record: its typed content; ``None`` where no package knows its tree.
    :param message: the message that carried it, for bytes that were an SBDH.
    """

    sed: Sed
    verdict: Verdict
    record: RootBlock | None
    message: Message | None = None


def receive(
    data: bytes,
    registry: Registry,
    *,
    package: str | None = None,
    as_of: dt.date | None = None,
    source: str | None = None,
) -> Received:
    """Parse a SED or message once, judge it and read its typed content.

    The verdict is that of :func:`eessi.validate`. An invalid document gets its record, too: what does not fit is kept
    in ``extra``, see :class:`~eessi.sed.records.Block`.

    :param package: judge and type by this package alone, ``name:version``.
    :param as_of: the day whose packages count.
    :param source: name of the input, for messages.
    :raises InputError: when the bytes are not XML, or neither a SED nor a message.
    """
    root = _xml.parse(data, source=source)
    routes = _ROUTES.get(registry)
    route = routes.get((root.tag, package, as_of)) if routes is not None else None  # type: ignore[arg-type]  # a text
    if route is not None and route.schema is not None and route.schema.validate(root):
        signed = next(root.iterchildren(SIGNATURE), None) is not None
        verdict = route.fine.get((signed, root.get("sedGVer"), root.get("sedVer")))
        if verdict is not None:
            record = route.records.read(data, root, proved=True) if route.records is not None else None
            return Received(_like(route, root, data), verdict, record)
    if str(root.tag).endswith("}StandardBusinessDocument"):
        return _message(root, data, registry, package, as_of, source)
    return _first(root, data, registry, package, as_of, source)


def _first(
    root: etree._Element,
    data: bytes,
    registry: Registry,
    package: str | None,
    as_of: dt.date | None,
    source: str | None,
) -> Received:
    """The long way, which finds out what the short one may rely on."""
    sed = Sed(root, data, source=source)
    verdict = validate_tree(root, registry, data=data, package=package, as_of=as_of, source=source)
    whole = validation._more(verdict, *validation._about_sed(sed))
    route = _route(sed, registry, package, as_of)
    proved = verdict.outcome is Outcome.VALID
    if proved and not whole.findings:
        route.fine[(sed.is_signed, root.get("sedGVer"), root.get("sedVer"))] = whole
    record = route.records.read(data, root, proved=proved) if route.records is not None else None
    return Received(sed, whole, record)


def _route(sed: Sed, registry: Registry, package: str | None, as_of: dt.date | None) -> _Route:
    routes = _ROUTES.setdefault(registry, {})
    key = (str(sed.root.tag), package, as_of)
    if key not in routes:
        if len(routes) >= _HELD:
            routes.clear()
        found = registry.find(sed.type, sed.version, as_of, package)
        exact = found is not None and found.fidelity is Fidelity.EXACT
        schema = registry.schema_of(found) if found is not None and exact else None
        routes[key] = _Route(sed, schema, records_of(registry.structure_of(found)) if found is not None else None)
    return routes[key]


def _like(route: _Route, root: etree._Element, data: bytes) -> Sed:
    """A document whose root is known: its name and namespace need not be looked at again."""
    sed = Sed.__new__(Sed)
    put = object.__setattr__
    for name, value in route.known:
        put(sed, name, value)
    put(sed, "root", root)
    put(sed, "_data", data)
    return sed


def _message(
    root: etree._Element,
    data: bytes,
    registry: Registry,
    package: str | None,
    as_of: dt.date | None,
    source: str | None,
) -> Received:
    from eessi.sed.message import read_message

    message = read_message(root, data, source=source)
    sed = message.sed
    verdict = validation.validate(message, registry, package=package, as_of=as_of)
    records = _route(sed, registry, package, as_of).records
    record = records.read_tree(sed.root) if records is not None else None
    return Received(sed, verdict, record, message)
