"""The rich gear: one problem, one finding, in the words that help."""

from __future__ import annotations

import pytest

from eessi import _xml
from eessi.findings import Fix
from eessi.findings.mending import apply_fix
from eessi.ids import CdmVersion, SedType
from eessi.schemas import Choice, Code, CodeList, Element, Facets, Kind, Registry, Structure, Unique
from eessi.schemas.explain import TooLong, explain_tree
from tests.schemas.samples import S071, damaged, judge, only


class TestWordsOfTheIssue:
    def test_missing_element_names_what_it_stands_before(self) -> None:
        finding = only(("      <town>Athina</town>\n", ""))
        assert finding.id == "SCH-MISSING"
        assert finding.message() == "`town` is missing; it is required before `country`"
        assert finding.path == "S071/AddressOfPersonForWhomAnEntitlementDocument/Address/town"
        assert (finding.line, finding.column) == (14, 7)

    def test_greece(self) -> None:
        finding = only(("<country><value>EL", "<country><value>GR"))
        assert finding.message() == "`GR` is not a code here; Greece is `EL`"
        assert finding.expected[0] == "EL"
        assert len(finding.expected) == 32

    def test_short_list_is_told(self) -> None:
        finding = only(("<value>02</value></sex>", "<value>03</value></sex>"))
        assert finding.hint() == "the codes are 01 Male, 02 Female, 98 Unknown"
        assert finding.expected == ("01", "02", "98")
        assert finding.path == "S071/Person/PersonIdentification/sex"
        assert (finding.line, finding.column) == (8, 7)

    def test_unwrapped_code(self) -> None:
        finding = only(("<sex><value>02</value></sex>", "<sex>02</sex>"))
        assert finding.message() == "a code element wraps its value: `<sex><value>02</value></sex>`"

    def test_default_namespace(self) -> None:
        finding = only(("s:S071", "S071"), ("xmlns:s=", "xmlns="))
        assert finding.message().startswith("only the root is in the namespace")
        assert finding.path == "S071/Person"


@pytest.mark.parametrize(
    ("old", "new", "id", "path"),
    [
        ("familyName>", "familyNam>", "SCH-NAME", "S071/Person/PersonIdentification/familyNam"),
        ("<StatusPerson>", "<!--", "SCH-CHOICE-NONE", "S071"),
        ("forename>", "Forename>", "SCH-CASE", "S071/Person/PersonIdentification/Forename"),
        ("<forename>", "<x/><forename>", "SCH-UNEXPECTED", "S071/Person/PersonIdentification/x"),
        ("Ada", "A" * 156, "SCH-TOO-LONG", "S071/Person/PersonIdentification/forename"),
        ("Ada", "", "SCH-EMPTY", "S071/Person/PersonIdentification/forename"),
        ("1980-01-15", "1980-02-30", "SCH-DATE-IMPOSSIBLE", "S071/Person/PersonIdentification/dateBirth"),
        ("1980-01-15", "15.01.1980", "SCH-DATE-FORM", "S071/Person/PersonIdentification/dateBirth"),
        ("<value>UK</value>", "<value>EL</value>", "SCH-DUPLICATE",
         "S071/Person/AdditionalInformationPerson/nationality/value[2]"),
        ("<value>UK</value>", "<value>QQ</value>", "SCH-CODE",
         "S071/Person/AdditionalInformationPerson/nationality/value[2]"),
        ("<endDate>2026-06-30</endDate>", "", "SCH-MISSING-LAST", "S071/PeriodEntitlement/FixedPeriod/endDate"),
        ("<Person>", "<Person id='1'>", "SCH-ATTRIBUTE", "S071/Person/@id"),
        ('sedVer="4"', 'sedVer="four"', "SCH-ATTRIBUTE-VALUE", "S071/@sedVer"),
        ("<Person>", "<Person>text", "SCH-TEXT", "S071/Person"),
        ("Ada", "<b>Ada</b>", "SCH-CHILDREN", "S071/Person/PersonIdentification/forename"),
        ("Ada", "<value>Ada</value>", "SCH-WRAPPED", "S071/Person/PersonIdentification/forename"),
        ("<town>", "<town xmlns='urn:x'>", "SCH-NAMESPACE", "S071/AddressOfPersonForWhomAnEntitlementDocument/Address/town"),
        ("<sex><value>02</value></sex>", "<sex/>", "SCH-MISSING-LAST", "S071/Person/PersonIdentification/sex/value"),
        ("<sex>", "<sex xsi:nil='true' xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'>", "SCH-NIL",
         "S071/Person/PersonIdentification/sex"),
    ],
)  # fmt: skip
def test_one_defect_one_finding(old: str, new: str, id: str, path: str) -> None:
    changes = (
        [(old, new)] if new != "<!--" else [("<StatusPerson><status><value>01</value></status></StatusPerson>", "")]
    )
    finding = only(*changes)
    assert (finding.id, finding.path) == (id, path)
    assert finding.line is not None
    assert finding.column is not None
    assert finding.message()
    assert "{" not in finding.message()
    assert "(" not in finding.message() or "SCH" not in finding.message()


