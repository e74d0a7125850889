"""Each campaign passes against our own stack, and fails when a defect is planted in it: the table below proves it."""

from __future__ import annotations

import csv
import functools
import gzip
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import attrs
import pytest
from lxml import etree

from eessi.buc import Case
from eessi.cli.program import run as command
from eessi.errors import DefinitionError, ProcessError, StoreError, UnknownCode, UsageError
from eessi.findings import Outcome, Verdict
from eessi.ids import InstitutionId
from eessi.pages import campaign_report
from eessi.testing import Run, Scenario, players, run, stage
from eessi.testing.campaigns import (
    CampaignRecord,
    CheckRecord,
    Kit,
    Options,
    find_kit,
    folder_kit,
    kits,
    run_kit,
    write_template,
)
from eessi.testing.campaigns.attacks import ATTACKS
from eessi.testing.campaigns.kit import Requirement, read_requirements
from eessi.testing.faults import Habit
from eessi.transport import memory

FEW = Options(bucs=("S_BUC_01",), messages=20)


@functools.cache
def of_our_own_stack(name: str) -> CampaignRecord:
    return run_kit(find_kit(name), FEW)


@pytest.mark.parametrize("name", ["moveit", "exit", "testit"])
def test_a_kit_passes_against_our_own_stack(name: str) -> None:
    record = of_our_own_stack(name)
    assert record.passed, [(check.id, check.observed) for check in record.failed]
    assert len(record.results) >= 2
    assert record.uncovered == ()


def test_moveit_passes_over_as4() -> None:
    few = ("size-1000-FR", "attachments-2-BE", "order", "delay", "nobody", "many", "push-FR")
    record = run_kit(find_kit("moveit"), Options(transport="as4", messages=10, only=few))
    assert record.passed, [(check.id, check.observed) for check in record.failed]
    assert {check.id for check in record.results} == set(few)


@pytest.mark.long
def test_all_of_moveit_passes_over_as4() -> None:
    record = run_kit(find_kit("moveit"), Options(transport="as4", messages=200))
    assert record.passed, [(check.id, check.observed) for check in record.failed]
    assert len(record.results) == 20


@pytest.mark.long
def test_exit_passes_for_all_processes() -> None:
    record = run_kit(find_kit("exit"), Options(bucs=("all",)))
    assert record.passed, [(check.id, check.observed) for check in record.failed]
    assert len(record.results) == 2 * 99


@pytest.mark.long
def test_exit_passes_over_as4() -> None:
    assert run_kit(find_kit("exit"), Options(bucs=("S_BUC_01",), transport="as4")).passed


class _Simulated:
    """In place of a way to a real institution: it is played here, and its profile knows these parties."""

    def __init__(self, *parties: str, silent: bool = False) -> None:
        self.profile = SimpleNamespace(
            real=SimpleNamespace(party=parties[-1], institution="BE:GEN001"),
            played=[SimpleNamespace(party=party) for party in parties[:-1]],
        )
        self.silent = silent

    def run(self, scenario: Scenario) -> Run:
        if self.silent:
            quiet = scenario.parties["BE"].model_copy(update={"habit": Habit.SILENT})
            scenario = attrs.evolve(scenario, parties={**scenario.parties, "BE": quiet})
        return run(scenario)


def test_exit_from_outside_walks_what_the_profile_fits() -> None:
    way = _Simulated("FR", "BE")
    (check,) = run_kit(find_kit("exit"), attrs.evolve(FEW, against=way)).results  # type: ignore[arg-type]  # stands in
    assert check.passed, check.observed
    assert check.requirements == ("EX-01",)
    alone = _Simulated("PL", "BE")
    (check,) = run_kit(find_kit("exit"), attrs.evolve(FEW, against=alone)).results  # type: ignore[arg-type]  # stands in
    assert not check.passed
    assert check.observed == "no walk fits the profile"
    assert any("its parties are FR, BE" in line for line in check.not_checked)


def test_exit_from_outside_ends_at_the_first_document_that_does_not_arrive() -> None:
    way = _Simulated("FR", "BE", silent=True)
    (check,) = run_kit(find_kit("exit"), attrs.evolve(FEW, against=way)).results  # type: ignore[arg-type]  # stands in
    assert check.undelivered
    assert not check.passed


# ---- planted defects -------------------------------------------------------------------------------------------------

Patch = pytest.MonkeyPatch


def believes_every_document(patch: Patch) -> None:
    patch.setattr(players, "validate", lambda *_args, **_more: Verdict(Outcome.VALID))


def asks_no_directory(patch: Patch) -> None:
    patch.setattr(stage.Stage, "reach", lambda _self, _receiver: None)


