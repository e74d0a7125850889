"""Each sentence of the closed list is read as what it says, and nothing else is read at all."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eessi.errors import UsageError
from eessi.testing import sentences
from eessi.testing.sentences import Expect, Has, Is, Leave, Local, May, Pass, Send, read

SENTENCES = [
    ("FR sends A001 to BE", Send("FR", "A001", ("BE",))),
    ("FR sends A001", Send("FR", "A001")),
    ("FR  sends A001 to BE, DE and PL", Send("FR", "A001", ("BE", "DE", "PL"))),
    ("BE sends A011 to FR in reply to A001", Send("BE", "A011", ("FR",), "A001")),
    ("FR sends A001 to BE with data/request.yaml", Send("FR", "A001", ("BE",), template="data/request.yaml")),
    ("BE replies to A001 of FR with A011", Send("BE", "A011", ("FR",), "A001")),
    ("FR updates A001", Send("FR", "A001", action="update")),
    ("BE may send A002", May("BE", "A002", True)),
    ("BE may not send A002 because it has already accepted", May("BE", "A002", False, "it has already accepted")),
    ("FR may not send X001 before 2026-05-01", May("FR", "X001", False, None, dt.date(2026, 5, 1))),
    ("FR closes the case", Local("FR", "close")),
    ("FR reopens the case", Local("FR", "reopen")),
    ("FR archives the case", Local("FR", "archive")),
    ("BE leaves the directory", Leave("BE")),
    ("after 60 days", Pass(dt.timedelta(days=60))),
    ("after 1 week", Pass(dt.timedelta(weeks=1))),
    ("after 2 years", Pass(months=24)),
    ("on 2026-03-01", Pass(until=dt.date(2026, 3, 1))),
    ("FR is closed", Is("FR", "closed")),
    ("BE is closed locally", Is("BE", "closed locally")),
    ("BE has A001", Has("BE", "A001", True)),
    ("BE has no A001", Has("BE", "A001", False)),
    ("expect refused because SCH-MISSING", Expect("refused", "SCH-MISSING")),
    ("expect undetermined", Expect("undetermined")),
]


@pytest.mark.parametrize(("text", "meaning"), SENTENCES)
def test_a_sentence_means_what_it_says(text: str, meaning: sentences.Sentence) -> None:
    assert read(text) == meaning


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("FR send A001 to BE", "the form is: FR sends A001 to BE"),
        ("BE may not A002", "the form is: FR may not send A002"),
        ("wait 60 days", "the form is: after 60 days"),
        ("on 2026-13-01", "'2026-13-01' is not a day"),
        ("expect trouble", "the form is: expect refused"),
        ("import os", "a step looks like: FR sends A001 to BE"),
        ("", "a step looks like: FR sends A001 to BE"),
        ("after 99999999999 weeks", "longer than the calendar"),
    ],
)
def test_what_is_not_understood_shows_the_nearest_form(text: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(text)
    assert hint in str(caught.value)


@given(st.text(max_size=80))
def test_nothing_else_is_read(text: str) -> None:
    words = " ".join(text.split())
    fits = any(re.search(form, words) for form in sentences.FORMS)
    if not fits:
        with pytest.raises(UsageError):
            read(text)


def test_every_kind_of_sentence_stands_in_the_list_of_forms() -> None:
    assert {type(meaning) for _, meaning in SENTENCES} == {Send, May, Local, Leave, Pass, Is, Has, Expect}
    for form in sentences.FORMS:
        assert any(re.search(form, " ".join(text.split())) for text, _ in SENTENCES), form
