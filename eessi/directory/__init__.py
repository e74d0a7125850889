"""The institution directory: who may do what, where, and since when.

A full copy is read into a :class:`Directory` and asked::

    directory = Directory.synthetic()
    found = directory.find("LA_BUC_01", "Counterparty", "BE")
    [match.institution.id for match in found.matches], [(out.institution.id, out.reason) for out in found.left_out]
"""

from eessi.directory.change import Change, ChangeClass
from eessi.directory.days import CopyVersion
from eessi.directory.difference import Difference
from eessi.directory.directory import Directory
from eessi.directory.folding import Folding
from eessi.directory.look_up import Found, Match, Route
from eessi.directory.reasons import LeftOut, Reason
from eessi.directory.records import (
    AccessPoint,
    Address,
    CentralNode,
    Certificate,
    Competence,
    Contact,
    Endpoint,
    Environment,
    Institution,
    LegalCompetence,
    Link,
    Relation,
    Translation,
)
from eessi.directory.syn001 import CopyHead, read_syn001

__all__ = [
    "AccessPoint",
    "Address",
    "CentralNode",
    "Certificate",
    "Change",
    "ChangeClass",
    "Competence",
    "Contact",
    "CopyHead",
    "CopyVersion",
    "Difference",
    "Directory",
    "Endpoint",
    "Environment",
    "Folding",
    "Found",
    "Institution",
    "LeftOut",
    "LegalCompetence",
    "Link",
    "Match",
    "Reason",
    "Relation",
    "Route",
    "Translation",
    "read_syn001",
]
