"""Receiving: bytes to document, verdict and record with one parse."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final, cast
from weakref import WeakKeyDictionary

import attrs
from lxml import etree

from eessi import _xml
from eessi.findings import Outcome, Verdict
from eessi.schemas import Fidelity, validate_tree
from eessi.schemas.validation import holds_too_long_a_list
from eessi.sed.document import Sed
from eessi.sed.judging import about_sed, with_findings
from eessi.sed.paths import SIGNATURE
from eessi.sed.records import Reader, Records, RootBlock, filling, head_of, records_of

if TYPE_CHECKING:
    from eessi.schemas import Registry
    from eessi.sed.message import Message

__all__ = ["Received", "receive"]

_HELD: Final = 64
"""Greatest number of routes kept per registry, each with a compiled schema."""


class _Route:
    """Everything about documents with one root element that need not be found out again.

    :ivar row: name, namespace and what :func:`recognise_root` says, as every :class:`Sed` with this root has it.
    :ivar schema: of an exact package; ``None`` where only :func:`validate_tree` can judge.
    :ivar read: the generated reader, once there is one.
    :ivar fine: verdicts of valid documents without findings, by signature, ``sedGVer`` and ``sedVer``.
    """

    __slots__ = ("_met", "fine", "name", "namespace", "read", "records", "row", "schema")

    def __init__(self, sed: Sed, schema: etree.XMLSchema | None, records: Records | None) -> None:
        self.name, self.namespace, self.row = sed.name, sed.namespace, sed._row
        self.schema = schema
        self.records = records
        self.read: Reader | None = None
        self.fine: dict[tuple[bool, str | None, str | None], Verdict] = {}
        self._met = False

    def record(self, data: bytes, root: etree._Element) -> RootBlock | None:
        """The record of a document; the first one by name, since making a reader takes longer than that."""
        if self.records is None:
            return None
        if not self._met:
            self._met = True
            return self.records.read_tree(root)
        return self.records.read(data, root)


_Key = tuple[str, str | None, dt.date | None]
_Routes = dict[_Key, _Route]
_ROUTES: WeakKeyDictionary[Registry, _Routes] = WeakKeyDictionary()
_LAST: list[tuple[Registry, _Routes]] = []
"""The registry of the last call and its routes: programs have one, and looking it up takes longer than this."""


@attrs.frozen(slots=True, weakref_slot=False)
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


_NewReceived = filling(object, ("message", "record", "sed", "verdict"))


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
    last = _LAST[0] if _LAST else None
    routes = last[1] if last is not None and last[0] is registry else _routes(registry)
    route = routes.get((root.tag, package, as_of))  # type: ignore[arg-type]  # the tag of an element is a text
    if route is not None and route.schema is not None and _accepts(route.schema, root, data):
        found = _by_route(route, root, data)
        if found is not None:
            return found
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
    whole = with_findings(verdict, *about_sed(sed))
    route = _route(sed, registry, package, as_of)
    proved = verdict.outcome is Outcome.VALID
    if proved and not whole.findings:
        route.fine[(sed.is_signed, root.get("sedGVer"), root.get("sedVer"))] = whole
    return Received(sed, whole, route.record(data, root))


def _route(sed: Sed, registry: Registry, package: str | None, as_of: dt.date | None) -> _Route:
    routes = _routes(registry)
    key = (str(sed.root.tag), package, as_of)
    if key not in routes:
        if len(routes) >= _HELD:
            routes.clear()
        found = registry.find(sed.type, sed.version, as_of, package)
        exact = found is not None and found.fidelity is Fidelity.EXACT
        schema = registry.schema_of(found) if found is not None and exact else None
        routes[key] = _Route(sed, schema, records_of(registry.structure_of(found)) if found is not None else None)
    return routes[key]


def _by_route(route: _Route, root: etree._Element, data: bytes) -> Received | None:
    """A document that its schema has accepted; ``None`` when the verdict of such a one is not known yet."""
    head = head_of(root)
    # whatever the encoding, a signature's namespace holds the byte of "#"; most documents have none
    signed = b"#" in data and next(root.iterchildren(SIGNATURE), None) is not None
    verdict = route.fine.get((signed, head[1], head[2]))
    if verdict is None or route.records is None:
        return None
    if route.read is None:
        route.read = route.records.reader
    sed, put = Sed.__new__(Sed), object.__setattr__
    put(sed, "name", route.name)
    put(sed, "namespace", route.namespace)
    put(sed, "_row", route.row)
    put(sed, "root", root)
    put(sed, "_data", data)
    put(sed, "report", None)
    put(sed, "shape", None)
    put(sed, "_envelope", None)
    received: Any = _NewReceived()
    received.sed, received.verdict, received.message = sed, verdict, None
    received.record = route.records.read_by(route.read, data, root, head)
    received.__class__ = Received
    return cast(Received, received)


def _accepts(schema: etree.XMLSchema, root: etree._Element, data: bytes) -> bool:
    return not holds_too_long_a_list(root, data) and schema.validate(root)


def _routes(registry: Registry) -> _Routes:
    found = _ROUTES.get(registry)
    if found is None:
        found = _ROUTES.setdefault(registry, {})
    _LAST[:] = [(registry, found)]
    return found


def _message(
    root: etree._Element,
    data: bytes,
    registry: Registry,
    package: str | None,
    as_of: dt.date | None,
    source: str | None,
) -> Received:
    from eessi.sed import validation
    from eessi.sed.message import read_message

    message = read_message(root, data, source=source)
    sed = message.sed
    verdict = validation.validate(message, registry, package=package, as_of=as_of)
    records = _route(sed, registry, package, as_of).records
    record = records.read_tree(sed.root) if records is not None else None
    return Received(sed, verdict, record, message)
