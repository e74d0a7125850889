"""Filling templates: every page is one file that needs no network, and every value in it is escaped."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING

from eessi.errors import MissingExtra

if TYPE_CHECKING:
    import jinja2

__all__ = ["coded", "embedded_json", "render"]


@functools.cache
def _environment() -> jinja2.Environment:
    try:
        import jinja2
    except ImportError:
        raise MissingExtra("pages", "writing an HTML page") from None
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("eessi.pages"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["coded"] = coded
    return environment


def coded(text: str) -> str:
    """Escape a text; what stands between back quotes becomes ``<code>``, as the texts of findings mark names."""
    from markupsafe import Markup, escape

    parts = str(text).split("`")
    if len(parts) % 2 == 0:
        return escape(text)
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if number % 2 else escape(part) for number, part in enumerate(parts)
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
