"""Which JSON form a document is in, told by its shape alone; further forms as plug-ins.

An installed distribution adds a form by an entry point of the group ``eessi_toolkit.json_forms`` that names a
:class:`JsonForm`. Built in are RINA JSON and NAV JSON.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from eessi.errors import DefinitionError
from eessi.sed.document import match_root
from eessi.sed.json_text import JsonValue
from eessi.sed.rina_json import find_sed

if TYPE_CHECKING:
    from eessi.schemas import Registry
    from eessi.sed.document import Sed

__all__ = ["GROUP", "JsonForm", "kind_of_json", "plug_ins"]

GROUP = "eessi_toolkit.json_forms"


class JsonForm(Protocol):
    """A JSON form of SEDs that somebody else has: told by its shape, read into a SED.

    ``read`` raises :class:`~eessi.errors.InputError` for what it cannot read, and lists losses in ``sed.report``.
    """

    name: str

    def recognises(self, document: JsonValue) -> bool:
        """Whether a JSON document is in this form."""

    def read(self, data: bytes, *, version: str | None, registry: Registry | None, source: str | None) -> Sed:
        """The SED of a document."""


def plug_ins() -> tuple[JsonForm, ...]:
    """The forms that installed distributions add, by name.

    :raises DefinitionError: when one cannot be loaded.
    """
    from importlib.metadata import entry_points

    found: list[JsonForm] = []
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        try:
            form: JsonForm = entry.load()
        except (ImportError, AttributeError) as error:
            raise DefinitionError(f"the plug-in cannot be loaded: {error}", key=entry.value) from None
        found.append(form)
    return tuple(found)


def kind_of_json(document: JsonValue) -> str:
    """The word of :class:`~eessi.sed.validation.Kind` for a JSON document: never an error, ``json`` for the rest.

    Sources: CDM wire facts, sections 10 and 11.
    """
    if isinstance(document, dict):
        if "documentIdentification" in document and ("sender" in document or "receivers" in document):
            return "rina-header"
        if isinstance(name := document.get("sedType"), str) and match_root(name):
            return "neessi-json"
        named = isinstance(name := document.get("sed"), str) and match_root(name)
        if named or isinstance(document.get("nav"), dict):
            return "nav-json"
        if isinstance(items := document.get("items"), list) and _subdocuments(items):
            return "rina-subdocuments"
    return "rina-json" if find_sed(document) else "json"


def _subdocuments(items: list[JsonValue]) -> bool:
    return bool(items) and all(isinstance(item, dict) and "subdocuments" in item for item in items)
