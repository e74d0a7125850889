"""Every namespace and algorithm identifier of the wire, once, each with its meaning.

Sources: OASIS ebMS 3.0 Core, ebMS 3.0 Part 2, AS4 profile 1.0, WS-Security 1.0/1.1 with the SwA profile 1.1.1,
W3C XML Signature and XML Encryption.
"""

from __future__ import annotations

from typing import Final

SOAP12: Final = "http://www.w3.org/2003/05/soap-envelope"
SOAP11: Final = "http://schemas.xmlsoap.org/soap/envelope/"
EB: Final = "http://docs.oasis-open.org/ebxml-msg/ebms/v3.0/ns/core/200704/"
EBBP: Final = "http://docs.oasis-open.org/ebxml-bp/ebbp-signals-2.0"
EBINT: Final = "http://docs.oasis-open.org/ebxml-msg/ns/ebms/v3.0/multihop/200902/"
WSA: Final = "http://www.w3.org/2005/08/addressing"
WSSE: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSSE11: Final = "http://docs.oasis-open.org/wss/oasis-wss-wssecurity-secext-1.1.xsd"
WSU: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
DS: Final = "http://www.w3.org/2000/09/xmldsig#"
XENC: Final = "http://www.w3.org/2001/04/xmlenc#"
XENC11: Final = "http://www.w3.org/2009/xmlenc11#"

DEFAULT_MPC: Final = EB + "defaultMPC"
TEST_SERVICE: Final = EB + "service"
TEST_ACTION: Final = EB + "test"
INITIATOR: Final = EB + "initiator"
RESPONDER: Final = EB + "responder"
ONE_WAY_RECEIPT: Final = EB + "oneWay.receipt"
ONE_WAY_ERROR: Final = EB + "oneWay.error"

NEXT_MSH: Final = "http://docs.oasis-open.org/ebxml-msg/ebms/v3.0/ns/part2/200811/nextmsh"
ICLOUD: Final = "http://docs.oasis-open.org/ebxml-msg/ebms/v3.0/ns/part2/200811/icloud"

EXC_C14N: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
ATTACHMENT_CONTENT: Final = (
    "http://docs.oasis-open.org/wss/oasis-wss-SwAProfile-1.1#Attachment-Content-Signature-Transform"
)
ATTACHMENT_CIPHERTEXT: Final = "http://docs.oasis-open.org/wss/oasis-wss-SwAProfile-1.1#Attachment-Ciphertext-Transform"
ATTACHMENT_CONTENT_ONLY: Final = "http://docs.oasis-open.org/wss/oasis-wss-SwAProfile-1.1#Attachment-Content-Only"

_X509_PROFILE: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0"
X509_V3: Final = _X509_PROFILE + "#X509v3"
X509_PATH: Final = _X509_PROFILE + "#X509PKIPathv1"
X509_SKI: Final = _X509_PROFILE + "#X509SubjectKeyIdentifier"
BASE64_BINARY: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"
ENCRYPTED_KEY: Final = "http://docs.oasis-open.org/wss/oasis-wss-soap-message-security-1.1#EncryptedKey"

SHA1: Final = "http://www.w3.org/2000/09/xmldsig#sha1"
SHA256: Final = XENC + "sha256"
SHA384: Final = "http://www.w3.org/2001/04/xmldsig-more#sha384"
SHA512: Final = XENC + "sha512"
RSA_SHA256: Final = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
RSA_SHA384: Final = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384"
RSA_SHA512: Final = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512"
AES128_GCM: Final = XENC11 + "aes128-gcm"
AES256_GCM: Final = XENC11 + "aes256-gcm"
RSA_OAEP_MGF1P: Final = XENC + "rsa-oaep-mgf1p"
RSA_OAEP: Final = XENC11 + "rsa-oaep"
MGF1_SHA1: Final = XENC11 + "mgf1sha1"
MGF1_SHA256: Final = XENC11 + "mgf1sha256"
MGF1_SHA384: Final = XENC11 + "mgf1sha384"
MGF1_SHA512: Final = XENC11 + "mgf1sha512"

GZIP: Final = "application/gzip"
SOAP_TYPE: Final = "application/soap+xml"

EESSI_PARTY_TYPE: Final = "urn:eu:europa:ec:dgempl:eessi:ir"
EESSI_INSTITUTION_ROLE: Final = "urn:eu:europa:ec:dgempl:eessi:ir:institution"
EESSI_SYSTEM_ROLE: Final = "urn:eu:europa:ec:dgempl:eessi:system"
EESSI_SERVICE_TYPE: Final = "urn:eu:europa:ec:dgempl:eessi"


def clark(namespace: str, name: str) -> str:
    """The name as lxml writes it: ``{namespace}name``."""
    return f"{{{namespace}}}{name}"
