"""Several tenants on one store: a test that tries to cross from one to the other by every public call."""

from __future__ import annotations

import datetime as dt
import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator

import pytest

import eessi.node
from eessi.directory import Directory
from eessi.errors import EessiError, SecurityError, UnknownCode, UsageError
from eessi.node import Node, Vault, closing, keeping, retention, timers, touched
from eessi.node.decisions import decisions
from eessi.node.evidence import check_store, export, timeline
from eessi.node.operation import readiness_of, status_of
from eessi.node.retention import RetentionRule
from eessi.node.statistics import statistics_of
from eessi.stores import Store
from eessi.stores.cases import CaseRows
from eessi.transport.corners import FourCorners
from eessi.transport.engine import Engine
from tests.node.conftest import BE, BOTH_STORES, FR, sandbox, store_urls


@pytest.fixture(scope="module", params=BOTH_STORES)
def nodes(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Node, Node, str]]:
    """Two tenants of one store; the first has a case with a document."""
    with (
        store_urls(request.param, request, tmp_path_factory.mktemp("tenants"), 1) as [url],
        Store.open(url) as store,
    ):
        yield two_tenants(store)


def two_tenants(store: Store) -> tuple[Node, Node, str]:
    store.create_tenant("one")
    store.create_tenant("two")
    corners = FourCorners(FR, BE, stores=(store, store))
    made = []
    for tenant, key in (("one", bytes(32)), ("two", bytes([1]) * 32)):
        plain = corners.engines[0]
        engine = Engine(store, plain.identity, plain.partners, plain.pmode, plain.wire, tenant=tenant)
        made.append(Node(store, engine, Vault(key), tenant=tenant, clock=lambda: corners.now))
    case_id = str(made[0].start("LA_BUC_01", [BE], version="4.4", national_number="SECRET-1"))
    made[0].send(case_id, sandbox("A001"))
    return made[0], made[1], case_id


def document_of(node: Node, case_id: str) -> str:
    return next(iter(node.case(case_id).documents))


CALLS: dict[str, Callable[[Node, str, str], object]] = {
    "case": lambda node, case, doc: node.case(case),
    "revision": lambda node, case, doc: node.revision(case),
    "allowed": lambda node, case, doc: node.allowed(case),
    "why_not": lambda node, case, doc: node.why_not(case, "X001"),
    "send": lambda node, case, doc: node.send(case, sandbox("H001")),
    "close": lambda node, case, doc: node.close(case),
    "reopen": lambda node, case, doc: node.reopen(case),
    "archive": lambda node, case, doc: node.archive(case),
    "document": lambda node, case, doc: node.document(case, doc, who="x", right=True),
    "retry": lambda node, case, doc: node.retry(doc),
    "timeline": lambda node, case, doc: timeline(node.store, case, tenant=node.tenant),
    "export": lambda node, case, doc: export(node.store, cases=[case], tenant=node.tenant),
    "hold": lambda node, case, doc: keeping.hold(
        node.store, case, who="w", reason="r", now=node.clock(), tenant=node.tenant
    ),
    "lift": lambda node, case, doc: keeping.lift(node.store, case, tenant=node.tenant),
    "erase": lambda node, case, doc: keeping.erase(
        node.store, case, who="w", reason="r", now=node.clock(), tenant=node.tenant
    ),
}
"""Every public call that takes an id."""

DAY = dt.date(2040, 1, 1)
RETENTION = RetentionRule(
    id="r", action="erase", bucs=("*",), states=("open",), days=1, kind="own", source="test", reason="a day"
)
LISTS: dict[str, Callable[[Node], object]] = {
    "find": lambda node: node.find(),
    "held": lambda node: node.held(),
    "signals": lambda node: node.signals(),
    "receive": lambda node: list(node.receive()),
    "apply_next": lambda node: node.apply_next(),
    "apply_message": lambda node: node.apply_message("m1"),
    "step": lambda node: node.step(),
    "holds": lambda node: keeping.holds(node.store, tenant=node.tenant),
    "plan": lambda node: retention.plan(node.store, [RETENTION], DAY, tenant=node.tenant)[0],
    "plan_closing": lambda node: list(
        closing.plan_closing(node.store, closing.load_closing_rules(), DAY, tenant=node.tenant)
    ),
    "touched_cases": lambda node: list(touched.touched_cases(node.store, Directory.of(()), DAY, tenant=node.tenant)),
    "tick": lambda node: timers.tick(node.store, node.clock() + dt.timedelta(days=99), tenant=node.tenant),
    "check_store": lambda node: check_store(node.store, tenant=node.tenant),
    "statistics_of": lambda node: statistics_of(node.store, tenant=node.tenant).cases,
    "decisions": lambda node: list(decisions(node.store, node.vault, tenant=node.tenant).rows),
    "status_of": lambda node: status_of(node.store, node.clock(), tenant=node.tenant).backlog,
    "readiness_of": lambda node: readiness_of(node.store, tenant=node.tenant)["waiting"],
}
"""Every public call that asks for all there is, or does whatever is due: with nothing of its own, nothing."""

