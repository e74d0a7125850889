"""What a lossy access point does to messages, and what reaches the other side all the same.

Run from the project's folder: python examples/51_faults_on_the_way.py
"""

import datetime as dt

from eessi.ids import InstitutionId
from eessi.transport import Parcel
from eessi.transport.access_point import Trouble, troubles
from eessi.transport.corners import FourCorners

FRANCE, BELGIUM = InstitutionId("FR:0100000001"), InstitutionId("BE:0203980409")

faults = troubles([Trouble("refused", 1), Trouble("duplicate", 3), Trouble("lost", 4), Trouble("killed", 5)])
corners = FourCorners(
    FRANCE, BELGIUM, faults=(faults, troubles([])), changes={"receipt": {"hours": 24.0, "resends": 1}}
)

ids = [
    corners.first.send(
        Parcel(FRANCE, BELGIUM, f"<document>{number}</document>".encode(), message_id=f"{number}@example.test")
    )
    for number in range(5)
]
corners.run(until=dt.timedelta(minutes=10))
print("after ten quiet minutes:", [str(corners.first.status(one).state) for one in ids])

corners.advance(dt.timedelta(hours=25))  # the receipt of the lost one is missed, and it goes out again
corners.run(until=dt.timedelta(minutes=10))
print("a day later:", [str(corners.first.status(one).state) for one in ids])
print("delivered:", sorted(parcel.message_id for parcel in corners.second.receive()))
corners.close()
