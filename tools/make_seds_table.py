"""Write eessi/sed/data/seds.toml from the catalogue of reference facts.

Usage: python tools/make_seds_table.py ../shared/reference/catalogue/seds.json eessi/sed/data/seds.toml
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

HEAD = """\
# List of SEDs: codes, sectors, titles by language, direction, processes. Source: catalogue of reference facts (its SOURCES names every source id used here); 2026-11.
# Made by tools/make_seds_table.py; change the facts, not this file.
# titles.<lang>: text, basis (official = heading of a published form; derived_from_flow = a description, not a title), source, confidence.
# direction: case_owner, counterparty, either, varies; senders: the same per process. cdm_versions: where a source names the SED.
"""
NB_SOURCE = "euxweb or epeux"


def toml(value: object) -> str:
    """One value in TOML; JSON strings, lists of strings and booleans are TOML too."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {toml(inner)}" for key, inner in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)


def titles(row: dict) -> dict[str, dict[str, str]]:
    """All titles of a row by language, English first."""
    found: dict[str, dict[str, str]] = {}
    if row["title_en"]:
        found["en"] = {
            "text": row["title_en"],
            "basis": row["title_basis"],
            "source": row["title_source"],
            "confidence": row["title_confidence"],
        }
    for lang, text in sorted((row["titles"] or {}).items()):
        source = (row["titles_sources"] or {}).get(lang) or (NB_SOURCE if lang == "nb" else None)
        found[lang] = {"text": text, "basis": "official" if source == "ch-bsv" else None, "source": source}
    return {lang: {key: part for key, part in title.items() if part} for lang, title in found.items()}


def table_row(row: dict) -> dict[str, object]:
    """The fields of one row of the table; empty ones are left out."""
    fields = {
        "code": row["code"],
        "sector": row["sector"],
        "series": row["series"],
        "administrative": row["administrative"] or None,
        "direction": row["direction"]["summary"],
        "senders": row["direction"]["sender_by_buc"],
        "bucs": row["bucs"],
        "starter_of": row["starter_of"],
        "horizontal_in": row["horizontal_in"],
        "legal_basis": row["legal_basis"],
        "cdm_versions": row["cdm_versions"],
        "form_versions": row["model_versions_on_published_forms"],
        "note": " ".join(row.get("notes") or []) if isinstance(row.get("notes"), list) else row.get("notes"),
        "confidence": row["confidence"],
        "sources": row["sources"],
    }
    return {key: value for key, value in fields.items() if value}


def main(source: Path, target: Path) -> None:
    """Write the table."""
    parts = [HEAD]
    for row in sorted(json.loads(source.read_text(encoding="utf-8")), key=lambda row: row["code"]):
        parts.append("\n[[sed]]")
        parts += [f"{key} = {toml(value)}" for key, value in table_row(row).items()]
        parts += [f"titles.{lang} = {toml(title)}" for lang, title in titles(row).items()]
    target.write_text("\n".join(parts) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