ELSEWHERE = {
    "start": "makes a case of its own tenant; the test of starting the same case twice is below",
    "take": "takes in what comes from outside",
    "import_case": "writes for the tenant named; below",
    "import_cases": "the same for several",
    "execute": "does a plan, step by step, each found anew in the tenant named; below",
    "close_cases": "does a plan by way of Node.close and Node.send",
    "send_proposed": "does a plan by way of Node.send",
}
"""Public calls that take no id of a case and list nothing."""


def public_calls() -> set[str]:
    """The public methods of a node, and the public functions of its room that are given a store and a tenant, or a node."""
    found = {name for name, _ in inspect.getmembers(Node, inspect.isfunction) if not name.startswith("_")}
    for module in pkgutil.iter_modules(eessi.node.__path__, "eessi.node."):
        if module.name == "eessi.node.workers":
            continue  # a service over one node, whose calls these are
        loaded = importlib.import_module(module.name)
        for name in loaded.__all__:
            function = getattr(loaded, name)
            if inspect.isfunction(function):
                taken = set(inspect.signature(function).parameters)
                if taken >= {"store", "tenant"} or "node" in taken:
                    found.add(name)
    return found


def test_no_public_call_is_forgotten() -> None:
    assert public_calls() == {*CALLS, *LISTS, *ELSEWHERE}


@pytest.mark.parametrize("question", LISTS)
def test_a_tenant_with_nothing_is_told_nothing(question: str, nodes: tuple[Node, Node, str]) -> None:
    """Although the other tenant of the same store has a case, documents and messages."""
    assert not LISTS[question](nodes[1])


def test_a_plan_of_another_tenant_is_done_by_nobody(nodes: tuple[Node, Node, str]) -> None:
    mine, other, case_id = nodes
    steps = retention.Step(case_id, "LA_BUC_01", "open", 1, "erase", RETENTION, DAY, DAY)
    [outcome] = retention.execute(other.store, [steps], who="w", now=other.clock(), tenant=other.tenant)
    assert outcome.outcome == "kept"
    assert mine.case(case_id).state == "open"


@pytest.mark.parametrize("call", CALLS)
def test_a_known_id_of_another_tenant_leads_nowhere(call: str, nodes: tuple[Node, Node, str]) -> None:
    mine, other, case_id = nodes
    document = document_of(mine, case_id)
    with pytest.raises((UnknownCode, UsageError)):
        CALLS[call](other, case_id, document)


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("crafted", ["one/{id}", "{id}' OR '1'='1", "%", "_", "{id}\x00", "../{id}", ""])
def test_crafted_ids_lead_nowhere(call: str, crafted: str, nodes: tuple[Node, Node, str]) -> None:
    mine, other, case_id = nodes
    with pytest.raises(EessiError):
        CALLS[call](other, crafted.format(id=case_id), document_of(mine, case_id))


def test_search_finds_nothing_of_another_tenant(nodes: tuple[Node, Node, str]) -> None:
    mine, other, case_id = nodes
    questions: list[dict[str, str]] = [
        {},
        {"pin": "TEST-0001"},
        {"pin": "TEST-0001", "country": "FR"},
        {"partner": BE},
        {"process": "LA_BUC_01"},
        {"state": "open"},
        {"national_number": "SECRET-1"},
        {"national_number": "%"},
    ]
    for question in questions:
        assert other.find(**question) == ()  # type: ignore[arg-type]
    assert [row.case_id for row in mine.find()] == [case_id]


def test_lists_and_counts_hold_nothing_of_another_tenant(nodes: tuple[Node, Node, str]) -> None:
    _, other, _ = nodes
    assert other.held() == ()
    assert other.signals() == ()
    assert list(other.receive()) == []
    assert not other.engine.send_one(other.clock())
    assert export(other.store, tenant="two").journal == ()
    assert statistics_of(other.store, tenant="two").cases == ()
    assert list(decisions(other.store, other.vault, tenant="two").rows) == []
    status = status_of(other.store, other.clock(), tenant="two")
    assert (status.cases, status.backlog, status.waiting) == ({}, (), 0)


def test_a_row_that_was_moved_to_another_tenant_does_not_open(nodes: tuple[Node, Node, str]) -> None:
    """Even with the same key: sealed content is bound to its tenant."""
    mine, _, case_id = nodes
    with mine.store.read("one") as unit:
        [row] = CaseRows(unit).documents(case_id)
    thief = Vault(bytes(32))
    assert thief.open(row.body, f"one\x00{case_id}\x00{row.document_id}\x001")
    with pytest.raises(SecurityError, match="cannot be opened with the key of this tenant"):
        thief.open(row.body, f"two\x00{case_id}\x00{row.document_id}\x001")


def test_an_unknown_tenant_is_refused(nodes: tuple[Node, Node, str]) -> None:
    from eessi.errors import StoreError

    with pytest.raises(StoreError, match="no tenant 'three'"), nodes[0].store.read("three"):
        pass
