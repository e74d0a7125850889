"""A SED in its envelope: the header as a value, the bytes of the SED unchanged, disagreement found.

Run from the project's folder: python examples/23_put_it_in_a_message.py
"""

from pathlib import Path

import attrs

import eessi
from eessi.ids import Action, BucId, CaseId, CdmVersion, Role, SedType
from eessi.sed import Attachment, Header, Message, Party

sed = eessi.parse(Path(__file__).parent / "documents" / "s071.xml")
assert isinstance(sed, eessi.Sed)

header = Header(
    sender=Party("FR:TEST0001", Role.CASE_OWNER),
    receivers=(Party("BE:TEST0001", Role.COUNTERPARTY),),
    sed=SedType("S071"),
    sed_version=CdmVersion(4, 4),
    buc=BucId("S_BUC_01"),
    buc_version=CdmVersion(4, 4),
    action=Action.START,
    case_id=CaseId("00000000-0000-4000-8000-0000000000bb"),
    instance_id="00000000-0000-4000-8000-000000000001",
    set_id="00000000-0000-4000-8000-0000000000aa",
    document_version=1,
    created="2026-11-25T09:30:00Z",
)
scan = Attachment.of(b"%PDF-1.7 synthetic", "../scan of form.pdf", medical=True)
message = Message.compose(header, sed, (scan,))
print(message.header.transaction)
print("attachment:", scan.file_name, scan.media_type, "medical" if scan.medical else "")

received = eessi.parse(message.data)
assert isinstance(received, Message)
assert received.sed.same_content(sed)

wrong = Message.compose(attrs.evolve(header, sed=SedType("S072")), sed)
for finding in eessi.validate(wrong).findings:
    print(f"{finding.id} {finding.severity}: {finding.message()}; {finding.hint()}")