def takes_every_header(patch: Patch) -> None:
    patch.setattr(
        players.Player,
        "_objection",
        lambda _self, _message, _parcel, check: players._refused_by(check) if check.errors else None,
    )


def case_takes_everything(patch: Patch) -> None:
    apply = Case.apply

    def careless(self: Case, event: Any) -> Case:
        try:
            return apply(self, event)
        except ProcessError:
            return self

    patch.setattr(Case, "apply", careless)


def case_forgets(patch: Patch) -> None:
    patch.setattr(Case, "apply", lambda self, _event: self)


def case_allows_everything(patch: Patch) -> None:
    patch.setattr(Case, "why_not", lambda self, *_args, **_more: None)


def arrival_is_not_checked(patch: Patch) -> None:
    take = players.Player._take
    patch.setattr(
        players.Player, "_take", lambda self, parcel, details: attrs.evolve(take(self, parcel, details), check=None)
    )


def counts_a_message_twice(patch: Patch) -> None:
    enter = players.Player._enter

    def twice(self: players.Player, message: Any, details: Any) -> None:
        header = attrs.evolve(message.header, set_id=self.new_id())
        enter(self, attrs.evolve(message, header=header), details)

    patch.setattr(players.Player, "_enter", twice)


def reads_entities(patch: Patch) -> None:
    """The reader opens what a document names, as XML readers do unless they are told not to."""
    from eessi import _xml

    patch.setattr(_xml, "_doctype_at", lambda _head: None)
    open_reader = {**_xml._HARDENED, "resolve_entities": True, "load_dtd": True, "no_network": False}
    patch.setattr(_xml, "_parser", lambda comments: etree.XMLParser(**open_reader, remove_comments=not comments))


def _takes(rule: str) -> Callable[[Patch], None]:
    """What is refused by this rule is taken all the same."""

    def plant(patch: Patch) -> None:
        take = players.Player._take

        def careless(self: players.Player, parcel: Any, details: Any) -> Any:
            arrival = take(self, parcel, details)
            wrong = arrival.rejection is not None and arrival.rejection.rule == rule
            return attrs.evolve(arrival, rejection=None) if wrong else arrival

        patch.setattr(players.Player, "_take", careless)

    plant.__name__ = f"takes_what_is_{rule.partition('-')[2].lower()}"
    return plant


def verifies_no_signature(patch: Patch) -> None:
    patch.setattr(players.Player, "_unproved", lambda _self, _sed, _sender: None)


def trusts_any_signer(patch: Patch) -> None:
    intruder = stage.signers(InstitutionId("FR:INTRUDER1"))
    signers = stage.signers
    patch.setattr(stage, "signers", lambda institution: signers(institution) | intruder)


def unpacks_without_limit(patch: Patch) -> None:
    from eessi.transport import judge

    patch.setattr(judge, "decompressed", lambda data, limits: [gzip.decompress(bytes(data))])


def thanks_for_everything(patch: Patch) -> None:
    from eessi.transport import inbox

    answer = inbox.Answer
    patch.setattr(inbox, "Answer", lambda status, *rest: answer(202 if status == 400 else status, *rest))


def accepts_mail_for_nobody(patch: Patch) -> None:
    send = memory.InMemoryNetwork._send

    def polite(self: memory.InMemoryNetwork, parcel: Any) -> str:
        if parcel.receiver in self._boxes:
            return send(self, parcel)
        self._set(parcel, memory.State.TAKEN)
        return str(parcel.message_id)

    patch.setattr(memory.InMemoryNetwork, "_send", polite)


def loses_what_is_late(patch: Patch) -> None:
    transmit = memory.InMemoryNetwork._transmit

    def forgetful(self: memory.InMemoryNetwork, parcel: Any) -> None:
        transmit(self, parcel)
        for box in self._boxes.values():
            box.travelling = type(box.travelling)(one for one in box.travelling if one.due <= self.now)

    patch.setattr(memory.InMemoryNetwork, "_transmit", forgetful)


def only_says_that_it_pushed(patch: Patch) -> None:
    from eessi.transport.access_point import AccessPoint
    from eessi.transport.wire import Answer

    pass_on = AccessPoint._pass_on
    patch.setattr(
        AccessPoint, "_pass_on", lambda self, held, here: Answer(202) if here is not None else pass_on(self, held, here)
    )


def believes_every_envelope(patch: Patch) -> None:
    from eessi.transport import inbox
    from eessi.transport.judge import Result

    judge = inbox.judge

    def gullible(*args: Any, **more: Any) -> Any:
        judged = judge(*args, **more)
        return attrs.evolve(judged, result=Result.ACCEPT, code=None)

    patch.setattr(inbox, "judge", gullible)


