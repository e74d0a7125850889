"""Messages built for tests: whole, and damaged in one place."""

from __future__ import annotations

import datetime as dt
import functools
import sqlite3
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from lxml import etree

from eessi import _xml
from eessi.ids import InstitutionId
from eessi.stores import Store
from eessi.stores.store import _engine as engine_of
from eessi.transport import Parcel, Part, wss
from eessi.transport.compose import Packet, compose_user
from eessi.transport.corners import FourCorners
from eessi.transport.demo_keys import demo_key
from eessi.transport.ebms import Envelope, UserMessage, write_envelope
from eessi.transport.judge import Judgement, judge
from eessi.transport.mime import MimePart, pack, unpack
from eessi.transport.pmode import PMode, load_pmode
from eessi.transport.policy import EnvelopePolicy
from eessi.transport.refusal import Refused

FR, BE, DE = InstitutionId("FR:0100000001"), InstitutionId("BE:0203980409"), InstitutionId("DE:0000000001")
NOW = dt.datetime(2026, 1, 5, 8, 0, tzinfo=dt.UTC)
PAYLOAD = b"<S071 xmlns='urn:eessi-toolkit:sandbox:1.0:S071'>synthetic</S071>"


@functools.cache
def _template() -> bytes:
    """An empty store as bytes: migrating one anew takes longer than most tests."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "template.sqlite"
        Store.open(file).close()
        with sqlite3.connect(file) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")
        connection.close()
        return file.read_bytes()


_OPEN = ExitStack()


def fresh_store() -> Store:
    """An empty store in memory, closed when the test ends."""
    engine = engine_of("sqlite://")
    connection = engine.raw_connection()
    assert connection.driver_connection is not None
    connection.driver_connection.deserialize(_template())
    connection.close()
    return _OPEN.enter_context(Store(engine))


def close_stores() -> None:
    """Close every store that :func:`fresh_store` gave."""
    _OPEN.close()


def four_corners(**settings: object) -> FourCorners:
    """The four corners between France and Belgium, with fresh stores."""
    return FourCorners(FR, BE, stores=(fresh_store(), fresh_store()), **settings)  # type: ignore[arg-type]  # as given


def code_of(action: Callable[[], object]) -> str | None:
    """The ebMS error that an action is refused with; anything but a refusal goes through."""
    try:
        action()
    except Refused as refused:
        return refused.code
    return None


def parcel(message_id: str = "m-1@test", attachments: tuple[Part, ...] = (), conversation: str = "case-1") -> Parcel:
    return Parcel(FR, BE, PAYLOAD, attachments, message_id, conversation)


def packet(
    *, pmode: PMode | None = None, signer: str = FR, attachments: tuple[Part, ...] = (), message_id: str = "m-1@test"
) -> Packet:
    mode = pmode or load_pmode("eessi")
    encryption = demo_key(BE).certificate if mode.security.encrypt else None
    return compose_user(parcel(message_id, attachments), mode, demo_key(signer), NOW, encryption=encryption)


def repacked(
    source: Packet,
    *,
    envelope: Callable[[etree._Element], None] | None = None,
    parts: Callable[[list[MimePart]], Sequence[MimePart]] | None = None,
    text: Callable[[bytes], bytes] | None = None,
) -> tuple[bytes, str]:
    """The packet taken apart, changed and put together again; the signature stays as it was."""
    packed = unpack(source.body, source.content_type)
    body = packed.root.body
    if envelope is not None:
        root = _xml.parse(body, comments=True)
        envelope(root)
        body = _xml.serialise(root)
    if text is not None:
        changed = text(body)
        assert changed != body, "the change changed nothing"
        body = changed
    others = list(packed.parts) if parts is None else list(parts(list(packed.parts)))
    content_type, data = pack(body, others)
    return data, content_type


def judged(
    data: bytes, content_type: str, *, policy: EnvelopePolicy | None = None, pinned: Sequence[str] = (FR,)
) -> Judgement:
    """As the engine judges: strict, the sender pinned."""
    certificates = [demo_key(name).certificate for name in pinned]
    return judge(
        data,
        content_type,
        policy=policy or EnvelopePolicy(),
        keys=[demo_key(BE)],
        signers=lambda _envelope, _on: certificates,
        on=NOW,
    )


def signed(
    message: UserMessage, parts: Sequence[MimePart], *, change: Callable[[Envelope], None] | None = None
) -> tuple[bytes, str]:
    """Any message signed rightly, whatever its header says; ``change`` acts before the signature."""
    envelope = write_envelope((message,), ids={"messaging": "m", "body": "b"})
    if change is not None:
        change(envelope)
    wss.sign(envelope, parts, demo_key(FR), id="t")
    content_type, data = pack(_xml.serialise(envelope.root), parts)
    return data, content_type
