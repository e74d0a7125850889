"""Models enforce every facet and code list of an exact package, and hold what documents hold."""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import attrs
import pydantic
import pytest

from eessi import _xml
from eessi.errors import UsageError
from eessi.ids import SedType
from eessi.schemas import CdmPackage, Registry
from eessi.schemas.structure import Choice, Element, Facets, Kind, Structure
from eessi.sed import Sed
from eessi.sed.models import Code, RootModel, as_model, findings_of, models_of
from eessi.sed.modelsource import module_source
from eessi.sed.plan import FieldPlan, plan_of
from eessi.sed.records import records_of
from tests.sed.grown import document
from tests.sed.test_records import HOSTILE, SIGNATURE, leaf, same, small, structure_of, wrapped

DEFAULT = Registry.default()


def content_of(structure: Structure, seed: int) -> dict[str, object]:
    """The content of a full document as nested dicts."""
    data = document(structure, seed, fill=1.0)
    found = records_of(structure).read_plain(data, _xml.parse(data))
    assert found is not None
    return found[0]


def places(content: dict[str, object], field_path: str) -> Iterator[tuple[dict[str, object], str]]:
    """Every dict that holds the last name of a path, through lists."""
    head, _, rest = field_path.partition("/")
    if not rest:
        if head in content:
            yield content, head
        return
    below = content.get(head, ())
    for one in below if isinstance(below, tuple) else (below,):
        assert isinstance(one, dict)
        yield from places(one, rest)


def broken(field: FieldPlan) -> Iterator[tuple[str, object]]:
    """Values that break one facet or the code list of a field, with the finding each deserves."""
    facets = field.facets
    one = (lambda bad: (bad,)) if field.values else (lambda bad: bad)
    if field.kind is Kind.CODE and (facets.enumeration or (field.codes and not facets.patterns)):
        yield "SCH-CODE", one("no such code")
        yield "SCH-CODE", one("")
        if field.element.unique_values:
            code = (facets.enumeration or field.codes.values)[0]  # type: ignore[union-attr]  # one of both is there
            yield "SCH-DUPLICATE", (code, code)
    elif facets.base == "date":
        yield "SCH-DATE-FORM", "1.2.2020"
        yield "SCH-DATE-IMPOSSIBLE", "2021-02-29"
        yield "SCH-DATE-FORM", "2020-W01-1"
    elif facets.patterns:
        yield "SCH-PATTERN", "?"
    elif facets.base == "string":
        if facets.min_length:
            yield "SCH-EMPTY", ""
        if facets.max_length:
            yield "SCH-TOO-LONG", "x" * (facets.max_length + 1)


def _exact() -> list[Structure]:
    found = []
    for package in DEFAULT.packages:
        for entry in package.entries():
            if entry.fidelity == "exact":
                structure = DEFAULT.structure(entry.sed, entry.version, package=package.coordinates)
                assert structure is not None
                found.append(structure)
    return found


CASES = [
    pytest.param(structure, path, field, rule, bad, id=f"{structure.sed}-{path}-{rule}-{number}")
    for structure in _exact()
    for path, field in plan_of(structure).walk()
    for number, (rule, bad) in enumerate(broken(field))
]


@pytest.mark.parametrize(("structure", "path", "field", "rule", "bad"), CASES)
def test_every_facet_and_code_list_is_enforced(
    structure: Structure, path: str, field: FieldPlan, rule: str, bad: object
) -> None:
    models = models_of(structure)
    for seed in range(12):  # until a document has that place
        content = content_of(structure, seed)
        found = next(places(content, path), None)
        if found is not None:
            break
    assert found is not None
    models.cls.model_validate(content)
    holder, name = found
    holder[name] = (bad,) if field.many else bad
    with pytest.raises(pydantic.ValidationError) as refused:
        models.cls.model_validate(content)
    findings = findings_of(refused.value)
    assert {finding.id for finding in findings} == {rule}
    assert all(finding.path and finding.path.startswith(f"{structure.sed}/") for finding in findings)
    assert all(finding.message() for finding in findings)


def test_there_are_cases() -> None:
    assert len(CASES) > 90


def test_required_fields_and_choices_are_enforced(registry: Registry) -> None:
    structure = structure_of(registry, "S071")
    model = models_of(structure).cls
    content = content_of(structure, 1)

    def ids(changed: dict[str, object]) -> set[str]:
        with pytest.raises(pydantic.ValidationError) as refused:
            model.model_validate(changed)
        return {finding.id for finding in findings_of(refused.value)}

    assert ids({key: value for key, value in content.items() if key != "Person"}) == {"SCH-MISSING"}
    assert ids({**content, "new": "1"}) == {"SCH-UNEXPECTED"}
    assert ids({**content, "sedPackage": 7}) == {"SCH-TYPE"}
    both = content_of(structure, 1) | content_of(structure, 2) | content_of(structure, 3) | content_of(structure, 4)
    assert {"StatusPerson", "StatusFamilyMember"} <= set(both)
    assert ids(both) == {"SCH-CHOICE-BOTH"}
    assert ids({k: v for k, v in both.items() if not k.startswith("Status")}) == {"SCH-CHOICE-NONE"}
    assert ids({**content, "PeriodEntitlement": {}}) == {"SCH-CHOICE-NONE"}