def trusts_every_key(patch: Patch) -> None:
    from eessi.transport.demo_keys import demo_key
    from eessi.transport.inbox import Inbox

    known = Inbox._of
    patch.setattr(Inbox, "_of", lambda self, one, on: [*known(self, one, on), demo_key("FR:INTRUDER").certificate])


def takes_mail_for_others(patch: Patch) -> None:
    from eessi.transport.inbox import Inbox

    patch.setattr(Inbox, "_check", lambda _self, _message: None)


def forgets_what_it_received(patch: Patch) -> None:
    from eessi.stores.mail import MailRows

    patch.setattr(MailRows, "received", lambda _self, _id: None)


def loses_every_third(patch: Patch) -> None:
    arrive = memory.InMemoryNetwork._arrive
    seen: list[object] = []

    def lossy(self: memory.InMemoryNetwork, box: Any, travelling: Any) -> None:
        seen.append(travelling)
        if len(seen) % 3:
            arrive(self, box, travelling)

    patch.setattr(memory.InMemoryNetwork, "_arrive", lossy)


def changes_a_byte(patch: Patch) -> None:
    receive = memory.Endpoint.receive

    def noisy(self: memory.Endpoint) -> Iterator[Any]:
        for parcel in receive(self):
            yield attrs.evolve(parcel, payload=parcel.payload[:-1] + b"!")

    patch.setattr(memory.Endpoint, "receive", noisy)


def drops_attachments(patch: Patch) -> None:
    receive = memory.Endpoint.receive
    patch.setattr(memory.Endpoint, "receive", lambda self: (attrs.evolve(one, attachments=()) for one in receive(self)))


def gives_no_receipt(patch: Patch) -> None:
    patch.setattr(memory.Endpoint, "status", lambda self, id: memory.Delivery(id, memory.State.TAKEN, self.network.now))


def shuffles(patch: Patch) -> None:
    receive = memory.Endpoint.receive
    patch.setattr(memory.Endpoint, "receive", lambda self: iter(list(receive(self))[::-1]))


SIZES = {f"size-{size}-{country}" for size in (1000, 100000, 2000000) for country in ("FR", "BE")}
ATTACHED = {f"attachments-{number}-{country}" for number in (1, 2, 3) for country in ("FR", "BE")}

DEFECTS: list[tuple[str, Callable[[Patch], None], set[str]]] = [
    ("testit", reads_entities, {"D02"}),
    ("testit", _takes("DOC-UNREADABLE"), {"D01", "D02", "D03", "D04", "D05", "D06", "D07", "M06"}),
    ("testit", _takes("RUN-ENVELOPE"), {"M05"}),
    ("testit", verifies_no_signature, {"D11", "D12"}),
    ("testit", trusts_any_signer, {"D12"}),
    ("testit", believes_every_document, {"D08", "D09", "D10", "M04"}),
    ("testit", asks_no_directory, {"R01", "R02"}),
    ("testit", takes_every_header, {"M01", "M02", "M03", "R02"}),
    ("testit", case_takes_everything, {"P01", "P02", "P03", "P04", "P05", "P07"}),
    ("testit", counts_a_message_twice, {"P06"}),
    ("testit", believes_every_envelope, {"E01", "E02", "E03", "E04"}),
    ("testit", trusts_every_key, {"E04"}),
    ("testit", takes_mail_for_others, {"E07"}),
    ("testit", forgets_what_it_received, {"E05", "E06"}),
    ("testit", unpacks_without_limit, {"E08"}),
    ("testit", thanks_for_everything, {"E09"}),
    ("exit", case_takes_everything, {"S_BUC_01-refusals"}),
    ("exit", case_forgets, {"S_BUC_01-walk", "S_BUC_01-refusals"}),
    ("exit", case_allows_everything, {"S_BUC_01-refusals"}),
    ("exit", arrival_is_not_checked, {"S_BUC_01-walk"}),
    ("moveit", loses_every_third, {"many", "order"}),
    ("moveit", changes_a_byte, {*SIZES, "attachments-0-FR", "attachments-0-BE"}),
    ("moveit", drops_attachments, ATTACHED),
    ("moveit", gives_no_receipt, {"size-1000-BE", "many"}),
    ("moveit", shuffles, {"order"}),
    ("moveit", accepts_mail_for_nobody, {"nobody"}),
    ("moveit", loses_what_is_late, {"delay"}),
    ("moveit", only_says_that_it_pushed, {"push-FR", "push-BE"}),
]
"""Kit, planted defect, checks that must notice it."""


