"""A second opinion, by xmlschema, where the fast gear refuses and the structure does not say why.

Slow, loaded only then, and only for schemas that say more than a structure can express.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lxml import etree

from eessi import _xml
from eessi.findings import Finding

if TYPE_CHECKING:
    from eessi.schemas.compiled import SchemaSources

__all__ = ["ask_xmlschema"]

_MOST: Final = 20


def ask_xmlschema(root: etree._Element, sources: SchemaSources) -> tuple[Finding, ...]:
    """What xmlschema finds wrong, without the values it quotes; empty when it accepts the document."""
    import xmlschema

    with tempfile.TemporaryDirectory(prefix="eessi-") as folder:
        for name, text in sources.files.items():
            Path(folder, name).write_bytes(text)
        schema = xmlschema.XMLSchema10(str(Path(folder, sources.main)), allow="local", defuse="always")
        alone = _xml.serialise(root)
        errors = [error for _, error in zip(range(_MOST), schema.iter_errors(alone), strict=False)]
    return tuple(
        Finding(
            "SCH-OTHER",
            path=_readable(str(error.path or ""), _xml.local_name(root)),
            line=root.sourceline,
            params={"component": type(error.validator).__name__.removeprefix("Xsd")},
        )
        for error in errors
    )


def _readable(path: str, name: str) -> str:
    steps = [step.rpartition(":")[2].rpartition("}")[2] for step in path.split("/") if step]
    return "/".join(steps) or name
