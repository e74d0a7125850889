"""Three outcomes: valid only where an exact schema says so, undetermined wherever something could not be checked."""

from __future__ import annotations

import datetime as dt
import pickle
import threading
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from lxml import etree

from eessi import _xml
from eessi.errors import InputError, PackageError, UnknownCode
from eessi.findings import Outcome, Severity, Verdict
from eessi.schemas import Registry, explain, validation
from eessi.schemas.structure import Fidelity
from eessi.schemas.validation import validate_bytes, validate_tree
from tests.schemas.samples import S071, damaged, judge

SIGNATURE = b'<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#">'


@pytest.fixture
def registry() -> Registry:
    """A registry of its own, so that a test may break it."""
    return Registry(Registry.default().packages)


def test_valid_document_and_what_was_not_checked() -> None:
    verdict = judge()
    assert verdict.outcome is Outcome.VALID
    assert (verdict.sed, verdict.cdm, verdict.package, verdict.fidelity) == ("S071", "4.4", "open:4.4", "exact")
    assert [entry.what for entry in verdict.not_checked] == ["signature", "attachments", "business rules"]
    assert verdict.findings == ()


def test_rules_are_off_the_list_when_asked_for() -> None:
    assert "business rules" not in {entry.what for entry in judge(rules=True).not_checked}


def test_invalid_document_keeps_what_was_not_checked() -> None:
    verdict = judge(("<town>Athina</town>", ""))
    assert verdict.outcome is Outcome.INVALID
    assert {entry.what for entry in verdict.not_checked} == {"signature", "attachments", "business rules"}


def test_thorough_asks_both_gears() -> None:
    assert judge(thorough=True).is_valid


def test_verdicts_travel_between_processes() -> None:
    verdict = judge(("Ada", ""))
    assert pickle.loads(pickle.dumps(verdict)) == verdict


class TestRoot:
    @pytest.mark.parametrize(
        ("wrong", "right"),
        [
            ("http://ec.europa.eu/eessi/ns/4_4/S072", "http://ec.europa.eu/eessi/ns/4_4/S071"),
            ("http://ec.europa.eu/eessi/ns/4_4/s071", "http://ec.europa.eu/eessi/ns/4_4/S071"),
            ("urn:example", "http://ec.europa.eu/eessi/ns/4_4/S071"),
        ],
    )
    def test_wrong_namespace_is_invalid_whatever_the_package(self, wrong: str, right: str) -> None:
        verdict = judge(("http://ec.europa.eu/eessi/ns/4_4/S071", wrong))
        assert verdict.outcome is Outcome.INVALID
        (finding,) = verdict.findings
        assert (finding.id, finding.line, finding.column) == ("DOC-NAMESPACE", 2, 1)
        assert finding.expected == (right,)

    def test_no_namespace(self) -> None:
        verdict = judge((' xmlns:s="http://ec.europa.eu/eessi/ns/4_4/S071"', ""), ("s:S071", "S071"))
        assert [finding.id for finding in verdict.findings] == ["DOC-NAMESPACE"]

    def test_not_a_sed(self) -> None:
        verdict = validate_bytes(b"<html/>", Registry.default())
        assert verdict.outcome is Outcome.INVALID
        assert verdict.sed is None
        assert verdict.findings[0].id == "DOC-ROOT"

    def test_version_without_schema_is_undetermined(self) -> None:
        verdict = judge(("/4_4/", "/4_9/"))
        assert verdict.outcome is Outcome.UNDETERMINED
        assert verdict.not_checked[0].what == "structure"
        assert "4.9" in verdict.not_checked[0].why
        assert verdict.package is None

    def test_unknown_sed_is_undetermined(self) -> None:
        verdict = validate_bytes(b'<s:S999 xmlns:s="http://ec.europa.eu/eessi/ns/4_4/S999"/>', Registry.default())
        assert verdict.outcome is Outcome.UNDETERMINED

    def test_part_of_a_bulk_sed_is_recognised(self) -> None:
        verdict = validate_bytes(
            b'<s:U020_Master xmlns:s="http://ec.europa.eu/eessi/ns/4_4/U020_Master"/>', Registry.default()
        )
        assert verdict.sed == "U020"
        assert verdict.outcome is Outcome.UNDETERMINED