@pytest.mark.parametrize("name", ["moveit", "exit", "testit"])
def test_for_each_check_of_a_kit_a_defect_is_planted_that_it_must_notice(name: str) -> None:
    checks = {check.id for check in of_our_own_stack(name).results}
    assert {id for kit, _, noticed in DEFECTS if kit == name for id in noticed} == checks


@pytest.mark.parametrize(
    ("name", "plant", "noticed"), DEFECTS, ids=[f"{kit}-{plant.__name__}" for kit, plant, _ in DEFECTS]
)
def test_a_planted_defect_is_noticed(
    name: str, plant: Callable[[Patch], None], noticed: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(monkeypatch)
    record = run_kit(find_kit(name), attrs.evolve(FEW, only=() if name == "exit" else tuple(noticed)))
    assert not record.passed
    assert noticed <= {check.id for check in record.failed}
    broken = {one.id for one in record.requirements if one.passed is False}
    assert broken == {requirement for check in record.failed for requirement in check.requirements}


# ---- kits ------------------------------------------------------------------------------------------------------------


def test_some_checks_alone() -> None:
    record = run_kit(find_kit("testit"), attrs.evolve(FEW, only=("D03", "P01")))
    assert [check.id for check in record.results] == ["D03", "P01"]
    assert all(check.passed for check in record.results)
    assert not record.passed, "what nothing covers is not met"


def test_every_attack_has_its_own_id_and_a_known_requirement() -> None:
    known = {one.id for one in find_kit("testit").requirements}
    assert len({attack.id for attack in ATTACKS}) == len(ATTACKS) >= 30
    assert {attack.requirement for attack in ATTACKS} == known
    assert {attack.level for attack in ATTACKS} == {"document", "message", "process", "directory", "envelope"}


def _check(**changes: Any) -> CheckRecord:
    values = {
        "id": "N1",
        "scenario": "x",
        "group": "g",
        "requirements": ("NAT-1",),
        "passed": True,
        "expected": "a",
        "observed": "a",
    }
    return CheckRecord(**{**values, **changes})


def test_a_requirement_that_nothing_covers_is_not_met() -> None:
    kit = Kit(
        "national",
        "A kit",
        (Requirement("NAT-1", "x", "y"), Requirement("NAT-2", "x", "y")),
        lambda _options: iter([_check()]),
    )
    record = run_kit(kit)
    assert record.uncovered == ("NAT-2",)
    assert not record.passed


def test_a_check_for_an_unknown_requirement_is_a_broken_kit() -> None:
    kit = Kit("national", "A kit", (), lambda _options: iter([_check()]))
    with pytest.raises(DefinitionError, match="names the requirement NAT-1"):
        run_kit(kit)


def test_kits_of_other_packages_are_found_by_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    kit = Kit("national", "A national kit", (Requirement("NAT-1", "x", "y"),), lambda _options: iter([_check()]))

    class Entry:
        name, value = "national", "package:KIT"

        def load(self) -> object:
            return kit

    monkeypatch.setattr("eessi.testing.campaigns.kit.entry_points", lambda group: [Entry()])
    assert kits()["national"] is kit
    kit = "not a kit"  # type: ignore[assignment]  # what a careless package might name
    with pytest.raises(DefinitionError, match="no campaign kit"):
        kits()


def test_an_unknown_campaign_suggests_the_nearest() -> None:
    with pytest.raises(UnknownCode, match="did you mean testit"):
        find_kit("tesit")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("id,text,source\nA,,x\n", "a requirement has id, text and source"),
        ("id,text,source\nA,b,c\nA,b,c\n", "stands twice"),
    ],
)
def test_broken_requirements_are_named(text: str, says: str) -> None:
    with pytest.raises(DefinitionError, match=says):
        read_requirements(text, "r.csv")


@pytest.mark.parametrize("name", ["moveit", "exit", "testit"])
def test_each_row_of_the_requirements_is_complete(name: str, root: Path) -> None:
    path = root / "eessi" / "testing" / "campaigns" / "requirements" / f"{name}.csv"
    first, *rest = path.read_text(encoding="utf-8").splitlines()
    assert first.startswith("# ")
    assert "Source:" in first
    for row in csv.DictReader(rest):
        assert row["text"].endswith(".")
        assert len(row["source"]) > 2


# ---- the command and the page ----------------------------------------------------------------------------------------