@pytest.mark.parametrize("seed", range(30))
def test_documents_come_back_the_same(registry: Registry, seed: int) -> None:
    structure = structure_of(registry, "S071")
    data = document(structure, seed)
    models, root = models_of(structure), _xml.parse(data)
    model = models.read(data, root)
    assert same(model.to_bytes(), data)
    assert model == models.read(data, root) == models.cls.from_record(records_of(structure).read(data, root))
    assert model.to_sed().same_content(Sed(root, data))


def test_every_known_tree_holds_its_documents(registry: Registry) -> None:
    for package in registry.packages:
        for entry in list(package.entries())[:40]:
            structure = registry.structure(entry.sed, entry.version, package=package.coordinates)
            assert structure is not None
            data = document(structure, 7)
            assert same(models_of(structure).read(data, _xml.parse(data)).to_bytes(), data), (
                package.coordinates,
                entry.sed,
            )


def test_content_that_the_open_package_does_not_know_is_kept() -> None:
    group = Element("G", Kind.GROUP, min=0, max=None, children=(leaf("b", min=0), leaf("c", min=0)))
    structure = small(leaf("a", min=0), group, open=True)
    data = wrapped("<new x='1'>N</new><G><c>3</c><odd/><b>2</b></G><G/><a>1</a>")
    model = models_of(structure).read(data, _xml.parse(data))
    assert same(model.to_bytes(), data)
    model.a = "changed"  # type: ignore[attr-defined]  # made at run time
    assert same(model.to_bytes(), data.replace(b"<a>1", b"<a>changed"))


def test_unknown_content_is_refused_where_the_tree_is_exact() -> None:
    structure = small(Element("G", Kind.GROUP, children=(leaf("b"),)))
    data = wrapped("<G><b>2</b><odd>secret</odd></G>")
    with pytest.raises(pydantic.ValidationError) as refused:
        models_of(structure).read(data, _xml.parse(data))
    assert [finding.id for finding in findings_of(refused.value)] == ["SCH-UNEXPECTED"]
    assert "secret" not in str(refused.value)


def test_codes_are_enumerations_with_texts(registry: Registry) -> None:
    models = models_of(structure_of(registry, "S071"))
    sex = models.classes["SexCode"]
    assert issubclass(sex, Code)
    assert [(code.value, code.label) for code in sex] == [("01", "Male"), ("02", "Female"), ("98", "Unknown")]
    person = models.cls.model_validate(content_of(models.plan.structure, 1)).Person.PersonIdentification  # type: ignore[attr-defined]
    person.sex = "98"
    assert person.sex is sex("98")
    assert person.sex == "98"
    with pytest.raises(pydantic.ValidationError):
        person.sex = "3"


def test_days_may_be_given_as_dates_and_time_zones_stay(registry: Registry) -> None:
    structure = structure_of(registry, "S071")
    person = models_of(structure).cls.model_validate(content_of(structure, 1)).Person.PersonIdentification  # type: ignore[attr-defined]
    for given, held in [
        (dt.date(1980, 1, 15), "1980-01-15"),
        ("1980-01-15+02:00", "1980-01-15+02:00"),
        ("0001-01-01Z",) * 2,
    ]:
        person.dateBirth = given
        assert person.dateBirth == held
    for wrong in (dt.datetime(1980, 1, 15), 5, None, "1980-1-15", "19800115"):
        with pytest.raises(pydantic.ValidationError):
            person.dateBirth = wrong


def test_errors_and_texts_show_no_values(registry: Registry) -> None:
    structure = structure_of(registry, "S071")
    content = content_of(structure, 1)
    next(places(content, "Person/PersonIdentification/familyName"))[0]["familyName"] = "Verysecret" * 20
    with pytest.raises(pydantic.ValidationError) as refused:
        models_of(structure).cls.model_validate(content)
    assert "Verysecret" not in str(refused.value)
    assert "Verysecret" not in repr(findings_of(refused.value))
    model = models_of(structure).cls.model_validate(content_of(structure, 1))
    assert repr(model).startswith("S071(filled=")
    name = model.Person.PersonIdentification.familyName  # type: ignore[attr-defined]
    assert name not in str(model) + repr(model.Person)  # type: ignore[attr-defined]


def test_shared_blocks_and_lists_are_the_same_classes(registry: Registry) -> None:
    structure = structure_of(registry, "S071")
    other = attrs.evolve(structure, sed=SedType("S072"), root=attrs.evolve(structure.root, name="S072"))
    first, second = models_of(structure), models_of(other)
    assert first.classes["PersonType"] is second.classes["PersonType"]
    assert first.classes["SexCode"] is second.classes["SexCode"]
    assert first.cls is not second.cls


