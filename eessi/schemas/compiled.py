"""Schemas compiled by libxml2: from memory only, once, lazily, and only so many kept.

Nothing here reads a file or the network: what a schema includes or imports must stand beside it in
:class:`SchemaSources`, or the compilation fails. The XML Signature and XAdES schemas of the toolkit are used where a
package brings none.
"""

from __future__ import annotations

import functools
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import attrs
from lxml import etree

from eessi.errors import PackageError

if TYPE_CHECKING:
    from lxml.etree._docloader import _InputDocument

__all__ = ["SIGNATURE_SCHEMAS", "Kept", "SchemaSources", "compile_schema", "signature_schema"]

SIGNATURE_SCHEMAS: Final = {
    "http://www.w3.org/2000/09/xmldsig#": ("xmldsig-core-schema.xsd", "xmldsig.xsd"),
    "http://uri.etsi.org/01903/v1.3.2#": ("XAdES.xsd", "xades.xsd"),
}
"""Namespace -> (usual file name, our file in ``schemas/signature/``)."""

_BASE: Final = "eessi:/"
_Value = TypeVar("_Value")


@attrs.frozen(slots=True)
class SchemaSources:
    """A schema and all it needs: ``main`` and the others by flat file name; every ``schemaLocation`` is such a name."""

    main: str
    files: Mapping[str, bytes]


class Kept(Generic[_Value]):
    """The last ``limit`` results by key; each made once, also when several threads ask at the same time."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._values: OrderedDict[Hashable, _Value] = OrderedDict()
        self._lock = threading.Lock()
        self._making: dict[Hashable, threading.Lock] = {}

    def get(self, key: Hashable, make: Callable[[], _Value]) -> _Value:
        """The kept result, or the one that ``make`` returns. What ``make`` raises is not kept."""
        found = self._look(key)
        if found:
            return found[0]
        with self._lock:
            turn = self._making.setdefault(key, threading.Lock())
        with turn:
            found = self._look(key)
            if found:
                return found[0]
            try:
                value = make()
                with self._lock:
                    self._values[key] = value
                    while len(self._values) > self._limit:
                        self._values.popitem(last=False)
            finally:
                with self._lock:
                    self._making.pop(key, None)
        return value

    def _look(self, key: Hashable) -> tuple[_Value] | None:
        with self._lock:
            if key not in self._values:
                return None
            self._values.move_to_end(key)
            return (self._values[key],)

    def __len__(self) -> int:
        return len(self._values)


@functools.cache
def signature_schema(namespace: str) -> tuple[str, bytes]:
    """Usual file name and text of our schema of the XML Signature or XAdES namespace.

    :raises KeyError: for any other namespace.
    """
    from pkgutil import get_data

    usual, ours = SIGNATURE_SCHEMAS[namespace]
    return usual, get_data("eessi.schemas", f"signature/{ours}") or b""


class _Beside(etree.Resolver):
    """Finds included schemas among the given files and nowhere else."""

    def __init__(self, sources: SchemaSources) -> None:
        self._files = sources.files

    def resolve(self, system_url: str | None, public_id: str | None, context: object) -> _InputDocument | None:
        """Called by lxml for every include, import and redefine."""
        name = (system_url or "").removeprefix(_BASE)
        if name not in self._files:
            raise LookupError(name)  # returning None would let libxml2 look at the file system
        return self.resolve_string(self._files[name], context, base_url=system_url)


def compile_schema(sources: SchemaSources, *, where: str) -> etree.XMLSchema:
    """Compile a schema from memory.

    :param where: package and file for the error message.
    :raises PackageError: when libxml2 does not accept it.
    """
    parser = etree.XMLParser(no_network=True, resolve_entities=False, load_dtd=False, remove_comments=True)
    parser.resolvers.add(_Beside(sources))
    try:
        root = etree.fromstring(sources.files[sources.main], parser, base_url=_BASE + sources.main)
        return etree.XMLSchema(root)
    except (etree.XMLSyntaxError, etree.XMLSchemaParseError, LookupError) as error:
        reason = " ".join(str(error).split())
        raise PackageError(f"{where}: the schema does not compile: {reason}") from None