def test_both_branches_of_a_choice() -> None:
    finding = only(("</StatusPerson>", "</StatusPerson><StatusFamilyMember/>"))
    assert finding.id == "SCH-CHOICE-BOTH"
    assert finding.message() == "`StatusFamilyMember` cannot stand beside `StatusPerson`; only one of them may be given"


def test_misplaced_child_is_told_once_and_read_all_the_same() -> None:
    verdict = judge(
        ("      <town>Athina</town>\n      <country><value>EL</value></country>",
         "      <country><value>XX</value></country>\n      <town>Athina</town>"),
    )  # fmt: skip
    assert sorted(finding.id for finding in verdict.findings) == ["SCH-CODE", "SCH-ORDER"]


def test_wrapper_left_out() -> None:
    pin = (
        "<PersonalIdentificationNumber><country><value>EL</value></country>"
        "<personalIdentificationNumber>TEST1</personalIdentificationNumber></PersonalIdentificationNumber>"
    )
    finding = only(("</sex>", "</sex>" + pin + pin))
    assert finding.id == "SCH-LEVEL"
    assert finding.message().endswith("it belongs inside `PINPersonInEachInstitution`")


def test_a_name_of_a_group_left_out_is_no_slip_of_the_pen() -> None:
    """It looks like ``familyNameAtBirth``; renamed, the mother's name would become the person's own."""
    finding = only(("</sex>", "</sex><motherFamilyNameAtBirth>Synthetic</motherFamilyNameAtBirth>"))
    assert finding.id == "SCH-LEVEL"
    assert finding.fix is not None
    assert finding.fix.action == "wrap"


ADDRESS = "    <Address>\n      <town>Athina</town>\n      <country><value>EL</value></country>\n    </Address>\n"
PIN = "PersonalIdentificationNumber"


def _same(one: bytes, other: bytes) -> bool:
    return _xml.canonical(_xml.parse(one)) == _xml.canonical(_xml.parse(other))


class TestOneSlipOfAProgramOneFinding:
    """Documents as serialisers get them wrong, where the whole slip shows at several places."""

    def test_a_wrapper_left_out_around_several_children(self) -> None:
        finding = only((ADDRESS, ADDRESS.replace("<Address>", "").replace("</Address>", "")))
        assert finding.id == "SCH-LEVEL"
        assert finding.message() == "`town, country` stands one level too high; it belongs inside `Address`"
        assert finding.fix == Fix(
            "wrap", "S071/AddressOfPersonForWhomAnEntitlementDocument/town", "<Address>", determined=True, count=2
        )

    def test_what_is_wrong_inside_is_told_all_the_same(self) -> None:
        bare = ADDRESS.replace("<Address>", "").replace("</Address>", "").replace(">EL<", ">XX<")
        assert sorted(finding.id for finding in judge((ADDRESS, bare)).findings) == ["SCH-CODE", "SCH-LEVEL"]

    def test_a_list_element_that_the_schema_does_not_have(self) -> None:
        one = f"<{PIN}><country><value>EL</value></country><personalIdentificationNumber>T1</personalIdentificationNumber></{PIN}>"
        group = f"<PINPersonInEachInstitution><{PIN}s>{one}</{PIN}s></PINPersonInEachInstitution>"
        finding = only(("</sex>", f"</sex>{group}"))
        assert finding.id == "SCH-LEVEL-EXTRA"
        assert finding.message() == f"`{PIN}s` is one level too many; `{PIN}` stands here itself"
        damage = damaged(("</sex>", f"</sex>{group}"))
        right = damaged(("</sex>", f"</sex>{group.replace(f'<{PIN}s>', '').replace(f'</{PIN}s>', '')}"))
        assert _same(apply_fix(damage, finding), right)

    def test_a_code_written_as_an_attribute(self) -> None:
        finding = only(("<sex><value>02</value></sex>", '<sex value="02"/>'))
        assert finding.id == "SCH-UNWRAPPED"
        assert _same(apply_fix(damaged(("<sex><value>02</value></sex>", '<sex value="02"/>')), finding), damaged())

    def test_an_attribute_beside_a_bare_code_is_told_too(self) -> None:
        verdict = judge(("<sex><value>02</value></sex>", '<sex value="01">02</sex>'))
        assert sorted(finding.id for finding in verdict.findings) == ["SCH-ATTRIBUTE", "SCH-UNWRAPPED"]

    def test_nil_and_nothing_else(self) -> None:
        nil = '<dateBirth xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="true"/>'
        assert only(("<dateBirth>1980-01-15</dateBirth>", nil)).id == "SCH-NIL"

    def test_an_empty_date_is_empty_rather_than_badly_written(self) -> None:
        assert only(("1980-01-15", " ")).id == "SCH-EMPTY"


