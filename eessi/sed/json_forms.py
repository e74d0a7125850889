"""Which JSON form a document is in, told by its shape alone."""

from __future__ import annotations

from eessi.sed.document import match_root
from eessi.sed.json_text import JsonValue
from eessi.sed.rina_json import find_sed

__all__ = ["kind_of_json"]

_NAV_PARTS = {"nav", "pensjon", "medlemskap", "familie", "horisontal", "sykdom", "tilbakekreving", "trygdetid"}


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