def test_a_sed_becomes_a_model_by_the_registry(registry: Registry) -> None:
    data = document(structure_of(registry, "S071"), 1)
    sed = Sed(_xml.parse(data), data)
    assert isinstance(as_model(sed, registry), RootModel)
    assert sed.as_model(registry) == as_model(sed, registry)
    assert same(sed.as_record(registry).to_bytes(), data)
    with pytest.raises(UsageError, match="no package knows"):
        as_model(sed, Registry())


def test_signature_and_attributes_come_back(registry: Registry) -> None:
    structure = structure_of(registry, "S071")
    data = (
        document(structure, 1)
        .replace(b"</s:S071>", SIGNATURE.encode() + b"</s:S071>")
        .replace(b" sedVer", b' other="x" sedVer')
    )
    assert same(models_of(structure).read(data, _xml.parse(data)).to_bytes(), data)


def test_any_xml_name_becomes_a_field() -> None:
    structure = small(*(leaf(name, min=0) for name in HOSTILE))
    data = wrapped("".join(f"<{name}>{number}</{name}>" for number, name in enumerate(HOSTILE)))
    assert same(models_of(structure).read(data, _xml.parse(data)).to_bytes(), data)


HOSTILE_TEXT = "'''\"\"\"\\\n{0}\nimport os\nclass X: pass\n"


def hostile() -> Structure:
    from eessi.schemas.structure import Code as CodeRow
    from eessi.schemas.structure import CodeList

    words = {"en": HOSTILE_TEXT}
    rows = CodeList(
        HOSTILE_TEXT, (CodeRow("a\"'\\", words), CodeRow("__class__", words), CodeRow("mro", words), CodeRow("None"))
    )
    return small(
        Element("c", Kind.CODE, codes=rows, facets=Facets(), labels=words, type_name=HOSTILE_TEXT),
        leaf("t", labels=words),
        Element("p", Kind.LEAF, facets=Facets(patterns=("[\"'\\\\\n]{0,3}|\\i\\c*",))),
        Element("G", Kind.GROUP, children=(leaf("a"),), labels=words, type_name=HOSTILE_TEXT),
        Choice(((leaf("x"),), (leaf("y"),))),
    )


def test_no_word_of_a_schema_is_ever_run(tmp_path: Path) -> None:
    models = models_of(hostile())
    content = {"c": "a\"'\\", "t": "1", "p": "'", "G": {"a": "1"}, "x": "1"}
    assert same(models.cls.model_validate(content).to_bytes(), models.cls.model_validate(content).to_bytes())
    source = module_source(models.plan, "evil:1\nimport os")
    compiled = compile(source, "generated", "exec")
    assert "os" not in compiled.co_names
    assert "X" not in compiled.co_names


def test_a_recursive_group() -> None:
    inner = Element("Part", Kind.GROUP, min=0, max=None, type_name="PartType", recursive=True)
    part = Element("Part", Kind.GROUP, min=0, max=None, children=(leaf("name"), inner), type_name="PartType")
    data = wrapped("<Part><name>1</name><Part><name>2</name></Part></Part>")
    structure = small(part)
    assert same(models_of(structure).read(data, _xml.parse(data)).to_bytes(), data)
    compile(module_source(models_of(structure).plan, "x:1"), "generated", "exec")


def test_generated_source_is_strictly_typed(registry: Registry, tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    for name, structure in (("s071", structure_of(registry, "S071")), ("hostile", hostile()),
                            ("a001", structure_of(registry, "A001", "1.0"))):  # fmt: skip
        (tmp_path / f"{name}_models.py").write_text(module_source(plan_of(structure), "open:4.4"), encoding="utf-8")
    use = tmp_path / "use.py"
    use.write_text(
        "from s071_models import PersonType, SexCode\n\n"
        'def name(person: PersonType) -> str:\n    return person.familyName if person.sex is SexCode.C01 else "x"\n',
        encoding="utf-8",
    )
    files = [str(path) for path in tmp_path.glob("*.py")]
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), *files]
    result = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert result.returncode == 0, result.stdout


def test_generated_files_and_models_in_memory_are_alike(registry: Registry, tmp_path: Path) -> None:
    structure = structure_of(registry, "S071")
    module = type(sys)("generated_s071")
    sys.modules["generated_s071"] = module
    try:
        exec(
            compile(module_source(plan_of(structure), "open:4.4"), "generated_s071", "exec", dont_inherit=True),
            module.__dict__,
        )
        data = document(structure, 3)
        record = records_of(structure).read(data, _xml.parse(data))
        model = module.S071.from_record(record)
        assert same(model.to_bytes(), data)
        assert module.S071.SED == "S071"
    finally:
        del sys.modules["generated_s071"]


def test_the_official_package_has_the_same_model(official_s071: Path) -> None:
    package = CdmPackage.import_from(official_s071, name="cdm", version="4.4")
    registry = Registry.default().add(package)
    structure = registry.structure("S071", "4.4", package="cdm:4.4")
    assert structure is not None
    models = models_of(structure)
    assert len(list(plan_of(structure).walk())) > 80
    data = document(structure, 3)
    assert same(models.read(data, _xml.parse(data)).to_bytes(), data)
