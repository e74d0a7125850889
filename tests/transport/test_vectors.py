"""Every public vector: the judgement of the bytes alone, compared afterwards with what ``vectors.json`` expects."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from eessi.transport.demo_keys import demo_key
from eessi.transport.inspection import Inspection, inspect
from eessi.transport.report_json import InspectionDocument
from eessi.transport.wss import KeyPair

PASSWORDS = {"AccessPointA.pfx": "Pz4cZK4SULUwmraZa", "AccessPointB.pfx": "Pz4cZK4SULUwmraZb", "partyC.p12": "ExampleC"}
"""Published passwords of published test keys; see the sources of the vectors."""

EXCEPTIONS: dict[str, str] = {}
"""File -> why the expected result is not given. Empty: there are none."""


@pytest.fixture(scope="session")
def as4_folder(shared: Path) -> Path:
    return shared / "as4"


@pytest.fixture(scope="session")
def vectors(as4_folder: Path) -> list[dict[str, Any]]:
    rows = json.loads((as4_folder / "vectors.json").read_text(encoding="utf-8"))
    return [row for row in rows if row["expect"] in {"accept", "parse", "reject"}]


@pytest.fixture(scope="session")
def keys(as4_folder: Path) -> list[KeyPair]:
    return [KeyPair.load((as4_folder / "keys" / name).read_bytes(), word) for name, word in PASSWORDS.items()]


@pytest.fixture(scope="session")
def inspections(as4_folder: Path, vectors: list[dict[str, Any]], keys: list[KeyPair]) -> dict[str, Inspection]:
    """Each file judged by its bytes; nothing of the expectations is passed on."""
    return {row["file"]: inspect((as4_folder / row["file"]).read_bytes(), keys=keys) for row in vectors}


def test_every_vector_gives_the_expected_result_and_code(
    vectors: list[dict[str, Any]], inspections: dict[str, Inspection]
) -> None:
    wrong = []
    for row in vectors:
        judged = inspections[row["file"]].judgement
        codes = {row.get("code"), *row.get("also", ())}
        right = judged.result == row["expect"] and judged.code in codes
        if right == (row["file"] in EXCEPTIONS):
            wrong.append((row["file"], row["expect"], sorted(map(str, codes)), judged.result.value, judged.code))
    assert wrong == []


def test_the_counts_of_the_vectors(vectors: list[dict[str, Any]], inspections: dict[str, Inspection]) -> None:
    assert Counter(row["expect"] for row in vectors) == {"accept": 10, "parse": 18, "reject": 21}
    assert Counter(one.judgement.result.value for one in inspections.values()) == {
        "accept": 10,
        "parse": 18,
        "reject": 21,
    }


def test_the_content_type_of_http_gives_the_same_result(
    as4_folder: Path, vectors: list[dict[str, Any]], inspections: dict[str, Inspection], keys: list[KeyPair]
) -> None:
    compared = 0
    for row in vectors:
        facts = row.get("facts", {})
        if "content_type" not in facts or facts.get("http_head") or facts.get("mime_head"):
            continue
        told = inspect((as4_folder / row["file"]).read_bytes(), facts["content_type"], keys=keys)
        assert told.judgement.result == inspections[row["file"]].judgement.result, row["file"]
        compared += 1
    assert compared > 35


def test_parts_are_byte_for_byte_those_computed_from_the_vectors(
    vectors: list[dict[str, Any]], inspections: dict[str, Inspection]
) -> None:
    compared = 0
    for row in vectors:
        judged = inspections[row["file"]].judgement
        for part in row.get("facts", {}).get("parts", ()):
            found = [one for one in judged.payloads if one.id == part["cid"]]
            if judged.result != "accept" or "plain_sha256" not in part:
                continue
            assert len(found) == 1
            content = found[0].content()
            if part["gzip"] and not found[0].compressed:  # the header does not say so, hence it stays as it is
                content = gzip.decompress(content)
            assert len(content) == part["plain_bytes"]
            assert hashlib.sha256(content).hexdigest() == part["plain_sha256"]
            compared += 1
    assert compared == 7


def test_signatures_are_read_as_computed(vectors: list[dict[str, Any]], inspections: dict[str, Inspection]) -> None:
    compared = 0
    for row in vectors:
        facts, judged = row.get("facts", {}).get("signature"), inspections[row["file"]].judgement
        if facts is None or judged.signed is None:
            continue
        signed = judged.signed
        assert (signed.algorithm, signed.token) == (facts["algorithm"], facts["token"]), row["file"]
        assert [one.uri for one in signed.references] == [one["uri"] for one in facts["references"]]
        if facts["value_ok"]:
            assert signed.certificate is not None
            assert not signed.reflowed
        compared += 1
    assert compared >= 12


def test_message_ids_and_kinds_are_read_as_computed(
    vectors: list[dict[str, Any]], inspections: dict[str, Inspection]
) -> None:
    compared = 0
    for row in vectors:
        judged, facts = inspections[row["file"]].judgement, row.get("facts", {})
        if judged.envelope is None or not judged.envelope.units:
            continue
        own = [unit.message_id for unit in judged.envelope.units]
        assert set(own) <= set(facts["message_ids"]), row["file"]
        assert [type(unit).__name__.removesuffix("Signal") for unit in judged.envelope.units] == [
            unit
            for unit in facts["units"]
            if unit != "RoutingInput" and not ("RoutingInput" in facts["units"] and unit == "UserMessage")
        ], row["file"]
        compared += 1
    assert compared > 30


def test_every_report_has_the_published_shape(inspections: dict[str, Inspection]) -> None:
    for name, found in inspections.items():
        for show in (False, True):
            document = {"schema_version": 1, "file": name, **found.report(show_values=show)}
            InspectionDocument.model_validate(json.loads(json.dumps(document)))


def test_signers_are_judged_where_certificates_and_a_day_are_given(
    as4_folder: Path, vectors: list[dict[str, Any]], inspections: dict[str, Inspection], keys: list[KeyPair]
) -> None:
    stranger = demo_key("stranger").certificate
    compared = 0
    for row in vectors:
        judged = inspections[row["file"]].judgement
        if judged.result != "accept" or judged.signed is None or judged.signed.certificate is None:
            continue
        data, signer = (as4_folder / row["file"]).read_bytes(), judged.signed.certificate
        valid = signer.not_valid_before_utc + (signer.not_valid_after_utc - signer.not_valid_before_utc) / 2
        trusted = inspect(data, keys=keys, trust=[signer], on=valid).judgement
        assert (trusted.result.value, trusted.not_checked) == ("accept", ()), row["file"]
        assert inspect(data, keys=keys, trust=[stranger], on=valid).judgement.code == "EBMS:0101"
        late = signer.not_valid_after_utc + dt.timedelta(days=1)
        assert inspect(data, keys=keys, trust=[signer], on=late).judgement.code == "EBMS:0101"
        compared += 1
    assert compared == 8
