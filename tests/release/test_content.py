"""Content models as languages: what is allowed, what is shortest, where two differ."""

from __future__ import annotations

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from eessi.release.content import automaton, restricted, shortest, shortest_between, shortest_ordered, with_optional
from eessi.schemas.structure import Choice, Element, Particle
from tests.release.trees import leaf, particles

MODEL: tuple[Particle, ...] = (leaf("a"), leaf("b", 0, None), Choice(((leaf("c"),), (leaf("d", 0), leaf("e")))))


def as_regex(model: tuple[Particle, ...]) -> str:
    """The same model as a regular expression over one-letter names: an independent reading."""
    text = ""
    for particle in model:
        if isinstance(particle, Element):
            inner = f"(?:{particle.name[-1]})"
        else:
            inner = "(?:" + "|".join(as_regex(branch) for branch in particle.branches) + ")"
        text += f"{inner}{{{particle.min},{'' if particle.max is None else particle.max}}}"
    return text


def test_allows_what_the_model_says() -> None:
    model = automaton(MODEL)
    assert model.allows(["a", "c"])
    assert model.allows(["a", "b", "b", "d", "e"])
    assert not model.allows(["a", "c", "e"])
    assert not model.allows(["c"])


@given(particles(depth=0), st.lists(st.sampled_from("ABCDEFGH"), max_size=7))
@settings(max_examples=300)
def test_agrees_with_a_regular_expression(model: tuple[Particle, ...], word: list[str]) -> None:
    names = [f"name{letter}" for letter in word]
    assert automaton(model).allows(names) == bool(re.fullmatch(as_regex(model), "".join(word)))


@given(particles(depth=0), particles(depth=0))
@settings(max_examples=200)
def test_a_difference_is_one(one: tuple[Particle, ...], two: tuple[Particle, ...]) -> None:
    first, second = automaton(one), automaton(two)
    word = shortest_between(first, second)
    if word is not None:
        assert first.allows(word)
        assert not second.allows(word)


@given(particles(depth=0))
def test_nothing_differs_from_itself(model: tuple[Particle, ...]) -> None:
    assert shortest_between(automaton(model), automaton(model)) is None


def test_shortest_counts_and_orders() -> None:
    model = automaton(MODEL)
    assert shortest(model) == ("a", "c")
    assert shortest(model, name="b", at_least=2) == ("a", "b", "b", "c")
    assert shortest(model, name="c", at_most=0) == ("a", "e")
    assert shortest(model, name="a", at_least=2) is None
    assert shortest_ordered(model, "b", "d") == ("a", "b", "d", "e")
    assert shortest_ordered(model, "d", "b") is None


def test_restricting_and_relaxing() -> None:
    assert automaton(restricted(MODEL, frozenset("ac"))).allows(["a"])
    assert automaton(with_optional(MODEL, "a")).allows(["c"])
