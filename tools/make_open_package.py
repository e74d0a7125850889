"""Make the tables of the package ``open:4.4`` from the reference facts.

    python tools/make_open_package.py ../shared/reference

Reads ``cdm/elements.json`` (names, order, cardinality, facets and codes, with their sources) and writes
``eessi/schemas/packages/open-4.4/``. Facts only: no sentence of a schema's annotations goes along except the English
texts of codes. Run again after every change of the facts; the tests compare row by row.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent.parent
TARGET = HERE / "eessi" / "schemas" / "packages" / "open-4.4"
DATE = "2026-11-25"
ALL_VERSIONS = ("4.0", "4.1", "4.2", "4.3", "4.4")
S071 = "S071 4.4.0, as published with RAYCOON/XmlSchemaClassGenerator@76444e0b"

Node = dict[str, Any]


def write_table(path: Path, about: str, source: str, rows: Iterable[Node], **more: object) -> None:
    """Write a table: the first line says what it is, whence and of which day; then one row a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    head = {"about": about, "source": source, "date": DATE, "tool": f"tools/{Path(sys.argv[0]).name}", **more}
    lines = [json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in (head, *rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def type_rows(facts: Node) -> Iterator[Node]:
    """One row per basic type: its XML Schema base and facets."""
    for name, row in facts["basic_types"].items():
        facets = {
            "min_length": row.get("minLength") and int(row["minLength"]),
            "max_length": row.get("maxLength") and int(row["maxLength"]),
            "pattern": row.get("pattern"),
        }
        yield {
            "type": name,
            "base": row["base"].removeprefix("xsd:"),
            **{key: value for key, value in facets.items() if value is not None},
            "source": S071,
        }


def code_rows(facts: Node) -> Iterator[Node]:
    """One row per code list: codes with English texts, in the order of the schema."""
    for name, row in facts["code_lists"].items():
        codes = {entry["code"]: entry["en"] for entry in row["codes"]}
        assert len(codes) == len(row["codes"]), name
        yield {"list": name, "multiple": row["multiple"], "codes": codes, "source": S071}


def tree_rows(nodes: list[Node], depth: int = 0) -> Iterator[Node]:
    """One row per node in document order; ``d`` is the depth, so the next deeper rows are its children."""
    for node in nodes:
        if "choice" in node:
            yield {"d": depth, "choice": True, **occurs(node)}
            yield from tree_rows(node["choice"], depth + 1)
        elif "ref" in node:
            assert node["ref"] == "ds:Signature"
            yield {"d": depth, "name": "Signature", "kind": "signature", **occurs(node)}
        else:
            yield element_row(node, depth)
            yield from tree_rows(node.get("children", []), depth + 1)


def occurs(node: Node) -> Node:
    """``min`` and ``max`` where known; ``max`` is ``"unbounded"`` or a number."""
    return {key: node[key] for key in ("min", "max") if node.get(key) is not None}


def element_row(node: Node, depth: int) -> Node:
    kind = {"simple": "leaf", "code": "code", "group": "group"}[node["kind"]]
    kind_of_date = {"date (from values)": "date", "date": "date"}
    row: Node = {"d": depth, "name": node["name"], "kind": kind, **occurs(node)}
    if node.get("type"):
        row["type"] = kind_of_date.get(node["type"], node["type"])
    row |= {key: node[key] for key in ("type_inferred", "seen", "from", "index") if key in node}
    if node.get("multiple") or node.get("multiple_seen"):
        row["multiple"] = True
    if node.get("unique_values"):
        row["unique"] = True
    if "order_known" in node:
        row["order_known"] = node["order_known"]
    return row


def versions_of(sed: Node) -> tuple[list[str], str]:
    """The versions a tree is used for, and what the source states."""
    stated = sed.get("schema_version") or " or ".join(sed["cdm"])
    if sed["cdm"] == ["4.x"]:
        return list(ALL_VERSIONS), "4.x"
    if sed["confidence"] == "exact":
        return ["4.4.0"], "4.4.0"
    return list(sed["cdm"]), stated


def trees(facts: Node) -> Iterator[tuple[str, Node]]:
    for code, sed in facts["seds"].items():
        if sed["elements"]:
            yield code, sed
            for other in sed.get("other_versions", ()):
                yield code, other


def main(reference: Path) -> None:
    facts = json.loads((reference / "cdm" / "elements.json").read_text(encoding="utf-8"))
    for old in TARGET.rglob("*.jsonl"):
        old.unlink()
    write_table(TARGET / "types.jsonl", "Basic types: XML Schema base and facets.", S071, type_rows(facts))
    write_table(TARGET / "codes.jsonl", "Code lists with English texts.", S071, code_rows(facts))
    entries: list[Node] = []
    for code, sed in trees(facts):
        versions, stated = versions_of(sed)
        name = f"{code}-{'4.x' if stated == '4.x' else versions[-1]}"
        source = "; ".join(sed["sources"])
        entries.append(
            {
                "sed": code,
                "versions": versions,
                "stated": stated,
                "fidelity": sed["confidence"],
                "order_known": sed["order_known"],
                "tree": name,
                "source": source,
                **({"note": sed["note"]} if "note" in sed else {}),
            }
        )
        about = f"Elements of {code}, CDM {stated}: {sed['confidence']}."
        write_table(TARGET / "trees" / f"{name}.jsonl", about, source, tree_rows(sed["elements"]))
    write_table(
        TARGET / "entries.jsonl",
        "SEDs whose tree is known from open sources: S071 exactly, the others in part (they describe, never refuse).",
        "shared facts: cdm/elements.json",
        entries,
        package="open",
        version="4.4",
        releases=["3.1", *ALL_VERSIONS],
    )
    print(f"{len(entries)} trees in {TARGET.relative_to(HERE)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