def test_the_command_gives_text_json_junit_and_a_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "moveit.html"
    assert command(["campaign", "moveit", "--messages", "5", "--report", str(page)]) == 0
    assert "20 of 20 checks passed." in capsys.readouterr().out
    assert command(["campaign", "exit", "--buc", "S_BUC_01", "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert next(iter(document)) == "schema_version"
    assert {"scenario", "passed", "steps", "coverage"} <= set(document["results"][0])
    assert document["summary"]["passed"] == 2
    assert command(["campaign", "moveit", "--messages", "5", "--format", "junit"]) == 0
    suites = etree.fromstring(capsys.readouterr().out.encode())
    assert suites.xpath("count(//testcase)") == 20.0
    assert suites.xpath("string(//property/@value)") == "MO-01"
    assert command(["campaign", "tesit"]) == 2


def test_a_failed_campaign_gives_1_and_stands_first_on_the_page(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shuffles(monkeypatch)
    page = tmp_path / "moveit.html"
    assert command(["campaign", "moveit", "-q", "--messages", "5", "--report", str(page)]) == 1
    tree = etree.fromstring(page.read_text(encoding="utf-8"), etree.HTMLParser())
    (notice,) = tree.xpath("//div[@class='notice bad']")
    assert "out of order" in str(notice.xpath("string()"))
    assert tree.xpath("//tr[@id='check-order']")


@pytest.mark.parametrize("name", ["moveit", "exit", "testit"])
def test_the_page_holds_its_record(name: str) -> None:
    record = of_our_own_stack(name)
    tree = etree.fromstring(campaign_report(record.model_dump(mode="json")), etree.HTMLParser())
    document = json.loads(str(tree.xpath("string(//script[@id='campaign-data'])")))
    assert document.pop("schema_version") == 1
    assert CampaignRecord.model_validate(document) == record


# ---- a kit of one's own ----------------------------------------------------------------------------------------------


def test_a_new_kit_is_installed_as_a_package_and_run(tmp_path: Path) -> None:
    kit, site = tmp_path / "kit", tmp_path / "site"
    assert command(["campaign", "our-country", "-q", "--new", str(kit)]) == 0
    offline = ["--no-deps", "--no-index", "--no-build-isolation", "--disable-pip-version-check", "--quiet"]
    subprocess.run([sys.executable, "-m", "pip", "install", *offline, "--target", str(site), str(kit)], check=True)
    shutil.rmtree(kit)
    eessi = [sys.executable, "-c", "from eessi.cli import main; main()", "campaign", "our-country", "--format", "json"]
    path = os.pathsep.join([str(site), str(Path(__file__).parents[2])])
    done = subprocess.run(eessi, cwd=tmp_path, env={**os.environ, "PYTHONPATH": path}, capture_output=True, check=True)
    document = json.loads(done.stdout)
    assert document["kit"] == "our-country"
    assert [check["id"] for check in document["results"]] == ["answers-in-time", "question-before-closing"]
    assert [(one["id"], one["passed"]) for one in document["requirements"]] == [("NAT-01", True), ("NAT-02", True)]


@pytest.mark.parametrize(("name", "says"), [("Our Kit", "cannot name a kit"), ("testit", "called testit already")])
def test_a_name_that_cannot_be_one(name: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=says):
        write_template(name, tmp_path / "kit")


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")
    with pytest.raises(StoreError, match="not empty"):
        write_template("ours", tmp_path)


def kit_folder(tmp_path: Path, *, requirement: str = "NAT-1", step: str = "FR is new") -> Path:
    (tmp_path / "requirements.csv").write_text("id,text,source\nNAT-1,Something.,a handbook\n")
    text = f"scenario: x\nbuc: LA_BUC_01\nversion: 4.3\nrequirements: [{requirement}]\nparties:\n"
    text += f"  FR: {{role: CaseOwner, country: FR}}\nsteps:\n  - {step}\n"
    (tmp_path / "one.buc.yaml").write_text(text)
    return tmp_path


def test_a_scenario_of_a_kit_that_fails_says_why(tmp_path: Path) -> None:
    record = run_kit(folder_kit("ours", "x", kit_folder(tmp_path, step="FR is closed")))
    assert not record.passed
    assert record.results[0].observed == "expected closed, the case of FR is new"
    assert run_kit(folder_kit("ours", "x", kit_folder(tmp_path))).passed


def test_a_broken_kit_folder_names_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="a kit has its requirements in this file"):
        folder_kit("ours", "x", tmp_path)
    folder = kit_folder(tmp_path, requirement="")
    with pytest.raises(DefinitionError, match="names the requirements it tests"):
        run_kit(folder_kit("ours", "x", folder))
    (folder / "one.buc.yaml").unlink()
    with pytest.raises(DefinitionError, match="there is no"):
        folder_kit("ours", "x", folder)
