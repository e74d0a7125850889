"""Send a message through two access points and keep the proof: queued, taken, pulled, receipted.

Run from the project's folder: python examples/50_four_corners.py
"""

from eessi.ids import InstitutionId
from eessi.transport import Parcel
from eessi.transport.corners import FourCorners
from eessi.transport.engine import verify_journal

FRANCE, BELGIUM = InstitutionId("FR:0100000001"), InstitutionId("BE:0203980409")

corners = FourCorners(FRANCE, BELGIUM)
sent = corners.first.send(Parcel(FRANCE, BELGIUM, b"<StandardBusinessDocument/>", conversation_id="case-1"))
print("stored:", corners.first.status(sent).state)

corners.run()
delivery = corners.first.status(sent)
print(
    "in the end:", delivery.state, "by", delivery.receipt.by, "with", len(delivery.receipt.evidence), "bytes of proof"
)
print("received:", [parcel.payload for parcel in corners.second.receive()])

for engine in corners.engines:
    for row in engine.timeline(sent):
        print(f"  {engine.identity.institution} {row.at[11:19]} {row.step} {row.detail}")
    print("  journal unbroken:", verify_journal(engine.timeline()) is None)
corners.close()
