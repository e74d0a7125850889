"""Laws of the forms: what is written in one and read again is what it was, for documents of every known tree."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from eessi.ids import CdmVersion
from eessi.schemas import Fidelity, PackageEntry, Registry
from eessi.schemas.generator import Size, generate
from eessi.schemas.structure import Structure
from eessi.sed import Message, Sed, build, parse, read_rina_json, serialise, write_rina_json
from eessi.sed.header import Header, Party
from eessi.sed.json_text import JsonValue, load_json
from eessi.sed.rina_json import to_rina_json
from tests.sed.test_rina_json import without_empties

REGISTRY = Registry.default()
TREES = [entry for entry in REGISTRY.package("open:4.4").entries() if entry.fidelity is not Fidelity.NAMED]
SANDBOX = [entry for name in ("sandbox:1.0", "sandbox:1.1") for entry in REGISTRY.package(name).entries()]
seeds = st.integers(min_value=0, max_value=2**63)
sizes = st.sampled_from([Size.MINIMAL, Size.TYPICAL, Size.TYPICAL, Size.FULL])
unhurried = {"deadline": None, "database": None, "suppress_health_check": [HealthCheck.too_slow]}


def name_of(entry: PackageEntry) -> str:
    return f"{entry.sed}-{entry.version}"


def structure_of(entry: PackageEntry) -> Structure:
    found = REGISTRY.structure(entry.sed, entry.version)
    assert found is not None
    return found


def document(structure: Structure, seed: int, size: Size) -> Sed:
    made = generate(structure, seed, size=size)
    sed = parse(made.data)
    assert isinstance(sed, Sed)
    assert serialise(sed) == made.data
    assert sed.unknown(REGISTRY) == ()
    return sed


def again(sed: Sed) -> Sed:
    found = parse(serialise(sed))
    assert isinstance(found, Sed)
    return found


def without_empty_groups(sed: Sed) -> bytes:
    root = etree.fromstring(sed.data)
    while empty := [e for e in root.iter() if e is not root and not len(e) and not (e.text or "").strip()]:
        for element in empty:
            parent = element.getparent()
            assert parent is not None
            parent.remove(element)
    return etree.tostring(root, method="c14n", exclusive=True)


def json_law(sed: Sed, structure: Structure) -> None:
    """XML -> JSON -> XML and JSON -> XML -> JSON; what differs is in a report."""
    version: CdmVersion = structure.version.released
    written = to_rina_json(sed, REGISTRY)
    back = read_rina_json(written.text, version=version, registry=REGISTRY)
    assert back.report is not None
    assert (back.type, back.namespace) == (sed.type, sed.namespace)
    if back.same_content(sed):
        assert back.report.lost == ()
    else:
        assert not (structure.order_known and written.report.is_lossless)
        assert back.report.lost or back.report.guessed or written.report.guessed
        assert without_empty_groups(back) == without_empty_groups(sed)
    first: JsonValue = load_json(written.text)
    assert load_json(write_rina_json(again(back), REGISTRY)) == (
        first if not back.report.lost else without_empties(first)
    )


def build_law(sed: Sed, structure: Structure) -> None:
    """Taken apart and built again it is the same, empty optional groups aside."""
    content = sed.part_at()
    assert isinstance(content, dict)
    version = structure.version.released
    built = build(sed.type, {**content, **sed.attributes}, version=version, registry=REGISTRY)
    assert without_empty_groups(built) == without_empty_groups(sed)
    by_path = {**dict(sed.items()), **sed.attributes}
    assert without_empty_groups(build(sed.type, by_path, version=version, registry=REGISTRY)) == without_empty_groups(
        built
    )


def path_law(sed: Sed) -> None:
    """Every leaf is found by its own path, and changing it changes nothing else."""
    items = list(sed.items())
    assert all(sed[path] == text for path, text in items)
    for path, text in items[:1]:
        changed = dict(sed.replace(path, text + "x").items())
        assert changed.pop(path) == text + "x"
        assert changed == {other: value for other, value in items if other != path}


def message_law(sed: Sed) -> None:
    """A message gives its SED back byte for byte."""
    head = Header(sender=Party("FR:0100000001"), receivers=(Party("BE:0203980409"),))
    message = parse(Message.compose(head, sed).data)
    assert isinstance(message, Message)
    assert message.sed.same_content(sed)
    body = sed.data.partition(b"?>\n")[2] if sed.data.startswith(b"<?xml") else sed.data
    assert message.sed.data == body.strip()


def all_laws(entry: PackageEntry, seed: int, size: Size) -> None:
    structure = structure_of(entry)
    sed = document(structure, seed, size)
    json_law(sed, structure)
    build_law(sed, structure)
    path_law(sed)
    message_law(sed)


def hold_for(entry: PackageEntry, examples: int) -> None:
    @settings(max_examples=examples, **unhurried)  # type: ignore[arg-type]  # one dict for all settings
    @given(seeds, sizes)
    def law(seed: int, size: Size) -> None:
        all_laws(entry, seed, size)

    law()


@pytest.mark.parametrize("entry", TREES, ids=name_of)
def test_two_hundred_documents_of_a_known_tree(entry: PackageEntry) -> None:
    hold_for(entry, 200)


def test_the_known_seds_are_28() -> None:
    assert len({entry.sed for entry in TREES}) == 28


@pytest.mark.parametrize("sector", sorted({entry.sed.series for entry in SANDBOX}))
def test_documents_of_the_sandbox(sector: str) -> None:
    """Five documents of every code in both versions; the tree is known, so nothing is lost or guessed."""
    for entry in SANDBOX:
        if entry.sed.series == sector:
            structure = structure_of(entry)
            for seed in range(5):
                sed = document(structure, seed, Size.TYPICAL)
                json_law(sed, structure)
                if seed == 0:
                    build_law(sed, structure)


@pytest.mark.long
@settings(max_examples=10_000, **unhurried)  # type: ignore[arg-type]  # one dict for all settings
@given(seeds, sizes)
def test_ten_thousand_documents_of_s071(seed: int, size: Size) -> None:
    all_laws(next(entry for entry in TREES if entry.sed == "S071"), seed, size)
