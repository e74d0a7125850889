"""What transport asks about others, answered by the directory: who is a party, who may sign for it, where our access point is.

The directory names certificates by SHA-1 thumbprint and gives their public keys. A thumbprint only finds; what is trusted is the
public key. The certificates themselves come from a folder, and only those count whose key the directory names for the party.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from eessi.directory import Directory, Institution
from eessi.errors import UnknownCode
from eessi.ids import InstitutionId
from eessi.transport.identity import AccessPointLink, Partner
from eessi.trust import SecurityPolicy

if TYPE_CHECKING:
    from cryptography import x509

__all__ = ["DirectoryPartners", "pin_of"]


def pin_of(certificate: x509.Certificate) -> str:
    """SHA-256 of the public key in PKCS#1 form, as the directory's keys are pinned."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = certificate.public_key()
    form = PublicFormat.PKCS1 if isinstance(key, RSAPublicKey) else PublicFormat.SubjectPublicKeyInfo
    return hashlib.sha256(key.public_bytes(Encoding.DER, form)).hexdigest()


class DirectoryPartners:
    """Partners by the directory.

    :param certificates: all certificates at hand; each is used only where the directory names its key.
    :param link: our access point; ``None`` for direct exchange.
    :param simulated: whether the partners are those of a test or demonstration.
    """

    def __init__(
        self,
        directory: Directory,
        certificates: Iterable[x509.Certificate],
        link: AccessPointLink | None,
        *,
        simulated: bool = False,
    ) -> None:
        self.directory = directory
        self.link = link
        self.simulated = simulated
        self._by_pin: dict[str, list[x509.Certificate]] = {}
        for certificate in certificates:
            self._by_pin.setdefault(pin_of(certificate), []).append(certificate)

    def partner(self, institution: str, on: dt.datetime) -> Partner | None:
        """The party, with the certificates that the directory names for it and that are valid at that moment.

        ``None`` when the directory does not know it, or not on that day.
        """
        found = self._known(institution, on)
        if found is None:
            return None
        pinned = self._pinned(found.ebms_certificates, on)
        endpoint = found.business_endpoint
        url = endpoint.channel if self.link is None and endpoint is not None and endpoint.pattern == "push" else None
        return Partner(InstitutionId(found.id), pinned, url, simulated=self.simulated)

    def signers(self, sender: InstitutionId, at: dt.datetime) -> SecurityPolicy:
        """Who may have signed the documents of a sender: the business certificates that the directory names for it and
        that are at hand. Where none is, a signature must hold and its certificate is not judged.
        """
        from cryptography.hazmat.primitives.hashes import SHA256

        found = self._known(str(sender), at)
        held = () if found is None else self._pinned(found.business_certificates, at)
        return SecurityPolicy(trusted=frozenset(one.fingerprint(SHA256()).hex() for one in held))

    def _known(self, institution: str, on: dt.datetime) -> Institution | None:
        try:
            found = self.directory.get(institution)
        except UnknownCode:
            return None
        return found if found.period.covers(on.date()) else None

    def _pinned(self, thumbprints: Iterable[str], on: dt.datetime) -> tuple[x509.Certificate, ...]:
        """Of the certificates at hand, those whose key the directory names under these thumbprints, valid at that moment."""
        return tuple(
            certificate
            for thumbprint in thumbprints
            if (named := self.directory.certificates.get(thumbprint)) is not None and named.pin is not None
            for certificate in self._by_pin.get(named.pin, ())
            if certificate.not_valid_before_utc <= on <= certificate.not_valid_after_utc
        )

    def access_point(self, on: dt.datetime) -> AccessPointLink | None:
        """Our access point, the same at every moment."""
        return self.link
