"""Messages on their way: envelopes, outbox and inbox, adapters, and an access point for tests.

::

    network = InMemoryNetwork(faults=[Fault("lost", 2)])
    france, belgium = network.endpoint("FR:0100000001"), network.endpoint("BE:0203980409")
    france.send(Parcel(sender, receiver, payload))
    for parcel in belgium.receive():
        ...

The layers below carry the weight and are free of input and output: :mod:`~eessi.transport.mime`,
:mod:`~eessi.transport.wss`, :mod:`~eessi.transport.ebms`, :mod:`~eessi.transport.multihop`.
"""

from __future__ import annotations

from eessi.transport.memory import Endpoint, Fault, FaultName, InMemoryNetwork, Passage, Step
from eessi.transport.parcel import Delivery, Parcel, Part, Receipt, State, Transport

__all__ = [
    "Delivery",
    "Endpoint",
    "Fault",
    "FaultName",
    "InMemoryNetwork",
    "Parcel",
    "Part",
    "Passage",
    "Receipt",
    "State",
    "Step",
    "Transport",
]
