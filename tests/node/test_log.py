"""What a node writes down for its operators holds ids and never a person's data, whatever goes wrong."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from eessi.node import Content
from eessi.node.log import JsonLines, log_to, write_line
from eessi.node.loop import Loop
from eessi.sed import Attachment, Sed
from tests.node.conftest import BE, Pair, sandbox


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    handler = log_to(stream, level=logging.DEBUG)
    yield stream
    logging.getLogger().removeHandler(handler)


def lines(log: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def personal(sed: Sed) -> set[str]:
    """Every value of the document that is long enough not to be found by chance."""
    return {text for path, text in sed.items() if path.startswith("Person") and len(text) > 3}


def test_a_case_leaves_its_ids_and_no_value_of_its_documents(pair: Pair, log: io.StringIO) -> None:
    sed = sandbox("A001")
    assert {"Testperson", "TEST-0001", "1980-01-15"} <= personal(sed)
    case_id = str(pair.fr.start("LA_BUC_01", [BE], version="4.4", national_number="FR-2026-17"))
    slip = Attachment.of(b"%PDF-1.7 pay slip of Testperson", "slip of Testperson.pdf")
    sent = pair.fr.send(case_id, sed, attachments=[slip])
    pair.run()
    pair.be.document(case_id, sent.document_id, who="Caseworker Testworker")
    found = lines(log)
    assert [line["event"] for line in found] == ["opened", "sent", "applied", "read"]
    assert all(line["case"] == case_id for line in found)
    assert [line.get("document") for line in found[1:]] == [sent.document_id] * 3
    assert found[1]["messages"] == list(sent.message_ids)
    assert found[2]["message"] == sent.message_ids[0]
    text = log.getvalue()
    for value in personal(sed) | {"slip of", "FR-2026-17", "Testworker"}:
        assert value not in text, value


def test_no_error_tells_a_value(pair: Pair, log: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    """Readers, handlers and libraries put values into their exceptions: their text is never written."""

    def broken(sed: Sed) -> Content:
        raise KeyError(sed["Person/PersonIdentification/familyName"])

    case_id = str(pair.fr.start("LA_BUC_01", [BE], version="4.4"))
    pair.fr.send(case_id, sandbox("A001"))
    pair.be.reader = broken
    pair.run()
    [held] = pair.be.held()
    assert not pair.be.retry(held.message_id)
    loop = Loop(pair.be, pause=0.01)

    def fails() -> bool:
        raise RuntimeError("of Testperson, born 1980-01-15")

    monkeypatch.setattr(pair.be, "step", fails)
    loop.run(once=True)
    try:
        fails()
    except RuntimeError:
        logging.getLogger("somebody.else").exception("about %s", "Testperson")
        logging.getLogger("eessi.node").exception("Testperson")
    found = lines(log)
    assert [line["rule"] for line in found if line["event"] == "held"] == ["NODE-READER"]
    failed = [line for line in found if line["event"] == "failed"]
    assert failed
    assert failed[0]["error"] == "RuntimeError"
    assert str(failed[0]["place"]).startswith("tests.node.test_log:")
    assert sum(line["event"] == "library" for line in found) == 2
    text = log.getvalue()
    for value in personal(sandbox("A001")):
        assert value not in text, value


def test_only_known_fields_can_be_written(pair: Pair, log: io.StringIO) -> None:
    with pytest.raises(TypeError, match="no field family_name"):
        write_line("sent", {"family_name": "Testperson"})  # type: ignore[typeddict-unknown-key]  # on purpose
    assert log.getvalue() == ""


def test_a_record_of_another_library_is_named_and_not_quoted() -> None:
    record = logging.LogRecord("httpx", logging.WARNING, "client.py", 7, "posted %s", ("Testperson",), None)
    assert json.loads(JsonLines().format(record)) | {"at": ""} == {
        "at": "", "level": "warning", "event": "library", "logger": "httpx", "place": "client:7",
    }  # fmt: skip


def test_the_loop_ends_when_it_is_told(pair: Pair) -> None:
    loop = Loop(pair.fr, pause=0.01)
    loop.stop()
    loop.run()
    assert loop.idle_seconds() < 60
