"""Judge a stored message: whole, changed on the way, and signed by somebody else.

Run from the project's folder: python examples/52_inspect.py
"""

import datetime as dt

from eessi.ids import InstitutionId
from eessi.transport import Parcel
from eessi.transport.compose import compose_user
from eessi.transport.demo_keys import demo_key
from eessi.transport.inspection import inspect
from eessi.transport.pmode import load_pmode

FRANCE, BELGIUM = InstitutionId("FR:0100000001"), InstitutionId("BE:0203980409")
NOW = dt.datetime(2026, 1, 5, 8, tzinfo=dt.UTC)

parcel = Parcel(FRANCE, BELGIUM, b"<StandardBusinessDocument/>", message_id="one@example.test")
packet = compose_user(parcel, load_pmode("eessi"), demo_key(FRANCE), NOW)
known = [demo_key(FRANCE).certificate]

for name, data, trust in (
    ("whole", packet.body, known),
    ("changed", packet.body.replace(b">Send<", b">Sent<"), known),
    ("another signer", packet.body, [demo_key(BELGIUM).certificate]),
    ("nobody pinned", packet.body, []),
):
    found = inspect(data, packet.content_type, trust=trust, on=NOW).judgement
    print(f"{name}: {found.result} {found.code or ''} {found.detail}".rstrip())
    for gap in found.not_checked:
        print(f"  not checked: {gap.what} ({gap.why})")
