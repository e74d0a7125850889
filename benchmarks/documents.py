"""Documents and peers that the benchmarks share: many different synthetic documents of S071 4.4, and parsers without extras."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import sys
import tempfile
from pathlib import Path
from types import ModuleType

from lxml import etree

from eessi.schemas import Registry
from eessi.schemas.generator import generate
from eessi.schemas.structure import Kind, Structure
from eessi.sed.plan import FieldPlan, plan_of

__all__ = [
    "SIZES",
    "documents",
    "hardened_parser",
    "pydantic_xml_module",
    "registry",
    "schema_file",
    "structure",
    "xsdata_module",
]

SIZES = {"5 KB": (5_000, 40), "50 KB": (50_000, 12)}
"""Name -> about how many bytes a document has, and how many different ones there are."""


@functools.cache
def registry() -> Registry:
    """The packages that ship."""
    return Registry.default()


@functools.cache
def structure() -> Structure:
    """The tree of S071 4.4, which the open package knows exactly."""
    found = registry().structure("S071", "4.4")
    assert found is not None
    return found


@functools.cache
def documents(size: str) -> tuple[bytes, ...]:
    """Different valid documents of a size, every optional field filled."""
    about, count = SIZES[size]
    found = (generate(structure(), seed, size="full", about_bytes=about).data for seed in range(count * 3))
    return tuple(sorted(found, key=lambda data: abs(len(data) - about))[:count])


def schema_file(folder: Path) -> Path:
    """The schema of S071 4.4: the published one where it is at hand, else the one that the open package makes."""
    published = Path(__file__).parent.parent.parent / "shared/reference/cdm"
    found = sorted(published.rglob("S071-4.4*.xsd"))
    if found:
        return found[0]
    entry = registry().find("S071", "4.4")
    assert entry is not None
    sources = entry.sources()
    for name, content in sources.files.items():
        (folder / name).write_bytes(content)
    return folder / sources.main


def hardened_parser() -> etree.XMLParser:
    """What everybody has to do at least: no entities, no DTD, no network."""
    return etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True, remove_pis=True
    )


def _import(path: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _xml_type(field: FieldPlan) -> tuple[str, str]:
    """Type and kind of field of pydantic-xml, which wants code wrappers as they stand."""
    if field.block is not None:
        return field.block.name, "element"
    if field.kind is Kind.LEAF:
        facets = field.facets
        limits = [
            f"{name}={value}"
            for name, value in (("min_length", facets.min_length), ("max_length", facets.max_length))
            if value
        ]
        if facets.patterns:
            limits.append(f"pattern={'^(?:' + facets.patterns[0] + ')$'!r}")
        if facets.base == "date":
            return (
                r"Annotated[str, Field(pattern=r'^\d{4}-\d\d-\d\d(Z|[+-]\d\d:\d\d)?$')]",
                "element",
            )  # with time zones
        return f"Annotated[str, Field({', '.join(limits)})]", "element"
    inner = (
        f"Literal{list(field.facets.enumeration or field.codes.values if field.codes else field.facets.enumeration)!r}"
    )
    return f"List[{inner}]" if field.values else inner, "wrapped"


@functools.cache
def pydantic_xml_module() -> ModuleType:
    """Models of pydantic-xml with the facets and code lists of the schema, made from the same plan."""
    plan = plan_of(structure())
    lines = ["import datetime", "from typing import Annotated, List, Literal, Optional", "from pydantic import Field",
             "from pydantic_xml import BaseXmlModel, attr, element, wrapped", ""]  # fmt: skip
    for block in plan.blocks:
        root = block is plan.root
        space = (
            f", tag='{plan.structure.root.name}', ns='s', nsmap={{'s': {plan.structure.namespace!r}, '': ''}}"
            if root
            else ""
        )
        lines.append(f"class {block.name}(BaseXmlModel{space}, search_mode='ordered'):")
        for field in block.fields:
            kind, how = _xml_type(field)
            kind = f"List[{kind}]" if field.many else kind
            kind = kind if field.required else f"Optional[{kind}]"
            default = "" if field.required else "default=None, "
            space = ", ns=''" if root else ""
            call = f"element({default}tag={field.tag!r}{space})" if how == "element" else \
                f"wrapped({field.tag!r}, element({default}tag='value'), {default.rstrip(', ')})"  # fmt: skip
            lines.append(f"    {field.name}: {kind} = {call}")
        if root:
            lines += [f"    {name}: Optional[str] = attr(default=None)" for name in ("sedPackage", "sedGVer", "sedVer")]
        lines.append("")
    folder = Path(tempfile.mkdtemp())
    path = folder / "pydantic_xml_s071.py"
    path.write_text("\n".join(lines), "utf-8")
    return _import(path, "pydantic_xml_s071")


@functools.cache
def xsdata_module() -> ModuleType:
    """Dataclasses that xsdata generates from the schema of the open package."""
    import os

    from xsdata.codegen.transformer import ResourceTransformer
    from xsdata.models.config import GeneratorConfig

    found = registry().find("S071", "4.4")
    assert found is not None
    sources = found.sources()
    folder = Path(tempfile.mkdtemp())
    for name, data in sources.files.items():
        (folder / name).write_bytes(data)
    config = GeneratorConfig()
    config.output.package = "xsdata_s071"
    before, path = Path.cwd(), os.environ.get("PATH", "")
    os.chdir(folder)
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{path}"  # it formats with ruff
    try:
        ResourceTransformer(config=config).process([(folder / sources.main).as_uri()])
    finally:
        os.chdir(before)
        os.environ["PATH"] = path
    sys.path.insert(0, str(folder))
    return importlib.import_module("xsdata_s071")
