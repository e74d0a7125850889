"""Synthetic documents of any tree, for the tests of typed content. All persons are invented."""

from __future__ import annotations

import random
from xml.sax.saxutils import escape

from eessi.schemas.structure import Choice, Element, Facets, Kind, Particle, Structure

WORDS = [
    "Müller",
    "Οδός",
    "Žižkov",
    "Smith",
    "Łódź",
    "Åse",
    "García",
    "Quinn",
    "Πέτρος",
    "Иван",
    "Saint-Étienne",
    "north",
    "west",
    "A&B",
    "x<y",
]


def leaf_text(facets: Facets, rnd: random.Random) -> str:
    """A value that the facets allow, for the kinds of facets that EESSI schemas have."""
    if facets.enumeration:
        return rnd.choice(facets.enumeration)
    if facets.base == "date":
        zone = rnd.choice(["", "", "", "Z", "+02:00"])
        return f"{rnd.randint(1930, 2025)}-{rnd.randint(1, 12):02}-{rnd.randint(1, 28):02}{zone}"
    if facets.base not in ("string", "normalizedString", "token"):
        return "1"
    if facets.patterns:
        return f"{rnd.choice(['BE', 'FR', 'EL'])}:{rnd.randint(1000, 9999999999)}"
    text = " ".join(rnd.choice(WORDS) for _ in range(rnd.randint(1, 3)))
    return (text[: facets.max_length] if facets.max_length else text).strip()


def content(particles: tuple[Particle, ...], rnd: random.Random, fill: float, depth: int = 0) -> str:
    """The children of an element; optional ones with probability ``fill``."""
    pieces = []
    for particle in particles:
        if isinstance(particle, Choice):
            pieces.append(content(rnd.choice(particle.branches), rnd, fill, depth))
        elif particle.kind is not Kind.SIGNATURE and (particle.required or rnd.random() < fill) and depth < 12:
            most = 3 if particle.is_list and particle.max is None else min(particle.max or 3, 3)
            pieces.extend(
                element(particle, rnd, fill, depth) for _ in range(rnd.randint(max(1, particle.min), max(1, most)))
            )
    return "".join(pieces)


def element(node: Element, rnd: random.Random, fill: float, depth: int) -> str:
    if node.kind is Kind.LEAF:
        inside = escape(leaf_text(node.facets or Facets(), rnd))
    elif node.kind is Kind.CODE:
        codes = node.codes.values if node.codes else node.facets.enumeration if node.facets else ()
        count = 1 if node.value_max == 1 or len(codes) < 3 else rnd.randint(1, 3)
        inside = "".join(f"<value>{code}</value>" for code in rnd.sample(codes or ("01",), count))
    else:
        inside = content(node.children, rnd, fill, depth + 1)
    return f"<{node.name}>{inside}</{node.name}>"


def document(structure: Structure, seed: int, fill: float = 0.7) -> bytes:
    """A document of a tree, valid where the tree is exact and its facets are of the usual kinds."""
    rnd = random.Random(seed)
    sed, space = structure.root.name, structure.namespace
    version = structure.version
    head = (
        f'<s:{sed} xmlns:s="{space}" sedPackage="Synthetic/{sed}" sedGVer="{version.major}" sedVer="{version.minor}">'
    )
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n{head}{content(structure.root.children, rnd, fill)}</s:{sed}>'
    return text.encode()