class TestFidelity:
    def test_only_exact_trees_decide(self) -> None:
        """Documents of every SED the shipped packages know: nothing is valid, nothing has an error, unless exact."""
        registry = Registry.default()
        for package in registry.packages:
            for entry in package.entries():
                if entry.fidelity is Fidelity.EXACT:
                    continue
                data = f'<s:{entry.sed} xmlns:s="{entry.namespace}"><Strange/></s:{entry.sed}>'.encode()
                verdict = validate_bytes(data, registry, package=package.coordinates)
                assert verdict.outcome is Outcome.UNDETERMINED, entry
                assert not verdict.errors, entry
                assert verdict.not_checked[0].what == "structure"

    def test_sandbox_is_never_valid(self) -> None:
        from eessi.schemas.generator import generate

        structure = Registry.default().structure("A001", "1.0")
        assert structure is not None
        verdict = validate_bytes(generate(structure, 7).data, Registry.default())
        assert verdict.outcome is Outcome.UNDETERMINED
        assert verdict.fidelity == "sandbox"
        assert verdict.findings == ()

    def test_unknown_package_is_wrong_usage(self) -> None:
        with pytest.raises(UnknownCode):
            judge(package="cdm:9.9")

    def test_day_before_everything(self) -> None:
        """What ships has no beginning, so it answers for every day; a package that has one does not."""
        assert judge(as_of=dt.date(1900, 1, 1)).outcome is Outcome.VALID
        late = attrs.evolve(Registry.default().package("open:4.4"), valid_from=dt.date(2025, 1, 1))
        verdict = validate_bytes(S071, Registry((late,)), as_of=dt.date(2024, 12, 31))
        assert verdict.outcome is Outcome.UNDETERMINED
        assert verdict.not_checked[0].why == "no package knows S071 in version 4.4 on 2024-12-31"


class TestSignature:
    def test_malformed_signature_is_found(self) -> None:
        data = S071.replace(b"</s:S071>", SIGNATURE + b"</ds:Signature></s:S071>")
        verdict = validate_bytes(data, Registry.default())
        assert [finding.id for finding in verdict.findings] == ["SCH-SIGNATURE"]
        assert verdict.outcome is Outcome.INVALID
        assert verdict.not_checked[0].why == "no certificate was given"

    def test_beside_another_fault(self) -> None:
        data = damaged(("Ada", "")).replace(b"</s:S071>", SIGNATURE + b"</ds:Signature></s:S071>")
        assert [f.id for f in validate_bytes(data, Registry.default()).findings] == ["SCH-EMPTY", "SCH-SIGNATURE"]


class TestInsideAnEnvelope:
    def test_lines_are_those_of_the_whole_document(self) -> None:
        data = b"<e>\n<h/>\n" + damaged(("Ada", "")).partition(b"?>\n")[2] + b"</e>"
        root = _xml.parse(data)[1]
        (finding,) = validate_tree(root, Registry.default(), data=data).findings
        assert finding.path == "S071/Person/PersonIdentification/forename"
        assert finding.line == 3 + 4

    def test_tree_without_bytes_has_lines_at_least(self) -> None:
        (finding,) = validate_tree(_xml.parse(damaged(("Ada", ""))), Registry.default()).findings
        assert (finding.line, finding.column) == (6, None)


