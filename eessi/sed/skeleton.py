"""An empty SED to fill in by hand: every element in its place, with what may stand there as a comment."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import quoteattr

from eessi.schemas.structure import Choice, Element, Facets, Particle, Structure

__all__ = ["describe", "skeleton"]

_CODES_SHOWN = 12


def skeleton(structure: Structure, *, package: str, required_only: bool = False) -> str:
    """The skeleton of a SED as XML text.

    Of a choice the first branch is written, the others are named. The result is well-formed and, until it is filled,
    not valid.

    :param package: coordinates of the package, named in the head. :param required_only: leave optional parts out.
    """
    code, version = structure.sed, structure.version
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f"<!-- {code} in version {version}: fill the elements, then remove what stays empty. -->",
        f"<!-- The tree is that of {package} and is {structure.fidelity}; "
        + ("what it says holds. -->" if structure.fidelity == "exact" else "parts may be missing or wrong. -->"),
    ]
    if structure.namespace.startswith("urn:eessi-toolkit:"):
        lines.append("<!-- A sandbox document of the toolkit, not one of EESSI. -->")
    lines.append(
        f'<s:{code} xmlns:s={quoteattr(structure.namespace)} sedGVer="{version.major}" sedVer="{version.minor}">'
    )
    lines.extend(_particles(structure.root.children, "  ", required_only))
    lines.append(f"</s:{code}>")
    return "\n".join(lines) + "\n"


def _particles(particles: tuple[Particle, ...], pad: str, required_only: bool) -> Iterator[str]:
    for particle in particles:
        if isinstance(particle, Choice):
            yield from _choice(particle, pad, required_only)
        else:
            yield from _element(particle, pad, required_only)


def _choice(choice: Choice, pad: str, required_only: bool) -> Iterator[str]:
    if required_only and choice.min == 0:
        return
    names = [" + ".join(_names(branch)) or "nothing" for branch in choice.branches]
    yield f"{pad}<!-- {_how_often(choice.min, choice.max, True)}, one of: {' | '.join(names)} -->"
    yield from _particles(choice.branches[0], pad, required_only)


def _names(branch: tuple[Particle, ...]) -> Iterator[str]:
    for particle in branch:
        if isinstance(particle, Choice):
            yield "(" + " | ".join(" + ".join(_names(inner)) for inner in particle.branches) + ")"
        else:
            yield particle.name


def _element(element: Element, pad: str, required_only: bool) -> Iterator[str]:
    if element.kind == "signature" or (required_only and element.min == 0 and element.known):
        return
    note = _comment(describe(element))
    name = element.name
    if element.kind == "group":
        yield f"{pad}<!-- {note} -->"
        if element.recursive:
            yield f"{pad}<!-- {name}: again as above -->"
            return
        yield f"{pad}<{name}>"
        yield from _particles(element.children, pad + "  ", required_only)
        yield f"{pad}</{name}>"
    elif element.kind == "code":
        yield f"{pad}<{name}><value></value></{name}> <!-- {note} -->"
    else:
        yield f"{pad}<{name}></{name}> <!-- {note} -->"


def describe(element: Element) -> str:
    """What may stand at an element, in a few words: how often, of which form, which codes."""
    parts = [_how_often(element.min, element.max, element.known)]
    if element.kind == "code":
        parts.append("several codes" if element.value_max is None else "code")
        if element.codes is not None:
            codes = element.codes.codes
            shown = ", ".join(f"{code.value} {code.label}" if code.label != code.value else code.value
                              for code in codes[:_CODES_SHOWN])  # fmt: skip
            parts.append(shown + (f", ... {len(codes)} in all" if len(codes) > _CODES_SHOWN else ""))
    elif element.kind == "leaf" and element.facets is not None:
        parts.append(_form(element.facets))
    label = element.labels.get("en")
    return "; ".join(part for part in (*parts, label) if part)


def _how_often(least: int, most: int | None, known: bool) -> str:
    if not known:
        return "repeats" if most is None or most > 1 else "seen"
    word = "required" if least else "optional"
    if most is None:
        return f"{word}, any number"
    return f"{word}, up to {most}" if most > 1 else word


def _form(facets: Facets) -> str:
    least, most = facets.min_length, facets.max_length
    length = facets.length
    size = f" of {length}" if length is not None else f" of {least or 0} to {most}" if most is not None else ""
    base = "text" if facets.base in ("string", "normalizedString", "token") else facets.base
    values = ", ".join(facets.enumeration[:_CODES_SHOWN])
    return f"{base}{size}" + (f" ({values})" if values else "")


def _comment(text: str) -> str:
    """Two hyphens may not stand in a comment."""
    return text.replace("--", "- -").rstrip("-")
