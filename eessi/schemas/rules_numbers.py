"""Rules about numbers with check digits: personal numbers by country, IBAN and BIC. By python-stdnum, an optional part."""

from __future__ import annotations

import functools
import importlib
import tomllib
from collections.abc import Callable, Iterator
from importlib.resources import files
from typing import cast

from eessi.findings import Phrase
from eessi.ids import fold_country
from eessi.schemas.explain_places import Draft, masked
from eessi.schemas.rules import RuleCannotCheck, Subject

__all__ = ["bic", "iban", "personal_number", "pin_table"]


@functools.cache
def pin_table() -> dict[str, dict[str, str]]:
    """Country -> row of ``rules_pins.toml``."""
    text = files("eessi.schemas").joinpath("rules_pins.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


@functools.cache
def _is_valid(module: str) -> Callable[..., bool]:
    try:
        return cast(Callable[..., bool], importlib.import_module(module).is_valid)
    except ModuleNotFoundError:
        raise RuleCannotCheck(Phrase("python-stdnum is not installed: pip install 'eessi-toolkit[rules]'")) from None


def personal_number(subject: Subject) -> Iterator[Draft]:
    """A personal number passes the check of the country beside it; countries without a known check are passed over."""
    for number in subject.named("personalIdentificationNumber"):
        country = subject.beside(number, "country")
        text = subject.text(number)
        if country is None or not text or next(iter(number), None) is not None:
            continue
        row = pin_table().get(fold_country(subject.text(country)))
        if row is not None and not _is_valid(row["module"])(text):
            params = {"kind": row["name"]}
            yield subject.warning(
                "RUL-PIN", number, got=masked(text), value=text, expected=(row["name"],), params=params
            )


def iban(subject: Subject) -> Iterator[Draft]:
    """An IBAN has the form of its country and right check digits (ISO 13616); lists of banks age and are not asked."""
    for element in subject.named("IBAN"):
        text = subject.text(element)
        if text and not _is_valid("stdnum.iban")(text, check_country=False):
            yield subject.warning("RUL-IBAN", element, got=masked(text), value=text, expected=(Phrase("an IBAN"),))


def bic(subject: Subject) -> Iterator[Draft]:
    """A BIC has 8 or 11 characters in the form of ISO 9362."""
    for element in subject.named("BICSWIFT", "BIC"):
        text = subject.text(element)
        if text and not _is_valid("stdnum.bic")(text):
            yield subject.warning("RUL-BIC", element, got=masked(text), value=text, expected=(Phrase("a BIC"),))