def test_several_defects_are_all_told_in_document_order() -> None:
    verdict = judge(
        ("Ada", ""), ("<value>02</value>", "<value>77</value>"), ("<town>Athina</town>", ""), ("2026-06-30", "x")
    )
    assert [finding.id for finding in verdict.findings] == ["SCH-EMPTY", "SCH-CODE", "SCH-MISSING", "SCH-DATE-FORM"]
    lines = [finding.line or 0 for finding in verdict.findings]
    assert lines == sorted(lines)


def test_personal_values_are_masked() -> None:
    for finding in judge(
        ("Ada", "Ada" * 60), ("1980-01-15", "15/13/1980"), ("<value>02", "<value>Testperson")
    ).findings:
        told = " ".join([finding.message(), finding.hint() or "", finding.got or "", repr(finding)])
        assert "Ada" not in told
        assert "15/13" not in told
        assert "Testperson" not in told
        assert finding.value is not None


def test_comments_and_processing_instructions_change_nothing() -> None:
    changed = damaged(("Ada", "A<!-- x -->d<?p y?>a"), ("<value>02</value>", "<!-- code --><value>0<!-- -->2</value>"))
    for keep in (False, True):
        root = _xml.parse(changed, comments=keep)
        structure = Registry.default().structure("S071", "4.4")
        assert structure is not None
        assert explain_tree(root, structure, data=changed) == ()


def test_explanation_keeps_to_its_time() -> None:
    structure = Registry.default().structure("S071", "4.4")
    assert structure is not None
    with pytest.raises(TooLong):
        explain_tree(_xml.parse(S071), structure, seconds=-1.0)


def _structure(*children: Element | Choice, **more: object) -> Structure:
    root = Element("X001", Kind.GROUP, children=children, type_name="X001", **more)  # type: ignore[arg-type]  # by name
    return Structure(SedType("X001"), CdmVersion(4, 4), "urn:test", root)


def _ids(structure: Structure, content: str) -> list[str]:
    data = f'<s:X001 xmlns:s="urn:test">{content}</s:X001>'.encode()
    return [finding.id for finding in explain_tree(_xml.parse(data), structure, data=data)]


def leaf(name: str, **more: object) -> Element:
    return Element(name, Kind.LEAF, facets=Facets(), **more)  # type: ignore[arg-type]  # by name


