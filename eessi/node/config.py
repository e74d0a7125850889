"""A node from a TOML file: institution, store, keys, access point, partners. Nothing in it runs."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from eessi.errors import InputError, UsageError
from eessi.ids import InstitutionId
from eessi.node.intake import Signers, any_signer
from eessi.node.node import Node
from eessi.node.vault import Vault
from eessi.schemas import Registry
from eessi.stores import DEFAULT_TENANT, Store
from eessi.transport.config_files import read_bytes, read_config
from eessi.transport.engine import Engine
from eessi.transport.identity import AccessPointLink, Channel, FixedPartners, Identity, Partner, Partners
from eessi.transport.pmode import load_pmode

if TYPE_CHECKING:
    from cryptography import x509

    from eessi.transport.wire import Wire

__all__ = ["NodeConfig", "load_config", "open_node", "store_of", "write_demo"]


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AccessPointRow(_Row):
    """The access point: where it takes messages, where it hands them out, which channel is ours."""

    outbox_url: str
    inbox_url: str
    mpc: str
    certificate: str


class PartnerRow(_Row):
    """A partner written down, for tests and single agreements; real ones come from the directory."""

    id: str
    certificate: str


class NodeConfig(_Row):
    """The file. Paths are relative to it; secrets are files of their own, never values here.

    :param directory: a SYN001 copy, or ``store`` for the copy in force in the store; absent when partners are written down.
    """

    institution: str
    store: str = "eessi.db"
    tenant: str = DEFAULT_TENANT
    key: str
    tenant_key: str = "tenant.key"
    profile: str = "eessi"
    access_point: AccessPointRow | None = None
    directory: str | None = None
    certificates: str | None = None
    partner: tuple[PartnerRow, ...] = ()


def load_config(file: Path) -> NodeConfig:
    """Read the file.

    :raises InputError: when it cannot be read. :raises DefinitionError: no TOML, unknown or missing keys.
    """
    return read_config(file, NodeConfig)


def store_of(file: Path) -> str:
    """The store that a file names, as file or URL."""
    named = load_config(file).store
    return named if "://" in named else str(file.parent / named)


def open_node(file: Path, wire: Wire, *, password: str | None = None, registry: Registry | None = None) -> Node:
    """Open the node that a file describes: its store is migrated, its keys are read.

    :param password: of the messaging key.
    """
    from eessi.transport.wss import KeyPair

    config = load_config(file)
    folder, place = file.parent, store_of(file)
    store = Store.open(place)
    key = KeyPair.load(read_bytes(folder / config.key), password, source=config.key)
    identity = Identity(InstitutionId(config.institution), key)
    partners, signers = _partners(config, folder, place)
    engine = Engine(store, identity, partners, load_pmode(config.profile), wire, tenant=config.tenant)
    vault = Vault.from_file(folder / config.tenant_key)
    return Node(store, engine, vault, registry=registry or Registry.installed(), tenant=config.tenant, signers=signers)


def _partners(config: NodeConfig, folder: Path, place: str) -> tuple[Partners, Signers]:
    link = _link(config, folder)
    if config.directory is None:
        rows = [
            Partner(InstitutionId(row.id), tuple(_certificates(folder / row.certificate)), simulated=True)
            for row in config.partner
        ]
        return FixedPartners(rows, link), any_signer
    from eessi.directory import Directory
    from eessi.directory.store import DirectoryStore
    from eessi.node.partners import DirectoryPartners

    if config.directory == "store":
        with DirectoryStore.open(place, tenant=config.tenant) as kept:
            directory = kept.directory()
    else:
        directory = Directory.load(folder / config.directory)
    if config.certificates is None:
        raise UsageError('partners from the directory need a folder of certificates: certificates = "folder"')
    held = [one for path in sorted((folder / config.certificates).iterdir()) for one in _certificates(path)]
    known = DirectoryPartners(directory, held, link)
    return known, known.signers


def _link(config: NodeConfig, folder: Path) -> AccessPointLink | None:
    row = config.access_point
    if row is None:
        return None
    channel = Channel("business", row.mpc, row.inbox_url)
    return AccessPointLink(row.outbox_url, tuple(_certificates(folder / row.certificate)), (channel,))


def _certificates(file: Path) -> tuple[x509.Certificate, ...]:
    from eessi.transport.wss import load_certificates

    return load_certificates(read_bytes(file), source=str(file))


def write_demo(folder: Path, access_point: Path, institution: str, *, base_url: str = "http://127.0.0.1:8480") -> Path:
    """Write the file of a node behind an access-point double made by ``eessi access-point init``.

    :param access_point: the double's ``access-point.toml``; its keys are demonstration keys and stay on this machine.
    :raises UsageError: when the double does not serve that institution.
    """
    from eessi.transport.names import DEFAULT_MPC

    try:
        double = tomllib.loads(access_point.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", source=str(access_point)) from None
    rows = {row["id"]: row for row in double["institution"]}
    if institution not in rows:
        raise UsageError(f"{access_point} serves {', '.join(rows)}, not {institution}")
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "node.toml"
    if file.exists():
        return file
    keys = os.path.relpath(access_point.parent, folder)
    name = institution.replace(":", "-")
    lines = [
        "# A node behind an access-point double, for a first try on this machine.",
        f'institution = "{institution}"',
        f'key = "{keys}/{name}.pem"',
        "",
        "[access_point]",
        f'outbox_url = "{base_url}/Business/Outbox"',
        f'inbox_url = "{base_url}/Business/Inbox"',
        f'mpc = "{DEFAULT_MPC}/{institution}"',
        f'certificate = "{keys}/access-point.crt"',
    ]
    for id, row in rows.items():
        if id != institution:
            lines += ["", "[[partner]]", f'id = "{id}"', f'certificate = "{keys}/{row["certificate"]}"']
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    Vault.from_file(folder / "tenant.key", create=True)
    return file
