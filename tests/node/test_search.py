"""Search: each question alone, the answers right, and an index behind each of them among 10,000 cases."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from eessi.node import Vault
from eessi.node.keys import days_between, pin_digest
from eessi.stores import Store
from eessi.stores.cases import CASE, KEY, PARTNER, CaseRow, CaseRows
from tests.node.conftest import BOTH_STORES, store_urls

CASES = 10_000
VAULT = Vault(bytes(32))
FIRST = dt.date(2020, 1, 1)


def head(number: int) -> dict[str, object]:
    """Each value is rare among the cases, as in life; four cases share a day."""
    day = (FIRST + dt.timedelta(hours=number * 6)).isoformat()
    state = "open" if number % 500 == 7 else "archived"
    return {
        "case_id": f"case-{number:05}", "buc": "LA_BUC_01" if number % 400 == 3 else "P_BUC_01", "version": "4.3",
        "role": "CaseOwner", "me": "FR:SYNTH001", "partners": f"BE:S{number:07}", "state": state, "revision": 1,
        "opened_at": f"{day}T10:00:00.000000Z", "changed_at": f"{day}T12:00:00.000000Z",
        "due_at": day if number % 300 == 1 else None, "national_number": f"N-{number}",
    }  # fmt: skip


@pytest.fixture(scope="module", params=BOTH_STORES)
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with store_urls(request.param, request, tmp_path_factory.mktemp("search"), 1) as [url], Store.open(url) as store:
        store.create_tenant("other")
        for tenant in ("default", "other"):
            with store.begin(tenant) as unit:
                heads = [head(number) for number in range(CASES if tenant == "default" else 100)]
                unit.insert(CASE, heads)
                unit.insert(PARTNER, [{"case_id": h["case_id"], "institution": h["partners"]} for h in heads])
                keys = [{"case_id": h["case_id"], "digest": pin_digest(VAULT, f"TEST-{h['case_id']}")} for h in heads]
                unit.insert(KEY, keys)
        if store.dialect == "postgresql":  # it does so by itself; SQLite never does, and must find its way without
            with store.begin() as unit:
                unit.execute(sa.text("ANALYZE"))
        yield store


def explained(store: Store, question: dict[str, object]) -> tuple[list[CaseRow], str]:
    """The answer, and what the database says of how it would find it."""
    seen: list[tuple[str, object]] = []
    with store.read() as unit:
        driver = unit.driver

        class Noting:
            def execute(self, text: str, values: object = ()) -> object:
                seen.append((text, values))
                return driver.execute(text, values)

        unit.driver = Noting()  # type: ignore[assignment]  # only what reads is asked of it
        found = list(CaseRows(unit).find(**question))  # type: ignore[arg-type]  # one question at a time
        unit.driver = driver
        [(statement, parameters)] = seen
        words = "EXPLAIN QUERY PLAN " if store.dialect == "sqlite" else "EXPLAIN "
        plan = driver.execute(words + statement, parameters).fetchall()
        return found, "\n".join(str(row[-1]) for row in plan)


def numbers(found: list[CaseRow]) -> set[int]:
    return {int(row.case_id[-5:]) for row in found}


DAY = FIRST + dt.timedelta(days=1000)
OF_THAT_DAY = {n for n in range(CASES) if FIRST + dt.timedelta(hours=n * 6) == DAY}


@pytest.mark.parametrize(
    ("question", "answer", "index"),
    [
        ({"digest": pin_digest(VAULT, "test case 00042")}, {42}, "case_key_by_digest"),
        ({"partner": "BE:S0000077"}, {77}, "case_partner_by_institution"),
        ({"buc": "LA_BUC_01"}, {n for n in range(CASES) if n % 400 == 3}, "case_head_by_buc"),
        ({"state": "open"}, {n for n in range(CASES) if n % 500 == 7}, "case_head_by_state"),
        ({"national_number": "N-4711"}, {4711}, "case_head_by_number"),
        ({"changed": days_between(DAY, DAY)}, OF_THAT_DAY, "case_head_by_change"),
        ({"opened": days_between(DAY, DAY)}, OF_THAT_DAY, "case_head_by_opening"),
        ({"due_before": "2020-03-01"}, {1}, "case_head_by_due"),
        ({"buc": "LA_BUC_01", "state": "open", "partner": "BE:S0000003"}, set(), "case_"),
    ],
    ids=["pin", "partner", "process", "state", "national number", "changed", "opened", "due", "several"],
)
def test_each_question_is_answered_through_an_index(
    store: Store, question: dict[str, object], answer: set[int], index: str
) -> None:
    found, plan = explained(store, question)
    assert numbers(found) == answer
    assert index in plan, plan
    assert "SCAN" not in plan, plan
    assert "Seq Scan" not in plan, plan
    assert "(tenant=?)" not in plan, plan  # all rows of the tenant would be walked


def test_the_days_are_both_included_and_either_end_may_be_open(store: Store) -> None:
    assert len(OF_THAT_DAY) == 4
    with store.read() as unit:
        rows = CaseRows(unit)
        early = numbers(list(rows.find(opened=days_between(None, FIRST + dt.timedelta(days=1)), limit=CASES)))
        late = numbers(list(rows.find(opened=days_between(FIRST + dt.timedelta(days=2), None), limit=CASES)))
    assert early | late == set(range(CASES))
    assert not early & late


def test_an_answer_holds_no_case_of_another_tenant(store: Store) -> None:
    with store.read("other") as unit:
        rows = CaseRows(unit)
        assert numbers(list(rows.find(limit=CASES))) == set(range(100))
        assert list(rows.find(national_number="N-4711")) == []
        assert list(rows.find(digest=pin_digest(VAULT, "TEST-case-04711"))) == []
