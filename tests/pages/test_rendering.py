"""Values in pages are escaped, and JSON inside a page cannot end its element."""

from __future__ import annotations

import json

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eessi.pages.rendering import embedded_json, render


@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10))
def test_embedded_json_reads_back_and_holds_no_markup(document: object) -> None:
    text = embedded_json(document)
    assert "<" not in text
    assert json.loads(text) == document


@pytest.mark.parametrize("text", ["</script><script>alert(1)</script>", "<!--", "\u2028", "<SCRIPT"])
def test_hostile_text_stays_text(text: str) -> None:
    assert json.loads(embedded_json([text])) == [text]
    assert text not in embedded_json([text])


def test_a_value_nobody_gave_is_an_error() -> None:
    with pytest.raises(jinja2.UndefinedError):
        render("run.html.j2", {})
