"""Sequences in their plain form: nothing nested that need not be, one way to say each thing."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from eessi.schemas.structure import Choice, Element, Particle

__all__ = ["repeated", "sequence"]


def sequence(particles: Iterable[Particle]) -> tuple[Particle, ...]:
    """Particles one after the other; a sequence inside that occurs once is opened."""
    opened: list[Particle] = []
    for particle in particles:
        if isinstance(particle, Choice) and len(particle.branches) == 1 and (particle.min, particle.max) == (1, 1):
            opened += particle.branches[0]
        else:
            opened.append(particle)
    return tuple(opened)


def repeated(particles: tuple[Particle, ...], low: int, high: int | None) -> tuple[Particle, ...]:
    """A sequence that occurs ``low`` to ``high`` times (``None`` for unbounded), as few particles as possible."""
    if not particles or high == 0:
        return ()
    if (low, high) == (1, 1):
        return particles
    if len(particles) == 1:
        only = particles[0]
        product = _product(only, low, high)
        if product:
            return (attrs.evolve(only, min=product[0], max=product[1]),)
    return (Choice((particles,), low, high),)


def _product(inner: Element | Choice, low: int, high: int | None) -> tuple[int, int | None] | None:
    """Occurrences of ``inner`` in all, where they are one unbroken range."""
    if (inner.min, inner.max) == (1, 1):
        return low, high
    if (low, high) == (0, 1) and inner.min <= 1:
        return 0, inner.max
    if inner.min == 0 and inner.max is None:
        return 0, None
    if inner.min == 0 and low <= 1 and inner.max is not None:
        return 0, None if high is None else inner.max * high
    if inner.min == 1 and inner.max is None:
        return low, None
    return None
