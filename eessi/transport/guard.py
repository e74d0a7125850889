"""The production guard: what may never happen off this machine.

Test certificates and demonstration keys stay on loopback; real partners are never simulated; a document that no imported
package has proved valid does not leave.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import attrs

from eessi.errors import SecurityError

if TYPE_CHECKING:
    from cryptography import x509

    from eessi.transport.identity import Identity, Partner

__all__ = ["DEMO_MARK", "Guard", "is_demo", "is_loopback"]

DEMO_MARK = "eessi-toolkit demonstration, not for use"
"""Organisational unit of every certificate that this project makes for tests and demonstrations."""


def is_loopback(url: str) -> bool:
    """Whether an address stays on this machine."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or urlsplit(url).scheme == "local":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_demo(certificate: x509.Certificate) -> bool:
    """Whether a certificate was made for tests or demonstrations."""
    from eessi.transport.wss.keys import fingerprint

    units = {str(one.value) for name in (certificate.subject, certificate.issuer) for one in name}
    return DEMO_MARK in units or fingerprint(certificate) in _known()


def _known() -> frozenset[str]:
    import tomllib
    from importlib.resources import files

    text = files("eessi.transport").joinpath("data", "test-certificates.toml").read_text(encoding="utf-8")
    return frozenset(tomllib.loads(text)["certificates"])


@attrs.frozen(slots=True)
class Guard:
    """The rules; the default holds them all.

    :param demo_off_loopback: lets demonstration keys leave this machine; only for closed test networks.
    """

    demo_off_loopback: bool = False

    def check_sending(self, url: str, identity: Identity, partner: Partner, *, proved: bool) -> None:
        """Look at a message before it is stored for sending.

        :raises SecurityError: when it may not leave this machine.
        """
        if is_loopback(url):
            return
        if urlsplit(url).scheme != "https":
            raise SecurityError(f"{url} is not https; off this machine messages go over TLS only")
        if not self.demo_off_loopback:
            for certificate in (identity.key.certificate, *partner.certificates):
                if is_demo(certificate):
                    raise SecurityError("a certificate made for tests may not be used off this machine")
        if partner.simulated:
            raise SecurityError(f"{partner.id} is simulated and lives on this machine only")
        if not proved:
            raise SecurityError(
                "the document is not proved valid by an imported package, so it may not leave this machine; "
                "import the official package and validate it"
            )

    def check_simulating(self, partner: Partner) -> None:
        """Look at a party before a simulator plays it.

        :raises SecurityError: for a real one.
        """
        if not partner.simulated or not all(is_demo(one) for one in partner.certificates):
            raise SecurityError(
                f"{partner.id} is not marked as simulated with a demonstration key; it is not played here"
            )
