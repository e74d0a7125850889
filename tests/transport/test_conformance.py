"""What trusted implementations test: every case of the list has tests here, and those that had none stand in this file."""

from __future__ import annotations

import ast
import datetime as dt
import functools
import re
import tomllib
from pathlib import Path

import pytest

from eessi import _xml
from eessi.transport import Parcel, Part, wss
from eessi.transport.compose import compose_user
from eessi.transport.demo_keys import demo_key
from eessi.transport.ebms import PullRequest, ReceiptSignal, write_envelope
from eessi.transport.judge import Result
from eessi.transport.mime import pack
from eessi.transport.names import DEFAULT_MPC
from eessi.transport.pmode import load_pmode
from tests.transport.messages import BE, FR, NOW, PAYLOAD, four_corners, judged, packet, parcel
from tests.transport.test_engine import receiver, taken

HERE = Path(__file__).parent


@functools.cache
def cases() -> dict[str, list[str]]:
    table = tomllib.loads((HERE / "conformance.toml").read_text(encoding="utf-8"))
    return {row["case"]: row["tests"] for row in table["case"]}


def test_every_case_names_tests_that_exist() -> None:
    for case, tests in cases().items():
        assert tests, case
        for one in tests:
            file, _, function = one.partition("::")
            known = ast.parse((HERE.parent / file).read_text(encoding="utf-8"))
            assert function in {node.name for node in ast.walk(known) if isinstance(node, ast.FunctionDef)}, one


def test_no_case_of_the_list_is_left_out(shared: Path) -> None:
    facts = (shared / "as4" / "protocol-facts.md").read_text(encoding="utf-8")
    listed = facts.partition("### 8.3")[2].partition("## 9.")[0]
    rows = [row.split("|")[1].strip() for row in listed.splitlines() if row.startswith("| ")][1:]
    assert len(rows) == 27
    assert [row for row in rows if row not in cases()] == []
    beside = re.sub(r"\s+", " ", listed.partition("*(advice)*: ")[2].partition(".")[0])
    wanted = re.sub(r"\([^)]*\)", "", beside).replace(", crash", "; crash").replace(",", ";").split(";")
    words = " ".join(cases()).casefold()
    missing = [one for one in wanted if one.split() and one.split()[0].casefold() not in words]
    assert len(wanted) >= 12
    assert missing == []


# --- what no other file shows ---


@pytest.mark.parametrize("compress", [True, False])
@pytest.mark.parametrize("encrypt", [True, False])
def test_compressed_or_not_encrypted_or_not(compress: bool, encrypt: bool) -> None:
    pmode = load_pmode("edelivery", {"packaging": {"compress": compress}, "security": {"encrypt": encrypt}})
    source = packet(pmode=pmode, attachments=(Part("a.pdf", b"%PDF", "application/pdf"),))
    found = judged(source.body, source.content_type)
    assert found.result is Result.ACCEPT, found.findings
    assert [(one.content(), one.compressed) for one in found.payloads] == [(PAYLOAD, compress), (b"%PDF", compress)]
    assert found.encrypted is encrypt


def test_the_four_corners_are_named_where_the_profile_says_so() -> None:
    for profile, named in (("edelivery", [("originalSender", FR), ("finalRecipient", BE)]), ("eessi", [])):
        source = packet(pmode=load_pmode(profile))
        found = judged(source.body, source.content_type).envelope
        assert found is not None
        assert found.user_message is not None
        assert [(one.name, one.value) for one in found.user_message.properties] == named


@pytest.mark.parametrize("hours", [-30, 30])
def test_the_clock_of_a_sender_does_not_count(hours: int) -> None:
    """A message is judged by our clock: the certificate must be valid now, whatever the sender's clock says."""
    one = receiver()
    moment = NOW + dt.timedelta(hours=hours)
    source = compose_user(parcel(), load_pmode("eessi"), demo_key(FR), moment)
    assert taken(one, bytes(source.body), source.content_type) == (None, 202)
    assert [step.at[:10] for step in one.timeline("m-1@test")] == [NOW.date().isoformat()]


def test_a_receipt_bundled_with_a_pull_request_ends_the_flight_of_its_message() -> None:
    corners = four_corners()
    corners.second.send(Parcel(BE, FR, PAYLOAD, message_id="m-1"))
    corners.engines[1].send_one(corners.now)
    while any(point.step(corners.now) for point in corners.access_points):
        pass
    point, mpc = corners.access_points[0], f"{DEFAULT_MPC}/{FR}"

    def ask(number: int, *beside: ReceiptSignal) -> bytes:
        stamped = corners.now.isoformat().replace("+00:00", "Z")
        units = (PullRequest(f"p-{number}", stamped, mpc), *beside)
        envelope = write_envelope(units, ids={"messaging": "m", "body": "b"})
        wss.sign(envelope, (), demo_key(FR), id="t")
        kind, data = pack(_xml.serialise(envelope.root))
        return bytes(point.inbox(data, kind, corners.now).body)

    assert b"m-1" in ask(1)
    assert point.waiting == 1, "it waits for its receipt"
    assert b"EBMS:0006" in ask(2, ReceiptSignal("r", "2026-01-05T08:00:00Z", "m-1"))
    assert point.waiting == 0
