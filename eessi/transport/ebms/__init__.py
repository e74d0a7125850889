"""The ebMS 3.0 header as typed values: user message, receipt, error, pull request; read from a tree and written to one."""

from eessi.transport.ebms.model import (
    Agreement,
    Envelope,
    ErrorSignal,
    Failure,
    PartInfo,
    Party,
    PartyId,
    Property,
    PullRequest,
    ReceiptSignal,
    SignedReference,
    Unit,
    UserMessage,
)
from eessi.transport.ebms.read import read_envelope, read_reference, read_user_message, when
from eessi.transport.ebms.write import write_envelope, write_reference, write_user_message

__all__ = [
    "Agreement",
    "Envelope",
    "ErrorSignal",
    "Failure",
    "PartInfo",
    "Party",
    "PartyId",
    "Property",
    "PullRequest",
    "ReceiptSignal",
    "SignedReference",
    "Unit",
    "UserMessage",
    "read_envelope",
    "read_reference",
    "read_user_message",
    "when",
    "write_envelope",
    "write_reference",
    "write_user_message",
]
