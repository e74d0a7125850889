"""A browsable site of a package: every SED with its structure and codes, every process with its rows, a search, no network.

Static files that open from disk. One small script on the first page does the search; everything else is plain HTML.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import attrs

from eessi.errors import UsageError
from eessi.release.difference import Difference
from eessi.release.labels import own_wording
from eessi.schemas import CdmPackage, PackageEntry, Registry
from eessi.schemas.structure import Choice, Element, Facets, Fidelity, Kind, Particle, Structure

__all__ = ["write_site"]

_SCRIPT: Final = """
const rows = JSON.parse(document.getElementById("index").textContent);
const box = document.getElementById("q"), list = document.getElementById("found"), said = document.getElementById("said");
const fold = s => s.normalize("NFKD").replace(/[\\u0300-\\u036f]/g, "").toLowerCase();
for (const row of rows) row.push(fold(row[0] + " " + row[1]));
box.addEventListener("input", () => {
  const words = fold(box.value).split(/\\s+/).filter(Boolean);
  const hits = words.length ? rows.filter(r => words.every(w => r[3].includes(w))) : [];
  list.replaceChildren(...hits.slice(0, 200).map(r => {
    const item = document.createElement("li"), link = document.createElement("a");
    link.href = r[2]; link.textContent = r[0];
    item.append(link, " " + r[1]);
    return item;
  }));
  said.textContent = words.length ? hits.length + " found" + (hits.length > 200 ? ", the first 200 shown" : "") : "";
});
"""


@attrs.frozen(slots=True)
class Line:
    """One line of a structure page: an element, or the word that opens or parts a choice."""

    depth: int
    name: str
    label: str
    own: bool
    kind: str
    occurs: str
    holds: str
    codes: str | None = None
    anchor: str | None = None


def write_site(
    package: CdmPackage,
    folder: Path,
    *,
    difference: Difference | None = None,
    progress: Callable[[int], None] | None = None,
) -> int:
    """Write the site of a package; the number of pages.

    :param difference: a comparison with an older package; its changes are shown with each SED.
    :param progress: called with the number of pages written.
    :raises UsageError: when the folder holds something else.
    """
    if folder.exists() and any(folder.iterdir()) and not (folder / "index.html").exists():
        raise UsageError(f"{folder} holds other files; give an empty or new folder")
    for part in ("sed", "buc"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    registry = Registry((package,))
    index: list[tuple[str, str, str]] = []
    count = 0
    entries = _newest(package)
    for entry in entries:
        structure = registry.structure(entry.sed, entry.version)
        if structure is None:
            continue
        index += list(_write_sed(folder, package, entry, structure, difference))
        count += 1
        if progress is not None:
            progress(count)
    bucs = _write_bucs(folder, {str(entry.sed) for entry in entries})
    index += bucs
    _write_index(folder, package, entries, bucs, index)
    return count + len(bucs) + 1


def _newest(package: CdmPackage) -> list[PackageEntry]:
    newest: dict[str, PackageEntry] = {}
    for entry in package.entries():
        held = newest.get(str(entry.sed))
        if held is None or held.version < entry.version:
            newest[str(entry.sed)] = entry
    return [newest[sed] for sed in sorted(newest)]


def _write_sed(
    folder: Path, package: CdmPackage, entry: PackageEntry, structure: Structure, difference: Difference | None
) -> Iterator[tuple[str, str, str]]:
    from eessi.pages.rendering import render
    from eessi.sed.catalogue import find_sed

    row = find_sed(str(entry.sed))
    lists = {e.codes.name: e.codes for _, e in structure.walk() if e.codes is not None}
    versions = sorted({str(e.version) for e in package.entries() if e.sed == entry.sed})
    changes = [change for change in difference.changes if change.sed == entry.sed] if difference is not None else []
    page = f"sed/{entry.sed}.html"
    values = {
        "package": package,
        "entry": entry,
        "row": row,
        "structure": structure,
        "whole": structure.fidelity in (Fidelity.EXACT, Fidelity.SANDBOX),
        "lines": list(_lines(structure.root.children, 0, "")),
        "lists": [lists[name] for name in sorted(lists)],
        "versions": versions,
        "older": difference.old if difference is not None else None,
        "changes": changes,
    }
    (folder / page).write_text(render("site_sed.html.j2", values), encoding="utf-8")
    yield str(entry.sed), row.title or "", page
    for path, element in structure.walk():
        label = element.labels.get("en") or own_wording(element.name)
        yield f"{entry.sed}/{path}", label, f"{page}#{path}"


def _lines(particles: tuple[Particle, ...], depth: int, path: str) -> Iterator[Line]:
    for particle in particles:
        if isinstance(particle, Choice):
            yield Line(
                depth,
                "",
                "one of" if len(particle.branches) > 1 else "together",
                False,
                "choice",
                _occurs(particle),
                "",
            )
            for number, branch in enumerate(particle.branches):
                if number:
                    yield Line(depth, "", "or", False, "choice", "", "")
                yield from _lines(branch, depth + 1, path)
            continue
        here = f"{path}/{particle.name}".lstrip("/")
        yield _line(particle, depth, here)
        if particle.kind is Kind.GROUP and not particle.recursive:
            yield from _lines(particle.children, depth + 1, here)


def _line(element: Element, depth: int, path: str) -> Line:
    english = element.labels.get("en")
    holds = "signature" if element.kind is Kind.SIGNATURE else _holds(element)
    label = english or own_wording(element.name)
    codes = element.codes.name if element.codes is not None else None
    occurs = _occurs(element) if element.known else "not known"
    return Line(depth, element.name, label, english is None, str(element.kind), occurs, holds, codes, path)


def _occurs(particle: Particle) -> str:
    if particle.max is None:
        return "one or more" if particle.min else "any number"
    if (particle.min, particle.max) == (1, 1):
        return "required"
    if (particle.min, particle.max) == (0, 1):
        return "optional"
    return f"{particle.min} to {particle.max}"


def _holds(element: Element) -> str:
    if element.kind is Kind.GROUP:
        return "as above" if element.recursive else ""
    facets = element.facets or Facets()
    words = [facets.base]
    if facets.min_length is not None or facets.max_length is not None:
        words.append(f"{facets.min_length or 0} to {facets.max_length or 'any number of'} characters")
    for name in ("min_inclusive", "max_inclusive", "min_exclusive", "max_exclusive", "total_digits", "fraction_digits"):
        value = getattr(facets, name)
        if value is not None:
            words.append(f"{name.replace('_', ' ')} {value}")
    words += [f"pattern {pattern}" for pattern in facets.patterns]
    if element.kind is Kind.CODE and element.value_max is None:
        words.append("several codes" + (", none twice" if element.unique_values else ""))
    return ", ".join(words)


def _write_bucs(folder: Path, seds: set[str]) -> list[tuple[str, str, str]]:
    """The pages of every process in which a SED of the package is used."""
    from eessi.buc import all_bucs
    from eessi.pages.process import process_page

    index = []
    for buc in all_bucs():
        used = {str(row.sed) for row in buc.rows} if hasattr(buc, "rows") else set(map(str, buc.starters))
        if used and not used & seds:
            continue
        version = buc.versions[-1]
        page = f"buc/{buc.code}.html"
        (folder / page).write_text(process_page(buc, version), encoding="utf-8")
        index.append((str(buc.code), buc.title or "", page))
    return index


def _write_index(
    folder: Path,
    package: CdmPackage,
    entries: list[PackageEntry],
    bucs: list[tuple[str, str, str]],
    index: list[tuple[str, str, str]],
) -> None:
    from eessi.pages.rendering import embedded_json, render
    from eessi.sed.catalogue import find_sed

    script = hashlib.sha256(_SCRIPT.encode()).digest()
    values = {
        "package": package,
        "seds": [(str(e.sed), find_sed(str(e.sed)).title or "", str(e.fidelity), str(e.version)) for e in entries],
        "bucs": bucs,
        "index": embedded_json(index),
        "script": _SCRIPT,
        "script_hash": base64.b64encode(script).decode(),
    }
    (folder / "index.html").write_text(render("site_index.html.j2", values), encoding="utf-8")
