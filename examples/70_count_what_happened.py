"""Counts by process, document, country and delay, from the histories of the cases, as a table and as an Excel sheet."""

import datetime as dt
import tempfile
from pathlib import Path

import eessi
from eessi.node import Node, Vault
from eessi.node.evidence import check_store
from eessi.node.statistics import statistics_of
from eessi.release.excel import write_sheet
from eessi.transport.corners import FourCorners

corners = FourCorners("FR:SYNTH001", "BE:SYNTH001")
france, belgium = (
    Node(engine.outbox.store, engine, Vault.generate(), clock=lambda: corners.now) for engine in corners.engines
)
person = {"familyName": "Testperson", "forename": "Ada", "dateBirth": "1980-01-15", "sex": "02"}


def document(code: str) -> eessi.Sed:
    return eessi.build(code, {"Person": {"PersonIdentification": person}}, version="1.0")


for days in (2, 9):  # two requests, answered after two and after nine days
    case_id = france.start("LA_BUC_01", ["BE:SYNTH001"], version="4.4")
    france.send(case_id, document("A001"))
    corners.run()
    belgium.apply_next()
    [request] = belgium.receive()
    corners.advance(dt.timedelta(days=days))
    belgium.send(case_id, document("A011"), parent_id=request.document_id)
    corners.run()
    france.apply_next()

found = statistics_of(france.store)
for row in found.documents:
    print(row.sed, row.direction, row.country, row.verdict, row.documents)
[delay] = found.delays
print(f"{delay.sed} to {delay.answer}: {delay.median} days in the middle, {delay.longest} at most")
assert delay.pairs == 2
assert check_store(france.store) == (), "the log behind the numbers is whole"

sheet = Path(tempfile.mkdtemp()) / "documents.xlsx"
rows = [(one.sed, one.direction, one.country, one.verdict, one.documents) for one in found.documents]
write_sheet(sheet, "documents", ("SED", "direction", "country", "verdict", "number"), rows, widths=(8, 10, 10, 14, 8))
print("Excel:", sheet.name)
corners.close()
