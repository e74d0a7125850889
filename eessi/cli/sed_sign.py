"""``eessi sed sign`` and ``eessi sed verify``."""

from __future__ import annotations

import datetime as dt
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from eessi.cli.output import common_options, print_json, read_source, write, write_bytes
from eessi.errors import InputError, MissingExtra, SecurityError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.x509 import Certificate

    from eessi.sed import Sed

__all__ = ["certificate_of", "sign_sed", "thumbprint_of", "verify_sed"]


def _sed(path: str) -> Sed:
    from eessi.sed import Sed, parse

    document = parse(read_source(path))
    return document if isinstance(document, Sed) else document.sed


def _password(file: Path | None) -> bytes | None:
    if file is not None:
        return read_source(str(file)).rstrip(b"\r\n")
    given = os.environ.get("EESSI_KEY_PASSWORD")
    return given.encode() if given is not None else None


def _ask() -> bytes:
    entered: str = click.prompt("Password of the key", hide_input=True, default="", show_default=False, err=True)
    return entered.encode()


def _key_and_certificate(path: Path, file: Path | None) -> tuple[RSAPrivateKey, Certificate]:
    """Key and certificate of a PKCS #12 file, or of a PEM file that holds both."""
    try:
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    except ImportError:
        raise MissingExtra("signature", "signing SEDs") from None
    data = read_source(str(path))
    password = _password(file)
    found = _load(data, password) or (_load(data, None) if password is not None else _load(data, _ask()))
    if found is not None:
        key, certificate = found
        if not isinstance(key, RSAPrivateKey):
            raise SecurityError("only RSA keys sign SEDs")
        return key, certificate
    raise InputError("no key and certificate could be read; is the password right?", source=str(path))


def _load(data: bytes, password: bytes | None) -> tuple[object, Certificate] | None:
    from cryptography.hazmat.primitives.serialization import load_pem_private_key, pkcs12
    from cryptography.x509 import load_pem_x509_certificate

    try:
        if b"-----BEGIN" in data:
            return load_pem_private_key(data, password), load_pem_x509_certificate(data)
        key, certificate, _ = pkcs12.load_key_and_certificates(data, password)
    except (ValueError, TypeError):
        return None  # the reason may quote what is secret
    return (key, certificate) if key is not None and certificate is not None else None


@click.command("sign")
@click.argument("file", metavar="FILE")
@click.option("--key", "key_file", required=True, type=click.Path(dir_okay=False, path_type=Path),
              help="Key and certificate: a PKCS #12 or PEM file.")  # fmt: skip
@click.option("--password-file", type=click.Path(dir_okay=False, path_type=Path), help="Password of the key.")
@click.option("--package", metavar="NAME:VERSION", help="Take this package as proof, none else.")
@click.option("--loopback", is_flag=True, help="A test in house: sign without proof that the document is valid.")
@click.option("--output", "-o", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file.")
def sign_sed(
    file: str, key_file: Path, password_file: Path | None, package: str | None, loopback: bool, output: Path | None
) -> int:
    """Sign a SED with a business certificate (enveloped XAdES); its bytes stay as they are around the signature."""
    from eessi.schemas import Registry
    from eessi.sed.signature import sign

    registry = Registry.installed()
    if package:
        registry = Registry((registry.package(package),))
    key, certificate = _key_and_certificate(key_file, password_file)
    now = dt.datetime.now(dt.UTC)
    signed = sign(_sed(file), key, certificate, signing_time=now, registry=registry, loopback=loopback)
    if output is None:
        sys.stdout.buffer.write(signed.data)
        return 0
    write_bytes(signed.data, output)
    return 0


@click.command("verify")
@click.argument("file", metavar="FILE")
@click.option("--trust", multiple=True, type=click.Path(dir_okay=False, path_type=Path), metavar="CERT",
              help="A certificate that may have signed, or issued the signer's; PEM or DER. May be repeated.")  # fmt: skip
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="The certificate must be valid on this day.")
@common_options()
def verify_sed(
    file: str,
    trust: tuple[Path, ...],
    on: dt.datetime | None,
    format: str,
    output: Path | None,
    quiet: bool,
    lang: str,
) -> int:
    """Prove the signature of a SED: what was signed, by whom and when. 0: it holds; 1: it does not; 3: by whom is not judged."""
    from eessi.sed.signature import verify
    from eessi.trust import SecurityPolicy

    sed = _sed(file)
    certificates = tuple(certificate_of(path) for path in trust)
    thumbprints = frozenset(thumbprint_of(der) for der in certificates)
    policy = SecurityPolicy(trusted=thumbprints, issuers=certificates, on=on.date() if on else None)
    try:
        verified = verify(sed, policy)
    except SecurityError as error:
        if format == "json":
            print_json({"file": file, "holds": False, "reason": str(error)}, output, quiet=quiet)
        else:
            write(f"{file}: {error}", output, quiet=quiet)
        return 1
    said = {
        "root": verified.root,
        "signer": verified.subject,
        "issuer": verified.issuer,
        "serial": str(verified.serial),
        "thumbprint": verified.thumbprint,
        "signing_time": verified.signing_time.isoformat() if verified.signing_time else None,
        "form": "exclusive" if verified.exclusive else "inclusive",
        "trusted": verified.trusted,
        "not_checked": list(verified.not_checked),
    }
    if format == "json":
        print_json({"file": file, "holds": True, **said}, output, quiet=quiet)
    else:
        lines = [f"{file}: the signature of {verified.root} holds"]
        lines += [
            f"  {name.replace('_', ' ')}: {value}"
            for name, value in said.items()
            if name not in ("root", "not_checked")
        ]
        write("\n".join([*lines, *(f"  not checked: {text}" for text in verified.not_checked)]), output, quiet=quiet)
    return 0 if verified.trusted else 3


def certificate_of(path: Path) -> bytes:
    """A certificate, PEM or DER, as DER.

    :raises InputError: when it is none.
    """
    try:
        from cryptography.hazmat.primitives.serialization import Encoding
        from cryptography.x509 import load_der_x509_certificate, load_pem_x509_certificate
    except ImportError:
        raise MissingExtra("signature", "verifying SEDs") from None
    data = read_source(str(path))
    try:
        loaded = load_pem_x509_certificate(data) if b"-----BEGIN" in data else load_der_x509_certificate(data)
    except ValueError:
        raise InputError("this is not a certificate", source=str(path)) from None
    return loaded.public_bytes(Encoding.DER)


def thumbprint_of(der: bytes) -> str:
    """SHA-256 of a certificate (DER), in hex."""
    import hashlib

    return hashlib.sha256(der).hexdigest()
