"""Bytes to documents and back. What was read is given back byte for byte."""

from __future__ import annotations

import copy
import os
from typing import IO, TYPE_CHECKING

from lxml import etree

from eessi import _xml
from eessi.errors import InputError
from eessi.sed.document import Sed

if TYPE_CHECKING:
    from eessi.sed.message import Message

__all__ = ["SBDH_NAMESPACE", "Source", "parse", "read_bytes", "serialise"]

SBDH_NAMESPACE = "http://eessi.dgempl.ec.europa.eu/namespaces/sbdh"

Source = bytes | str | os.PathLike[str] | IO[bytes]
"""Where a document comes from: its bytes, the path of a file, or an open binary file."""


def read_bytes(source: Source) -> tuple[bytes, str | None]:
    """The bytes of a source and its name for messages.

    :raises InputError: when there is no such file or it cannot be read.
    """
    if isinstance(source, bytes):
        return source, None
    if isinstance(source, str | os.PathLike):
        if isinstance(source, str) and source.lstrip()[:1] in ("<", "{"):
            raise InputError("text was given where bytes or a path are expected; encode it first")
        try:
            with open(source, "rb") as file:
                return file.read(), str(source)
        except FileNotFoundError:
            raise InputError("no such file", source=str(source)) from None
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise InputError(f"cannot be read: {reason}", source=str(source)) from None
    name = getattr(source, "name", None)
    return source.read(), name if isinstance(name, str) else None


def parse(source: Source, *, limits: _xml.Limits = _xml.DEFAULT_LIMITS) -> Sed | Message:
    """Read a SED, or a message that carries one in a StandardBusinessDocument.

    Nothing is validated and nothing is lost: the bytes are kept as they came.

    :param source: the bytes, the path of a file, or an open binary file.
    :raises InputError: not XML, truncated, or neither a SED nor a message; with file and line where known.
    :raises LimitExceeded: larger or deeper than ``limits``.
    """
    data, name = read_bytes(source)
    root = _xml.parse(data, source=name, limits=limits)
    if _xml.local_name(root) == "StandardBusinessDocument":
        from eessi.sed.message import read_message

        return read_message(root, data, source=name)
    return Sed(root, data, source=name)


def serialise(document: Sed | Message) -> bytes:
    """The document as bytes: those it was read from, or UTF-8 for one that was built or changed."""
    return document.data


def alone(element: etree._Element) -> etree._Element:
    """A copy of an element as a document of its own; lines stay those of the file it came from."""
    single = copy.deepcopy(element)
    single.tail = None
    return single