class TestContentModels:
    def test_repeating_choice(self) -> None:
        structure = _structure(Choice(((leaf("a"), leaf("b")), (leaf("c", max=None),)), min=0, max=None))
        assert _ids(structure, "") == []
        assert _ids(structure, "<a/><b/><c/><c/><a/><b/>") == []
        assert _ids(structure, "<a/><c/>") == ["SCH-MISSING"]
        assert _ids(structure, "<a/><b/><a/>") == ["SCH-MISSING-LAST"]

    def test_branch_that_repeats_does_not_leak_into_the_next(self) -> None:
        structure = _structure(Choice(((leaf("a", min=0, max=None),), (leaf("b"),))))
        assert _ids(structure, "<a/><a/>") == []
        assert _ids(structure, "<b/>") == []
        assert _ids(structure, "<a/><b/>") == ["SCH-CHOICE-BOTH"]

    def test_bounded_occurrences(self) -> None:
        structure = _structure(leaf("a", min=2, max=3))
        assert _ids(structure, "<a/><a/><a/>") == []
        assert _ids(structure, "<a/>") == ["SCH-MISSING-LAST"]
        assert _ids(structure, "<a/>" * 4) == ["SCH-REPEATED"]

    def test_any_order(self) -> None:
        structure = _structure(leaf("a"), leaf("b", min=0), unordered=True)
        assert _ids(structure, "<b/><a/>") == []
        assert _ids(structure, "<b/>") == ["SCH-CONTENT"]
        assert _ids(structure, "<a/><x/>") == ["SCH-UNEXPECTED"]

    def test_recursion(self) -> None:
        inner = Element("part", Kind.GROUP, min=0, max=None, type_name="Part", recursive=True)
        part = Element("part", Kind.GROUP, children=(leaf("name"), inner), type_name="Part")
        structure = _structure(part)
        assert _ids(structure, "<part><name/><part><name/><part><name/></part></part></part>") == []
        assert _ids(structure, "<part><name/><part><name/><part/></part></part>") == ["SCH-MISSING-LAST"]

    def test_uniqueness_of_fields(self) -> None:
        row = Element("row", Kind.GROUP, max=None, children=(leaf("id"),))
        structure = _structure(row, uniques=(Unique("row", ("id",)),))
        assert _ids(structure, "<row><id>1</id></row><row><id>2</id></row>") == []
        assert _ids(structure, "<row><id>1</id></row><row><id>1</id></row>") == ["SCH-UNIQUE"]

    def test_long_list_with_one_stranger(self) -> None:
        structure = _structure(leaf("a", max=None), leaf("b"))
        assert _ids(structure, "<a/>" * 3000 + "<x/>" + "<a/>" * 3000 + "<b/>") == ["SCH-UNEXPECTED"]

    def test_long_lists_of_several_names_are_numbered_rightly(self) -> None:
        root = _xml.parse(f'<s:X001 xmlns:s="urn:test"><a/>{"<x/><y/>" * 300}</s:X001>'.encode())
        paths = [finding.path or "" for finding in explain_tree(root, _structure(leaf("a")))]
        assert [path.rpartition("/")[2] for path in paths] == [f"{n}[{i}]" for i in range(1, 301) for n in "xy"]

    def test_nothing_of_the_tree_is_changed(self) -> None:
        structure = _structure(leaf("a"))
        data = b'<s:X001 xmlns:s="urn:test"><b>x</b><a/></s:X001>'
        root = _xml.parse(data)
        explain_tree(root, structure, data=data)
        assert _xml.canonical(root) == _xml.canonical(_xml.parse(data))


class TestNamesAlikeByChance:
    """A required element is missing and a child looks like it, yet bears the exact name of a child of a group left out."""

    def test_a_required_group_around_its_own_child(self) -> None:
        address = Element("Address", Kind.GROUP, children=(leaf("town"),), max=None)
        structure = _structure(Element("Addresses", Kind.GROUP, children=(address,)))
        data = b'<s:X001 xmlns:s="urn:test"><Address><town/></Address></s:X001>'
        (finding,) = explain_tree(_xml.parse(data), structure, data=data)
        assert finding.id == "SCH-LEVEL"
        mended = apply_fix(data, finding)
        assert explain_tree(_xml.parse(mended), structure, data=mended) == ()

    def test_a_required_leaf_is_not_filled_for_certain_with_another_fact(self) -> None:
        other = Element("Mother", Kind.GROUP, min=0, children=(leaf("familyNameBirth"),))
        structure = _structure(leaf("familyName"), other)
        data = b'<s:X001 xmlns:s="urn:test"><familyNameBirth>x</familyNameBirth></s:X001>'
        (finding,) = explain_tree(_xml.parse(data), structure, data=data)
        assert finding.fix is not None
        assert not finding.fix.determined

    def test_without_such_a_group_the_slip_is_certain(self) -> None:
        data = b'<s:X001 xmlns:s="urn:test"><familyNam>x</familyNam></s:X001>'
        (finding,) = explain_tree(_xml.parse(data), _structure(leaf("familyName")), data=data)
        assert finding.fix is not None
        assert finding.fix.determined


class TestOpenStructures:
    def _open(self) -> Structure:
        codes = CodeList("Sex", (Code("01"), Code("02")))
        sex = Element("sex", Kind.CODE, min=0, codes=codes, facets=None)
        children = (leaf("name"), sex, leaf("guess", known=False))
        root = Element("X001", Kind.GROUP, children=children)
        return Structure(SedType("X001"), CdmVersion(4, 4), "urn:test", root, open=True, order_known=False)

    def test_order_and_strangers_are_no_faults(self) -> None:
        assert _ids(self._open(), "<sex><value>01</value></sex><other/><name/>") == ["SCH-UNNAMED"]

    def test_known_lists_and_required_names_count(self) -> None:
        assert _ids(self._open(), "<sex><value>09</value></sex>") == ["SCH-MISSING-LAST", "SCH-CODE"]

    def test_letter_case_is_told(self) -> None:
        assert _ids(self._open(), "<Name/><name/>") == ["SCH-CASE"]
