"""An access-point double from a TOML file, or made up for a first try."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from eessi.ids import InstitutionId
from eessi.transport.access_point import AccessPoint, HopFault, Neighbour, Served, Trouble, troubles
from eessi.transport.config_files import read_bytes, read_config
from eessi.transport.demo_keys import demo_key
from eessi.transport.identity import Partner
from eessi.transport.names import DEFAULT_MPC
from eessi.transport.pmode import load_pmode
from eessi.transport.shelf import Shelf
from eessi.transport.wire import Wire
from eessi.transport.wss import KeyPair, load_certificates

__all__ = ["load_access_point", "write_demo"]


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Institution(_Row):
    id: str
    certificate: str
    channel: str | None = None
    push_url: str | None = None


class _Neighbour(_Row):
    name: str
    url: str
    institutions: list[str]
    certificate: str | None = None


class _Fault(_Row):
    name: HopFault
    number: int
    minutes: float = 60


class _File(_Row):
    name: str
    key: str
    queue: str = "queue"
    profile: str = "eessi"
    institution: list[_Institution]
    neighbour: list[_Neighbour] = []
    fault: list[_Fault] = []


def load_access_point(file: Path, wire: Wire, *, password: str | None = None) -> AccessPoint:
    """Build the double that a TOML file describes; paths in it are relative to the file.

    What it has taken and not passed on lies in the folder ``queue``. A ``[[fault]]`` has the name of a fault, the number of the
    message taken at Outbox that it strikes, and for a late one its minutes.

    :raises DefinitionError: no TOML, unknown or missing keys.
    :raises InputError: a key or certificate that cannot be read.
    :raises SecurityError: an institution whose certificate is not one made for demonstrations.
    """
    config = read_config(file, _File)
    folder = file.parent
    served = []
    for row in config.institution:
        partner = Partner(
            InstitutionId(row.id), load_certificates(read_bytes(folder / row.certificate)), simulated=True
        )
        served.append(Served(partner, f"{DEFAULT_MPC}/{row.channel or row.id}", row.push_url))
    neighbours = []
    for one in config.neighbour:
        found = None if one.certificate is None else load_certificates(read_bytes(folder / one.certificate))[0]
        neighbours.append(Neighbour(one.name, one.url, frozenset(one.institutions), found))
    key = KeyPair.load(read_bytes(folder / config.key), password, source=config.key)
    planted = [Trouble(one.name, one.number, dt.timedelta(minutes=one.minutes)) for one in config.fault]
    return AccessPoint(
        InstitutionId(config.name),
        key,
        load_pmode(config.profile),
        wire,
        served=served,
        neighbours=neighbours,
        faults=troubles(planted),
        shelf=Shelf(folder / config.queue),
    )


def write_demo(folder: Path, institutions: tuple[str, ...] = ("FR:0100000001", "BE:0203980409")) -> Path:
    """Write keys for a double and its institutions, and the file that describes them; nothing existing is overwritten.

    :returns: the file.
    :raises UsageError: an id that is none.
    """
    from cryptography.hazmat.primitives.serialization import Encoding

    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "access-point.toml"
    if file.exists():
        return file
    lines = ["# An access-point double for a first try. Its keys are demonstration keys.", 'name = "EU:APDEMO"']
    names: dict[str, str] = {InstitutionId(one): one.replace(":", "-") for one in institutions}
    lines += ['key = "access-point.pem"', 'profile = "eessi"']
    for id, name in {"EU:APDEMO": "access-point", **names}.items():
        key = demo_key(id)
        pem = key.certificate.public_bytes(Encoding.PEM)
        (folder / f"{name}.crt").write_bytes(pem)
        _write_private(folder / f"{name}.pem", key, pem)
    for id, name in names.items():
        lines += ["", "[[institution]]", f'id = "{id}"', f'certificate = "{name}.crt"']
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def _write_private(file: Path, key: KeyPair, certificate: bytes) -> None:
    """Key and certificate, readable by the owner only."""
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    pem = key.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(pem + certificate)
