"""An institution at work: binds case, directory, schemas, transport and stores; durable, for one or several tenants.

::

    node = Node(store, engine, Vault.from_file(key_file))
    case_id = node.start("LA_BUC_01", ["BE:SYNTH001"], version="4.4")
    node.send(case_id, sed)
    for received in node.receive():
        ...
"""

from importlib.util import find_spec

from eessi.errors import MissingExtra

if find_spec("sqlalchemy") is None:
    raise MissingExtra("transport", "running a node")

from eessi.node.intake import Content, Held
from eessi.node.node import Node
from eessi.node.outgoing import DocumentRefused, Sent
from eessi.node.signals import Received, SignalType, as_cloud_event
from eessi.node.stored import CaseMoved
from eessi.node.vault import Vault

__all__ = [
    "CaseMoved",
    "Content",
    "DocumentRefused",
    "Held",
    "Node",
    "Received",
    "Sent",
    "SignalType",
    "Vault",
    "as_cloud_event",
]
