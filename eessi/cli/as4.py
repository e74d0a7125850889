"""``eessi as4``: stored AS4 messages taken apart and judged."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from eessi.cli.output import common_options, print_json, read_source, write
from eessi.errors import UsageError

if TYPE_CHECKING:
    from cryptography import x509

    from eessi.transport.inspection import Inspection
    from eessi.transport.wss import KeyPair

__all__ = ["as4"]

_EXIT = {"accept": 0, "parse": 3, "reject": 1}


@click.group()
def as4() -> None:
    """Stored AS4 messages taken apart and judged."""


@as4.command()
@click.argument("file")
@click.option("--content-type", help="Content type as HTTP had it; read off the file by default.")
@click.option("--key", "key_files", multiple=True, help="Own key (PKCS#12 or PEM), for decryption; may be repeated.")
@click.option(
    "--password-file", type=click.Path(path_type=Path), help="File with the password of the key, one per line."
)
@click.option("--trust", "trust_files", multiple=True, help="Certificate that may have signed; may be repeated.")
@click.option("--require", default="", help="signed, encrypted or both, with a comma between.")
@click.option("--on", "on_date", help="Day or moment for which certificates must be valid, 2026-01-31.")
@click.option("--show-values", is_flag=True, help="Show values of properties.")
@common_options()
def inspect(
    file: str,
    content_type: str | None,
    key_files: tuple[str, ...],
    password_file: Path | None,
    trust_files: tuple[str, ...],
    require: str,
    on_date: str | None,
    show_values: bool,
    format: str,
    output: Path | None,
    quiet: bool,
    lang: str,
) -> int:
    """Take a message, receipt, error or pull request apart, and name the ebMS error it deserves."""
    from eessi.transport import inspection

    found = inspection.inspect(
        read_source(file),
        content_type,
        keys=_keys(key_files, password_file),
        trust=_trust(trust_files),
        require=_require(require),
        on=_moment(on_date),
    )
    if format == "json":
        print_json({"file": file, **found.report(lang=lang, show_values=show_values)}, output, quiet=quiet)
    else:
        write(_text(file, found, lang), output, quiet=quiet)
    return _EXIT[found.judgement.result.value]


def _keys(files: tuple[str, ...], password_file: Path | None) -> list[KeyPair]:
    from eessi.transport.wss import KeyPair

    passwords: list[str | None] = []
    if password_file is not None:
        passwords = list(read_source(str(password_file)).decode(errors="replace").splitlines())
    elif files:
        passwords = [os.environ.get("EESSI_KEY_PASSWORD")]
    loaded = []
    for number, name in enumerate(files):
        password = passwords[min(number, len(passwords) - 1)] if passwords else None
        if password is None:
            password = click.prompt(f"Password of {name}", hide_input=True, err=True, default="", show_default=False)
        loaded.append(KeyPair.load(read_source(name), password, source=name))
    return loaded


def _trust(files: tuple[str, ...]) -> list[x509.Certificate]:
    from eessi.transport.wss import load_certificates

    return [one for name in files for one in load_certificates(read_source(name), source=name)]


def _require(text: str) -> frozenset[str]:
    words = frozenset(word.strip() for word in text.split(",") if word.strip())
    unknown = words - {"signed", "encrypted"}
    if unknown:
        raise UsageError(f"--require takes signed and encrypted, not {', '.join(sorted(unknown))}")
    return words


def _moment(text: str | None) -> dt.datetime | None:
    if text is None:
        return None
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--on {text!r} is no day or moment; write it like 2026-01-31") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _text(file: str, found: Inspection, lang: str) -> str:
    judged = found.judgement
    lines = [f"{file}: {judged.result.value}" + (f" {judged.code}" if judged.code else "") + f" ({found.kind})"]
    for finding in judged.findings:
        lines.append(f"  {finding.severity.value}: {finding.message(lang)}")
        hint = finding.hint(lang)
        if hint:
            lines.append(f"    hint: {hint}")
    for unit in judged.envelope.units if judged.envelope else ():
        lines.append(f"  {type(unit).__name__} {unit.message_id}")
    if judged.signed is not None:
        covered = len(judged.signed.references)
        lines.append(f"  signature: {judged.signed.algorithm.rpartition('#')[2]}, {covered} references")
    for payload in judged.payloads:
        how = ", compressed" if payload.compressed else ""
        lines.append(f"  payload {payload.id}: {payload.mime_type}, {payload.size:,} bytes{how}")
    lines += [f"  not checked: {one.what} ({one.why})" for one in judged.not_checked]
    return "\n".join(lines)
