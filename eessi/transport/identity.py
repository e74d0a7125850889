"""Who we are, and what a transport must know about others."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

import attrs

from eessi.ids import InstitutionId

if TYPE_CHECKING:
    from cryptography import x509

    from eessi.transport.wss import KeyPair

__all__ = ["AccessPointLink", "Channel", "FixedPartners", "Identity", "Partner", "Partners"]


@attrs.frozen(slots=True)
class Identity:
    """An institution with its messaging key.

    :param key: signs everything that goes out.
    :param decryption: further own keys, for messages encrypted for us; during a roll-over more than one.
    """

    institution: InstitutionId
    key: KeyPair
    decryption: tuple[KeyPair, ...] = ()

    @property
    def keys(self) -> tuple[KeyPair, ...]:
        """Every own key, the signing key first."""
        return (self.key, *self.decryption)


@attrs.frozen(slots=True)
class Partner:
    """What the directory says about one party at one moment.

    :param certificates: pinned: only these may sign for this party.
    :param url: where messages for it are pushed; with access points that is the Outbox of our own one.
    :param encryption: certificate to encrypt for, where encryption is agreed.
    :param simulated: a partner of a test or demonstration; real ones are never simulated.
    """

    id: InstitutionId
    certificates: tuple[x509.Certificate, ...]
    url: str | None = None
    encryption: x509.Certificate | None = None
    simulated: bool = False


@attrs.frozen(slots=True)
class Channel:
    """A queue of the access point that is ours to pull.

    :param mpc: its full name, ``…/defaultMPC/UKGATEWAY``.
    """

    name: str
    mpc: str
    inbox_url: str


@attrs.frozen(slots=True)
class AccessPointLink:
    """The access point that serves us.

    :param outbox_url: takes messages and signals.
    :param certificates: sign the access point's own warnings and errors.
    """

    outbox_url: str
    certificates: tuple[x509.Certificate, ...]
    channels: tuple[Channel, ...] = ()


class Partners(Protocol):
    """What a transport asks the directory; the node answers."""

    def partner(self, institution: str, on: dt.datetime) -> Partner | None:
        """The party of that id at that moment; ``None`` when there is none."""
        ...

    def access_point(self, on: dt.datetime) -> AccessPointLink | None:
        """The access point that serves us; ``None`` for direct exchange."""
        ...


@attrs.frozen(slots=True)
class FixedPartners:
    """Partners written down: for tests, demonstrations and single agreements."""

    partners: Sequence[Partner]
    link: AccessPointLink | None = None

    def partner(self, institution: str, on: dt.datetime) -> Partner | None:
        """The party of that id."""
        return next((one for one in self.partners if one.id == institution), None)

    def access_point(self, on: dt.datetime) -> AccessPointLink | None:
        """The access point, the same at every moment."""
        return self.link
