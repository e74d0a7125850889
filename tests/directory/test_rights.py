"""Who may do what: the policy decides, the origin of a name is told and logged, every refusal is in the log."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator

import attrs
import pytest

from eessi.directory import Directory, Translation
from eessi.directory.control import ChangeControl
from eessi.directory.difference import Content
from eessi.directory.rights import EVERYBODY, Policy, Right, User, authorise, system_account
from eessi.directory.store import DirectoryStore
from eessi.directory.syn001_writer import syn001_bytes
from eessi.errors import NotAllowed
from eessi.ids import InstitutionId


@pytest.fixture
def store() -> Iterator[DirectoryStore]:
    with DirectoryStore.open("memory:") as store:
        store.load(syn001_bytes(Directory.synthetic()), by=User("nightly", "service"))
        yield store


def renamed(directory: Directory, text: str = "New Fund") -> Content:
    id = InstitutionId("FR:SYNTH002")
    each = attrs.evolve(directory.institutions[id], names=(Translation("en", text), Translation("fr", "Caisse")))
    return attrs.evolve(directory.content, institutions={**directory.institutions, id: each})


def test_the_account_is_the_processes_own_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    pwd = pytest.importorskip("pwd")
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "somebody-else")
    assert system_account() == pwd.getpwuid(os.getuid()).pw_name
    assert User.of(None) == User(system_account(), "operating-system", system_account())


def test_an_account_without_a_name_is_told_by_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    pwd = pytest.importorskip("pwd")

    def unknown(uid: int) -> object:
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    assert system_account() == f"uid {os.getuid()}"


def test_the_log_says_where_a_name_comes_from(store: DirectoryStore) -> None:
    control = ChangeControl(store)
    control.propose(renamed(store.directory()), by="ann")
    control.approve(1, by=User("bob", "service"))
    identities = [json.loads(event.body)["identity"] for event in store.events()]
    assert identities == [
        {"origin": "service", "account": None},
        {"origin": "argument", "account": system_account()},
        {"origin": "service", "account": None},
    ]


def test_two_names_from_one_account_are_told_so(store: DirectoryStore) -> None:
    control = ChangeControl(store)
    control.propose(renamed(store.directory()), by="ann")
    control.propose(renamed(store.directory(), "Other"), by="ann")
    assert control.approve(1, by="bob").same_account
    assert not control.approve(2, by=User("bob", "service", "web")).same_account


@pytest.mark.parametrize("right", list(Right))
def test_a_right_that_is_not_named_is_nobodys(store: DirectoryStore, right: Right) -> None:
    others = {each: frozenset({EVERYBODY}) for each in Right if each is not right}
    with pytest.raises(NotAllowed) as caught:
        authorise(store, Policy(others), User("ann", "service"), right)
    assert caught.value.rule == f"may-not-{right}"
    event = store.events()[-1]
    assert (event.who, json.loads(event.body)["rule"]) == ("ann", f"may-not-{right}")
    assert event.action.endswith("-refused")
    authorise(store, Policy({right: frozenset({"ann"})}), User("ann", "service"), right)
    authorise(store, Policy(), User("ann", "service"), right)


def test_a_policy_may_accept_the_operating_systems_users_only(store: DirectoryStore) -> None:
    policy = Policy(identity=frozenset({"operating-system"}))
    control = ChangeControl(store, policy)
    with pytest.raises(NotAllowed, match="ann is known by argument only") as caught:
        control.propose(renamed(store.directory()), by="ann")
    assert caught.value.rule == "identity"
    assert store.events()[-1].action == "proposal-refused"
    assert control.propose(renamed(store.directory()), by=None).by == system_account()
    with pytest.raises(NotAllowed) as caught:
        control.approve(1, by=None)
    assert caught.value.rule == "four-eyes"


def test_somebody_without_the_right_learns_it_before_anything_else(store: DirectoryStore) -> None:
    """An attempt that would change nothing is an attempt all the same."""
    with pytest.raises(NotAllowed):
        ChangeControl(store, Policy({})).propose(store.directory().content, by="eve")
    assert store.events()[-1].action == "proposal-refused"


def test_keying_needs_its_right(store: DirectoryStore) -> None:
    with pytest.raises(NotAllowed, match="eve may not take out keying sheets"):
        ChangeControl(store, Policy({Right.KEY: frozenset({"cid"})})).keying_sheet(by="eve")
    assert store.events()[-1].action == "export-refused"


def test_a_proposal_that_a_later_copy_overtook_is_not_approved(store: DirectoryStore) -> None:
    base = store.directory()
    control = ChangeControl(store)
    control.propose(renamed(base), by="ann")
    head = attrs.evolve(base.head, version="1.1.0", created=None)
    store.load(syn001_bytes(Directory(renamed(base, "Named by the country itself"), head=head)))
    with pytest.raises(NotAllowed, match="has moved on") as caught:
        control.approve(1, by="bob")
    assert caught.value.rule == "outdated"
    assert store.events()[-1].action == "approval-refused"
    assert control.reject(1, by="bob").state == "rejected"


def test_what_a_later_copy_changed_elsewhere_does_not_matter(store: DirectoryStore) -> None:
    base = store.directory()
    control = ChangeControl(store)
    control.propose(renamed(base), by="ann")
    id = InstitutionId("FR:SYNTH002")
    moved = attrs.evolve(base.institutions[id], short_name="MOVED")
    content = attrs.evolve(base.content, institutions={**base.institutions, id: moved})
    store.load(syn001_bytes(Directory(content, head=attrs.evolve(base.head, version="1.1.0", created=None))))
    assert control.approve(1, by="bob").state == "approved"
