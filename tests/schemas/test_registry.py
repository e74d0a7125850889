"""Which schema applies: by fidelity, origin, patch level and day; registries never change."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import attrs
import pytest
from lxml import etree

from eessi.errors import ContentChanged, PackageError, UnknownCode, UsageError
from eessi.ids import CdmVersion, SedType
from eessi.schemas import CdmPackage, Element, Facets, Fidelity, Kind, Origin, Registry, Structure
from eessi.schemas.compiled import Kept
from eessi.schemas.importer import package_of
from eessi.schemas.xsdwriter import FIDELITY_SOURCE, write
from tests.schemas.documents import S071


def schema_text(sed: str = "S071", version: str = "4.4.0", leaf: str = "town", longest: int = 65) -> bytes:
    """An official-looking schema with one leaf, so that packages can be told apart by what they accept."""
    cdm = CdmVersion.parse(version)
    child = Element(name=leaf, kind=Kind.LEAF, facets=Facets(min_length=1, max_length=longest))
    root = Element(name=sed, kind=Kind.GROUP, children=(child,))
    text = write(Structure(SedType(sed), cdm, cdm.namespace(sed), root))
    mark = text.index("<xsd:annotation>"), text.index("</xsd:annotation>") + len("</xsd:annotation>")
    assert FIDELITY_SOURCE in text[slice(*mark)]
    return (text[: mark[0]] + text[mark[1] :]).encode()


def package(
    name: str = "cdm", version: str = "4.4.0", files: dict[str, bytes] | None = None, **more: object
) -> CdmPackage:
    files = files or {"S071-4.4.xsd": schema_text(version=version)}
    return package_of(files, source="test", name=name, version=version, **more)  # type: ignore[arg-type]  # passed through


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def test_what_ships() -> None:
    registry = Registry.default()
    assert [package.coordinates for package in registry.packages] == ["open:4.4", "sandbox:1.0", "sandbox:1.1"]
    assert registry is Registry.default()


def test_adding_gives_a_new_registry_and_leaves_the_old_alone() -> None:
    old = Registry.default()
    new = old.add(package())
    assert len(old.packages) == 3
    assert [p.coordinates for p in new.packages] == ["open:4.4", "sandbox:1.0", "sandbox:1.1", "cdm:4.4.0"]
    before, after = old.find("S071", "4.4"), new.find("S071", "4.4")
    assert before is not None
    assert after is not None
    assert (before.coordinates, after.coordinates) == ("open:4.4", "cdm:4.4.0")
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        new.packages = ()  # type: ignore[misc]  # the point of the test


def test_adding_the_same_twice_changes_nothing() -> None:
    once = Registry.default().add(package())
    assert once.add(package()) is once


def test_one_changed_byte_under_a_known_version_is_refused() -> None:
    registry = Registry.default().add(package())
    changed = package(files={"S071-4.4.xsd": schema_text().replace(b'"65"', b'"66"')})
    with pytest.raises(ContentChanged, match=r"cdm:4\.4\.0") as caught:
        registry.add(changed)
    assert caught.value.exit_code == 5


def test_the_shipped_coordinates_cannot_be_taken() -> None:
    with pytest.raises(ContentChanged, match=r"open:4\.4"):
        Registry.default().add(package(name="open", version="4.4", files={"S071-4.4.xsd": schema_text()}))


def test_official_exact_before_open_exact_before_observed() -> None:
    registry = Registry.default()
    assert registry.find("A001", "4.4").fidelity is Fidelity.OBSERVED  # type: ignore[union-attr]  # it is there
    official = registry.add(package(files={"A001-4.4.xsd": schema_text("A001")}))
    found = official.find("A001", "4.4")
    assert found is not None
    assert (found.package.origin, found.fidelity) == (Origin.OFFICIAL, Fidelity.EXACT)


def test_a_package_can_be_asked_for() -> None:
    registry = Registry.default().add(package())
    for name in ("open:4.4", "open"):
        found = registry.find("S071", "4.4", package=name)
        assert found is not None
        assert found.coordinates == "open:4.4"
    with pytest.raises(UnknownCode, match=r"did you mean open:4\.4"):
        registry.find("S071", "4.4", package="open:4.5")
    with pytest.raises(UsageError):
        registry.find("S071", "4.4", package="open:4.4:1")


def test_without_patch_level_the_latest_and_with_one_only_that() -> None:
    files = {f"S071-4.4.{patch}.xsd": schema_text(version=f"4.4.{patch}") for patch in (0, 2, 10)}
    registry = Registry.default().add(package(version="4.4", files=files))
    assert found_version(registry, "4.4") == "4.4.10"
    assert found_version(registry, "4.4.2") == "4.4.2"
    assert registry.find("S071", "4.4.3", package="cdm") is None
    assert registry.find("S071", "4.5") is None


def found_version(registry: Registry, version: str, as_of: dt.date | None = None) -> str:
    found = registry.find("S071", version, as_of)
    assert found is not None
    return str(found.entry.version)


def test_of_two_releases_of_one_version_the_later_unless_the_day_is_before_it() -> None:
    files = {
        "S071-4.4.0-20240101T000000.xsd": schema_text(leaf="early"),
        "S071-4.4.0-20241203T114212.xsd": schema_text(leaf="late"),
    }
    registry = Registry.default().add(package(files=files))
    assert leaf(registry) == "late"
    assert leaf(registry, day("2024-06-01")) == "early"
    assert leaf(registry, day("2024-12-03")) == "late"


def leaf(registry: Registry, as_of: dt.date | None = None) -> str:
    structure = registry.structure("S071", "4.4", as_of, package="cdm")
    assert structure is not None
    return next(structure.root.elements()).name


def test_as_of_gives_the_verdict_of_that_day() -> None:
    """The same document, refused on one day and accepted on the next."""
    old = package(version="4.4.0", valid_from=day("2025-01-01"), valid_to=day("2026-01-01"))
    new = package(
        version="4.4.1",
        files={"S071-4.4.xsd": schema_text(version="4.4.1", longest=100)},
        valid_from=day("2026-01-01"),
        replaces="cdm:4.4.0",
    )
    registry = Registry().add(old).add(new)
    namespace = CdmVersion(4, 4).namespace("S071")
    document = etree.fromstring(f'<s:S071 xmlns:s="{namespace}"><town>{"x" * 80}</town></s:S071>')
    for as_of, verdict in (("2025-12-31", False), ("2026-01-01", True), ("2030-01-01", True)):
        schema = registry.schema("S071", "4.4", day(as_of))
        assert schema is not None
        assert schema.validate(document) is verdict, as_of
    assert registry.find("S071", "4.4", day("2024-12-31")) is None
    assert found_version(registry, "4.4") == "4.4.1"


def test_a_replaced_package_gives_way_whatever_the_order() -> None:
    first = package(name="zz", files={"S071-4.4.xsd": schema_text(leaf="first")})
    second = package(name="aa", files={"S071-4.4.xsd": schema_text(leaf="second")}, replaces="zz:4.4.0")
    for registry in (Registry().add(first).add(second), Registry().add(second).add(first)):
        found = registry.find("S071", "4.4")
        assert found is not None
        assert found.coordinates == "aa:4.4.0"


@pytest.mark.parametrize(
    "more",
    [
        {"valid_from": day("2026-01-01"), "valid_to": day("2026-01-01")},
        {"replaces": "not a package"},
        {"name": "a b"},
        {"name": ".."},
    ],
)
def test_nonsense_is_refused(more: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        package(**more)  # type: ignore[arg-type]  # passed through


def test_a_schema_that_does_not_compile_is_a_package_error_every_time() -> None:
    broken = schema_text().replace(b'base="xsd:string"', b'base="xsd:strong"')
    registry = Registry().add(package(files={"S071-4.4.xsd": broken}))
    for _ in range(2):
        with pytest.raises(PackageError, match=r"cdm:4\.4\.0, S071 4\.4\.0: the schema does not compile") as caught:
            registry.schema("S071", "4.4")
        assert caught.value.exit_code == 5
        assert "\n" not in str(caught.value)


def test_compiled_schemas_are_kept_and_bounded() -> None:
    registry = Registry(Registry.default().packages)
    assert registry.schema("S071", "4.4") is registry.schema("S071", "4.4.0")
    for entry in registry.package("sandbox:1.0").entries():
        assert registry.schema(entry.sed, entry.version) is not None
    assert len(registry._schema_cache) == 64
    assert registry.add(package())._schema_cache is registry._schema_cache


def test_many_threads_get_one_schema() -> None:
    registry = Registry(Registry.default().packages)
    start = threading.Barrier(8)

    def ask(_: int) -> tuple[int, bool]:
        start.wait()
        schema = registry.schema("S071", "4.4")
        assert schema is not None
        return id(schema), all(schema.validate(etree.fromstring(S071)) for _ in range(20))

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, range(8)))
    assert len({identity for identity, _ in answers}) == 1
    assert all(valid for _, valid in answers)


def test_what_fails_is_not_kept() -> None:
    kept: Kept[int] = Kept(2)
    with pytest.raises(ZeroDivisionError):
        kept.get("a", lambda: 1 // 0)
    assert kept.get("a", lambda: 1) == 1
    assert kept.get("a", lambda: 2) == 1
    kept.get("b", lambda: 2)
    kept.get("c", lambda: 3)
    assert len(kept) == 2
    assert kept.get("a", lambda: 4) == 4


def test_the_way_to_the_first_schema_is_light() -> None:
    """No second validator, no pydantic, no archive reader on the way to a compiled schema."""
    code = (
        "import sys, eessi; eessi.Registry.default().schema('S071', '4.4');"
        "print([name for name in ('pydantic', 'xmlschema', 'zipfile', 'tarfile', 'click', 'sqlalchemy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
