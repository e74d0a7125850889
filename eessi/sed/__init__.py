"""The document: SEDs, messages and their forms (XML, RINA JSON), typed classes, signature, rendering.

Loaded on first use: ``from eessi.sed import parse`` brings in the XML parser and nothing else that is heavy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eessi.sed.attachments import Attachment
    from eessi.sed.builder import BuildError, build
    from eessi.sed.catalogue import SedRow, all_seds, find_sed
    from eessi.sed.codec import parse, serialise
    from eessi.sed.document import Sed
    from eessi.sed.header import AttachmentEntry, Header, Party
    from eessi.sed.losses import LossReport
    from eessi.sed.message import Message
    from eessi.sed.receiving import Received, receive
    from eessi.sed.rina_json import read_rina_json, write_rina_json
    from eessi.sed.validation import Kind, recognise, validate

__all__ = [
    "Attachment",
    "AttachmentEntry",
    "BuildError",
    "Header",
    "Kind",
    "LossReport",
    "Message",
    "Party",
    "Received",
    "Sed",
    "SedRow",
    "all_seds",
    "build",
    "find_sed",
    "parse",
    "read_rina_json",
    "receive",
    "recognise",
    "serialise",
    "validate",
    "write_rina_json",
]

_HOMES = {
    "attachments": ("Attachment",),
    "builder": ("BuildError", "build"),
    "catalogue": ("SedRow", "all_seds", "find_sed"),
    "codec": ("parse", "serialise"),
    "document": ("Sed",),
    "header": ("AttachmentEntry", "Header", "Party"),
    "losses": ("LossReport",),
    "message": ("Message",),
    "receiving": ("Received", "receive"),
    "rina_json": ("read_rina_json", "write_rina_json"),
    "validation": ("Kind", "recognise", "validate"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'eessi.sed' has no attribute {name!r}")
    import importlib

    value = getattr(importlib.import_module(f"eessi.sed.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
