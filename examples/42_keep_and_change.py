"""Keep copies in a store, propose a change, have it approved, key it, and see whether it arrived.

Run from the project's folder: python examples/42_keep_and_change.py
"""

import datetime as dt
import tempfile
from pathlib import Path

import attrs

from eessi import Directory, InstitutionId, NotAllowed, Period
from eessi.directory.control import ChangeControl
from eessi.directory.rights import EVERYBODY, Policy, Right
from eessi.directory.store import DirectoryStore
from eessi.directory.syn001_writer import syn001_bytes

with tempfile.TemporaryDirectory() as folder, DirectoryStore.open(Path(folder) / "directory.db") as store:
    store.load(syn001_bytes(Directory.synthetic()), by="night job")
    rights = {Right.PROPOSE: frozenset({"ann"}), Right.APPROVE: frozenset({"bob"}), Right.KEY: frozenset({EVERYBODY})}
    control = ChangeControl(store, Policy(rights, country="FR"))

    base = store.directory()
    fund = base.get("FR:SYNTH002")
    ended = attrs.evolve(fund, period=Period(fund.period.start, dt.date.today() + dt.timedelta(days=10)))
    edited = attrs.evolve(base.content, institutions={**base.institutions, InstitutionId(fund.id): ended})

    proposal = control.propose(edited, by="ann", reason="merger")
    for finding in control.notice(proposal):
        print("warning:", finding.message())
    try:
        control.approve(proposal.no, by="ann")
    except NotAllowed as error:
        print("refused:", error)
    control.approve(proposal.no, by="bob")

    for row in control.keying_sheet(by="cid"):
        print("to key:", row["institution"], row["action"], row["new"])
    for arrival in control.reconcile():
        print("in the copy in force:", arrival.change.id, arrival.state)

    print("log:", ", ".join(f"{event.action} by {event.who}" for event in store.events()))
