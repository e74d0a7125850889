"""Write eessi/sed/data/nav.toml: which path of the NAV JSON is which path of the SED.

Usage: python tools/make_nav_table.py ../shared/reference/cdm/elements.json eessi/sed/data/nav.toml
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

HEAD = """\
# NAV JSON: path of a datum there and in the SED. Source: element inventory (elements.json, member nav of the nodes), whose sources are named per SED; 2026-11.
# Made by tools/make_nav_table.py; change the facts, not this file.
# sed: code, version the names were seen with, sources; pairs: nav path ([] = list), SED path, code = true for a code element,
# source = numbers of the sources of that SED which can have given the pair.
# word: a word that NAV writes where the SED has a code; at = end of the NAV path, or "*" for any code element, sed = only there.
"""

WORDS = (
    ("*", "ja", "1", "CDM wire facts, sections 4 and 11 (yes/no: 1 and 0, words ja and nei)"),
    ("*", "nei", "0", "CDM wire facts, sections 4 and 11 (yes/no: 1 and 0, words ja and nei)"),
    ("kjoenn", "m", "01", "CDM wire facts, section 11 (m/k/u); S071 4.4.0 EESSISexType: 01 Male"),
    ("kjoenn", "k", "02", "CDM wire facts, section 11 (m/k/u); S071 4.4.0 EESSISexType: 02 Female"),
    ("kjoenn", "u", "98", "CDM wire facts, section 11 (m/k/u); S071 4.4.0 EESSISexType: 98 Unknown"),
    ("adresse[].type", "bosted", "01", "element inventory, code notes: type of address 01 residence; word read by us"),
    ("adresse[].type", "opphold", "02", "element inventory, code notes: type of address 02 stay; word read by us"),
    ("adresse[].type", "kontakt", "03", "element inventory, code notes: type of address 03 contact; word read by us"),
    ("formaal", "endringsmelding", "01", "element inventory, code notes: A008 PurposeofSED"),
    ("formaal", "arbeid_flere_land", "02", "element inventory, code notes: A008 PurposeofSED"),
)


def nodes(elements: list[dict], path: str = "") -> Iterator[tuple[str, dict]]:
    """Every node with its path below the root."""
    for element in elements:
        here = f"{path}/{element['name']}".lstrip("/") if "name" in element else path
        if "name" in element:
            yield here, element
        yield from nodes(element.get("children") or element.get("choice") or [], here)


def likely(sources: list[str]) -> list[int]:
    """Numbers of the sources that hold mappings; all where none says so."""
    found = [n for n, text in enumerate(sources, 1) if re.search(r"mapping|sedFlyt|P4000_v4\.0|P6000_EU", text)]
    return found or list(range(1, len(sources) + 1))


def main(source: Path, target: Path) -> None:
    """Write the table."""
    seds = json.loads(source.read_text(encoding="utf-8"))["seds"]
    lines = [HEAD]
    for code, sed in seds.items():
        pairs = [(path, node) for path, node in nodes(sed["elements"]) if node.get("nav")]
        if not pairs:
            continue
        lines += ["[[sed]]", f'code = "{code}"']
        if sed.get("schema_version"):
            lines.append(f'version = "{sed["schema_version"]}"')
        lines += [f"sources = {json.dumps(sed['sources'], ensure_ascii=False)}", "pairs = ["]
        numbers = json.dumps(likely(sed["sources"]))
        for path, node in pairs:
            nav = node["nav"].removeprefix("$").replace("[x]", "[]")
            code_mark = ", code = true" if node["kind"] == "code" else ""
            lines.append(f'  {{ nav = "{nav}", sed = "{path}"{code_mark}, source = {numbers} }},')
        lines += ["]", ""]
    for at, word, value, origin in WORDS:
        sed_only = ', sed = "A008"' if at == "formaal" else ""
        lines.append(f'[[word]]\nat = "{at}"\nword = "{word}"\ncode = "{value}"\nsource = "{origin}"')
        lines.append(sed_only.removeprefix(", ") + "\n" if sed_only else "")
    target.write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