class TestFaults:
    """Whatever breaks on our side: never valid, and never a traceback."""

    @pytest.mark.parametrize(
        "error",
        [PackageError("hash differs"), MemoryError(), RecursionError(), RuntimeError("x"), TimeoutError(), OSError(5, "io"),
         etree.XMLSchemaValidateError("internal"), TypeError()],
        ids=lambda error: type(error).__name__,
    )  # fmt: skip
    @pytest.mark.parametrize("layer", ["find", "structure_of", "schema_of", "explain", "second"])
    @pytest.mark.parametrize("document", [S071, damaged(("Ada", ""))], ids=["good", "bad"])
    def test_no_fault_makes_a_document_valid(
        self, layer: str, error: Exception, document: bytes, registry: Registry, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*arguments: Any, **more: Any) -> Any:
            raise error

        if layer == "explain":
            monkeypatch.setattr(validation, "explain_tree", fail)
        elif layer == "second":
            monkeypatch.setattr(validation, "explain_tree", lambda *a, **k: ())
            monkeypatch.setattr(validation, "_second_opinion", fail)
        else:
            monkeypatch.setattr(Registry, layer, fail)
        if layer == "find" and not isinstance(error, PackageError):
            with pytest.raises(type(error)):
                validate_bytes(document, registry, thorough=True)
            return
        verdict = validate_bytes(document, registry, thorough=True)
        if layer == "second" and document is S071:
            assert verdict.is_valid  # the fault lies where this document never comes
            return
        assert verdict.outcome is Outcome.UNDETERMINED
        assert not verdict.errors
        assert verdict.findings[0].id in ("VAL-PACKAGE", "VAL-ENGINE")
        assert verdict.not_checked[0].what == "structure"

    @pytest.mark.parametrize("answer", [None, 1, "yes"])
    def test_engine_without_an_answer(
        self, answer: object, registry: Registry, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Mute:
            def validate(self, root: object) -> object:
                return answer

        monkeypatch.setattr(Registry, "schema_of", lambda self, found: Mute())
        verdict = validate_bytes(S071, registry)
        assert verdict.outcome is Outcome.UNDETERMINED
        assert verdict.findings[0].id == "VAL-ENGINE"

    def test_explanation_that_takes_too_long(self, registry: Registry) -> None:
        verdict = validate_bytes(damaged(("Ada", "")), registry, seconds=-1.0)
        assert verdict.outcome is Outcome.UNDETERMINED
        assert "longer than" in verdict.findings[0].message()

    @pytest.mark.parametrize("count", [999, 1000, 200_000])
    @pytest.mark.parametrize("with_data", [True, False])
    def test_a_list_too_long_to_be_compared(self, count: int, with_data: bool, registry: Registry) -> None:
        """libxml2 compares each value with each other: minutes for a document of one megabyte."""
        values = "".join(f"<value>{number}</value>" for number in range(count))
        data = damaged(("<value>EL</value><value>UK</value>", f"<value>EL</value>{values}"))
        verdict = validate_tree(_xml.parse(data), registry, data=data if with_data else None)
        if count == 999:
            assert verdict.outcome is Outcome.INVALID
        else:
            assert verdict.outcome is Outcome.UNDETERMINED
            assert [finding.id for finding in verdict.findings] == ["VAL-ENGINE"]
            assert "1000" in verdict.not_checked[0].why

    def test_schema_that_does_not_compile(self, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
        from eessi.schemas import registry as module
        from eessi.schemas.compiled import SchemaSources

        broken = SchemaSources(
            "a.xsd", {"a.xsd": b"<x:schema xmlns:x='http://www.w3.org/2001/XMLSchema'><x:bad/></x:schema>"}
        )
        monkeypatch.setattr(module.Found, "sources", lambda self: broken)
        verdict = validate_bytes(S071, registry)
        assert verdict.outcome is Outcome.UNDETERMINED
        assert verdict.findings[0].id == "VAL-PACKAGE"
        assert "does not compile" in verdict.findings[0].message()

    def test_schema_with_a_missing_import(self, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
        from eessi.schemas import registry as module
        from eessi.schemas.compiled import SchemaSources

        text = b"<x:schema xmlns:x='http://www.w3.org/2001/XMLSchema'><x:include schemaLocation='gone.xsd'/></x:schema>"
        monkeypatch.setattr(module.Found, "sources", lambda self: SchemaSources("a.xsd", {"a.xsd": text}))
        assert validate_bytes(S071, registry).outcome is Outcome.UNDETERMINED

    def test_unreadable_bytes_are_no_verdict(self) -> None:
        with pytest.raises(InputError):
            validate_bytes(b"<a>", Registry.default(), source="x")


class TestGears:
    def _fast(self, answer: bool) -> Callable[[Registry, object], object]:
        class Fixed:
            def validate(self, root: object) -> bool:
                return answer

        return lambda registry, found: Fixed()

    def test_fast_no_and_rich_yes(self, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Registry, "schema_of", self._fast(False))
        verdict = validate_bytes(S071, registry)
        assert verdict.outcome is Outcome.UNDETERMINED
        assert [finding.id for finding in verdict.findings] == ["SCH-GEARS"]
        assert verdict.not_checked[0].why == "the two ways of checking disagree"

    def test_fast_yes_and_rich_no(self, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Registry, "schema_of", self._fast(True))
        verdict = validate_bytes(damaged(("Ada", "")), registry, thorough=True)
        assert verdict.outcome is Outcome.UNDETERMINED
        assert [finding.id for finding in verdict.findings] == ["SCH-GEARS", "SCH-EMPTY"]
        assert all(finding.severity is Severity.WARNING for finding in verdict.findings)

    def test_what_the_structure_cannot_say_is_asked_of_a_second_engine(
        self, registry: Registry, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(validation, "explain_tree", lambda *arguments, **more: ())
        verdict = validate_bytes(damaged(("Ada", "")), registry)
        assert verdict.outcome is Outcome.INVALID
        (finding,) = verdict.findings
        assert finding.id == "SCH-OTHER"
        assert finding.path == "S071/Person/PersonIdentification/forename"


def test_threads_share_a_registry(registry: Registry) -> None:
    outcomes: list[Verdict] = []
    documents = [S071, damaged(("Ada", ""))]

    def work(document: bytes) -> None:
        outcomes.extend(validate_bytes(document, registry) for _ in range(25))

    threads = [threading.Thread(target=work, args=(documents[number % 2],)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(str(verdict.outcome) for verdict in outcomes) == ["invalid"] * 50 + ["valid"] * 50


def test_a_registry_can_be_forgotten() -> None:
    import gc
    import weakref

    registry = Registry(Registry.default().packages)
    assert validate_bytes(S071, registry).is_valid
    gone = weakref.ref(registry)
    del registry
    gc.collect()
    assert gone() is None


def test_explain_module_is_reached_only_for_refused_documents(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: Any, **more: Any) -> Any:
        raise AssertionError("the rich gear was asked about an accepted document")

    monkeypatch.setattr(validation, "explain_tree", fail)
    assert validate_bytes(S071, registry).is_valid
    assert explain.explain_tree is not fail
    assert attrs.asdict(judge())["outcome"] is Outcome.VALID
