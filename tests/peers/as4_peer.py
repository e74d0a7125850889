"""Runs in an environment of its own, with the Python package ``as4``: builds, verifies a receipt, reads a message.

``as4_peer.py FOLDER``: writes ``built.body`` and ``built.json``; for each line on standard input, ``receipt FILE`` or
``read FILE HEADERS``, prints one line.
"""

import json
import sys
from pathlib import Path

import as4
from as4.peppol import (
    build_peppol_message,
    create_peppol_external_party,
    create_peppol_internal_party,
    parse_peppol_message,
    parse_peppol_receipt,
)
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

INVOICE = b'<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"><ID>synthetic</ID></Invoice>'
TYPE = (
    "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2::Invoice##urn:cen.eu:en16931:2017#compliant#"
    "urn:fdc:peppol.eu:2017:poacc:billing:3.0::2.1"
)


def party(folder, name, *, own):
    certificate = x509.load_pem_x509_certificate((folder / f"{name}.crt").read_bytes())
    if not own:
        return create_peppol_external_party(party_id=name, certificate=certificate)
    key = load_pem_private_key((folder / f"{name}.key").read_bytes(), None)
    return create_peppol_internal_party(party_id=name, certificate=certificate, private_key=as4.AS4LocalPrivateKey(key))


def main():
    folder = Path(sys.argv[1])
    message = build_peppol_message(
        payload=INVOICE,
        local_party=party(folder, "PTE000001", own=True),
        remote_party=party(folder, "PTE000002", own=False),
        sender="9932:9999999999",
        recipient="9932:1111111111",
        sender_country_id="BE",
        document_type_identifier_scheme="busdox-docid-qns",
        document_type_identifier_value=TYPE,
        process_identifier="urn:fdc:peppol.eu:2017:poacc:billing:01:1.0",
    )
    body, boundary = message.get_request_data()
    (folder / "built.body").write_bytes(body)
    (folder / "built.json").write_text(json.dumps(message.get_http_headers(boundary)))
    print("built", flush=True)
    signer = x509.load_pem_x509_certificate((folder / "PTE000002.crt").read_bytes())
    policy = as4.SecurityPolicy(signer_resolver=as4.pinned_certificates(signer))
    for line in sys.stdin:
        order, *names = line.split()
        try:
            if order == "receipt":
                receipt = parse_peppol_receipt((folder / names[0]).read_bytes(), signer)
                receipt.verify_non_repudiation(message.signed_references)
                print("receipt accepted", flush=True)
            else:
                headers = json.loads((folder / names[1]).read_text())
                reading = parse_peppol_message(
                    request_headers=headers,
                    request_body=(folder / names[0]).read_bytes(),
                    local_party=party(folder, "PTE000002", own=True),
                    security_policy=policy,
                )
                got = reading.successful and b"synthetic" in next(iter(reading.message.decrypted_data.values()))
                print("message accepted" if got else f"message refused {reading.error.error_detail!r}", flush=True)
        except Exception as error:  # noqa: BLE001  # whatever it raises is its answer
            print(f"{order} refused {type(error).__name__}: {error}".replace("\n", " "), flush=True)


main()
