"""Filling templates: every page is one file that needs no network, and every value in it is escaped."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from eessi.errors import MissingExtra

if TYPE_CHECKING:
    import jinja2

__all__ = ["embedded_json", "render"]


@functools.cache
def _environment() -> jinja2.Environment:
    try:
        import jinja2
    except ImportError:
        raise MissingExtra("pages", "writing an HTML page") from None
    return jinja2.Environment(
        loader=jinja2.PackageLoader("eessi.pages"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(template: str, values: Mapping[str, object]) -> str:
    """Fill a template of ``eessi/pages/templates``; a value that the template names and nobody gave is an error.

    :raises MissingExtra: without the extra ``pages``.
    """
    return _environment().get_template(template).render(values)


def embedded_json(document: object) -> str:
    """JSON for a ``<script type="application/json">``: no text in it can end the element or open a comment.

    HTML Standard, restrictions for contents of script elements: ``<!--``, ``<script`` and ``</script`` must not occur.
    """
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
