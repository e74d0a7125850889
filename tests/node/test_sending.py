"""What takes long, composing and signing, happens before the case is locked; a case that moved meanwhile is seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from eessi.node import CaseMoved
from eessi.stores import Unit
from eessi.stores.mail import MailRows
from eessi.transport.outbox import Ready
from tests.node.conftest import BE, Pair, sandbox


def opened(pair: Pair) -> str:
    case_id = str(pair.fr.start("LA_BUC_01", [BE], version="4.4"))
    pair.fr.send(case_id, sandbox("A001"))
    return case_id


def before_signing(pair: Pair, monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]) -> None:
    """Let something happen just before the next message is signed."""
    outbox = pair.fr.engine.outbox
    plain = outbox.ready

    def ready(*args: object, **kwargs: object) -> Ready:
        monkeypatch.setattr(outbox, "ready", plain)
        act()
        return plain(*args, **kwargs)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr(outbox, "ready", ready)


def seds(pair: Pair, case_id: str) -> list[str]:
    return [str(one.sed) for one in pair.fr.case(case_id).documents.values()]


def test_nothing_is_locked_while_a_message_is_signed(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    case_id = opened(pair)
    writing: list[bool] = [False]
    plain = pair.fr.store.begin

    @contextmanager
    def begin(tenant: str = "default") -> Iterator[Unit]:
        with plain(tenant) as unit:
            writing[0] = True
            yield unit
        writing[0] = False

    monkeypatch.setattr(pair.fr.store, "begin", begin)
    seen = []
    before_signing(pair, monkeypatch, lambda: seen.append(writing[0]))
    pair.fr.send(case_id, sandbox("H001"))
    assert seen == [False]


def test_a_case_that_moves_while_a_message_is_signed_is_looked_at_again(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_id = opened(pair)
    before_signing(pair, monkeypatch, lambda: pair.fr.send(case_id, sandbox("H001")))
    done = pair.fr.send(case_id, sandbox("H001"))
    assert seds(pair, case_id) == ["A001", "H001", "H001"]
    with pair.fr.store.read() as unit:
        assert sum(1 for _ in MailRows(unit).outs("queued")) == 3, "what was composed in vain is not sent"
    assert pair.fr.document(case_id, done.document_id, who="x").sed.type == "H001"


def test_who_said_what_he_saw_is_told_that_it_moved(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    case_id = opened(pair)
    seen = pair.fr.revision(case_id)
    before_signing(pair, monkeypatch, lambda: pair.fr.send(case_id, sandbox("H001")))
    with pytest.raises(CaseMoved) as caught:
        pair.fr.send(case_id, sandbox("H001"), seen=seen)
    assert caught.value.revision == seen + 1
    assert seds(pair, case_id) == ["A001", "H001"]
    with pair.fr.store.read() as unit:
        assert sum(1 for _ in MailRows(unit).outs("queued")) == 2
