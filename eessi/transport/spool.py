"""Files that gateways exchange with applications: the forms of AS4.NET (``urn:cef:edelivery:eu:as4:messages``).

A submit message in a folder is taken by the gateway and renamed ``.accepted`` or ``.exception``; what comes in is a
deliver message with its payload files; notify messages tell what became of a message. Submit and notify follow the
published schemas; of the deliver message no public sample is at hand, so it is read tolerantly.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
from lxml import etree

from eessi import _xml
from eessi.errors import InputError, TransportError, UsageError
from eessi.ids import InstitutionId
from eessi.transport.ebms.model import Property
from eessi.transport.ebms.read import text
from eessi.transport.parcel import Delivery, Parcel, Part, Receipt, State
from eessi.transport.pmode import PMode, load_pmode
from eessi.transport.refusal import Refused

__all__ = ["AS4NET", "SpoolTransport", "SubmitMessage", "SubmitPayload", "read_submit", "write_submit"]

AS4NET = "urn:cef:edelivery:eu:as4:messages"
_N = f"{{{AS4NET}}}"


@attrs.frozen(slots=True)
class SubmitPayload:
    """A payload of a submit message; ``location`` is where the file lies, never opened by reading the message."""

    id: str
    mime_type: str
    location: str
    properties: tuple[Property, ...] = ()


@attrs.frozen(slots=True)
class SubmitMessage:
    """What an application asks a gateway to send.

    :param pmode: id of the gateway's sending P-Mode.
    :param receiver: party id of the receiver, where the P-Mode leaves it open.
    """

    pmode: str
    payloads: tuple[SubmitPayload, ...]
    message_id: str | None = None
    properties: tuple[Property, ...] = ()
    conversation_id: str | None = None
    sender: str | None = None
    receiver: str | None = None


def _invalid(detail: str) -> Refused:
    return Refused("EBMS:0009", detail, finding="AS4-HEADER")


def read_submit(root: etree._Element) -> SubmitMessage:
    """Read a submit message as the public samples write it.

    :raises Refused: without P-Mode, or with properties or payloads that the schema does not allow.
    """
    if root.tag != f"{_N}SubmitMessage":
        raise _invalid("the root element is no SubmitMessage")
    pmode = root.find(f"{_N}Collaboration/{_N}AgreementRef/{_N}PModeId")
    if pmode is None or not text(pmode):
        raise _invalid("the submit message names no P-Mode")
    return SubmitMessage(
        text(pmode),
        tuple(_payload(one) for one in root.findall(f"{_N}Payloads/{_N}Payload")),
        _at(root, "MessageInfo", "MessageId"),
        _properties(root.find(f"{_N}MessageProperties"), "MessageProperty"),
        _at(root, "Collaboration", "ConversationId"),
        _at(root, "PartyInfo", "FromParty", "PartyIds", "PartyId", "Id"),
        _at(root, "PartyInfo", "ToParty", "PartyIds", "PartyId", "Id"),
    )


def _at(root: etree._Element, *names: str) -> str | None:
    found = root.find("/".join(f"{_N}{name}" for name in names))
    return None if found is None else text(found) or None


def _properties(parent: etree._Element | None, name: str) -> tuple[Property, ...]:
    found = [] if parent is None else [one for one in parent if isinstance(one.tag, str)]
    if any(one.tag != f"{_N}{name}" for one in found):
        raise _invalid(f"only {name} may stand among the properties")
    return tuple(Property(_need(one, "Name"), _need(one, "Value"), _at(one, "Type")) for one in found)


def _payload(element: etree._Element) -> SubmitPayload:
    properties = _properties(element.find(f"{_N}PayloadProperties"), "PayloadProperty")
    return SubmitPayload(_need(element, "Id"), _need(element, "MimeType"), _need(element, "Location"), properties)


def _need(element: etree._Element, name: str) -> str:
    value = _at(element, name)
    if value is None:
        raise _invalid(f"{name} is missing or empty")
    return value


def write_submit(message: SubmitMessage, pmode: PMode) -> bytes:
    """Write a submit message; party types and roles come from the P-Mode of the profile."""
    root = etree.Element(f"{_N}SubmitMessage", nsmap={None: AS4NET})
    if message.message_id:
        _put(root, "MessageInfo", {"MessageId": message.message_id})
    if message.sender and message.receiver:
        parties = _put(root, "PartyInfo", {})
        for name, id, role in (
            ("FromParty", message.sender, pmode.business.from_role),
            ("ToParty", message.receiver, pmode.business.to_role),
        ):
            side = _put(parties, name, {"Role": role})
            _put(_put(side, "PartyIds", {}), "PartyId", {"Id": id, "Type": pmode.business.party_type})
    collaboration = _put(root, "Collaboration", {"ConversationId": message.conversation_id or ""})
    _put(collaboration, "AgreementRef", {"PModeId": message.pmode})
    if message.properties:
        listed = _put(root, "MessageProperties", {})
        for one in message.properties:
            _put(listed, "MessageProperty", {"Name": one.name, "Value": one.value})
    payloads = _put(root, "Payloads", {})
    for part in message.payloads:
        written = _put(payloads, "Payload", {"Id": part.id, "MimeType": part.mime_type, "Location": part.location})
        listed = _put(written, "PayloadProperties", {})
        for one in part.properties:
            _put(listed, "PayloadProperty", {"Name": one.name, "Value": one.value})
    return _xml.serialise(root)


def _put(parent: etree._Element, name: str, fields: dict[str, str]) -> etree._Element:
    child: etree._Element = etree.SubElement(parent, f"{_N}{name}")
    for key, value in fields.items():
        etree.SubElement(child, f"{_N}{key}").text = value
    return child


class SpoolTransport:
    """A gateway's folders as a :class:`~eessi.transport.Transport`.

    :param out: submit messages and their payloads go here; the gateway renames what it has taken.
    :param incoming: deliver messages and payloads come here.
    :param notifications: notify messages come here.
    :param pmode_id: the gateway's sending P-Mode.
    """

    def __init__(
        self,
        institution: InstitutionId,
        *,
        out: Path,
        incoming: Path,
        notifications: Path,
        pmode_id: str = "eessi-push-send-pmode",
        profile: PMode | None = None,
        clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
    ) -> None:
        self.institution, self.pmode_id, self.clock = institution, pmode_id, clock
        self.out, self.incoming, self.notifications = out, incoming, notifications
        self.profile = profile or load_pmode("eessi")
        for folder in (out, incoming, notifications):
            folder.mkdir(parents=True, exist_ok=True)

    def send(self, parcel: Parcel) -> str:
        """Lay a parcel down for the gateway: payloads first, the submit message last and in one piece.

        :raises UsageError: not our parcel, or an id used before for other content.
        :raises TransportError: the folder cannot be written.
        """
        if parcel.sender != self.institution:
            raise UsageError(f"these are the folders of {self.institution}; the parcel is from {parcel.sender}")
        message_id = parcel.message_id or f"{os.urandom(16).hex()}@{self.institution.replace(':', '.')}"
        stem = _stem(message_id)
        contents: list[tuple[str, str, bytes, dict[str, str]]] = [
            (self.profile.packaging.payload_id, "application/xml", parcel.payload, {})
        ]
        contents += [(part.id, part.mime_type, part.data, dict(part.properties)) for part in parcel.attachments]
        payloads = tuple(
            SubmitPayload(
                id,
                mime_type,
                (self.out / f"{stem}.{number}").resolve().as_uri(),
                tuple(Property(*one) for one in more.items()),
            )
            for number, (id, mime_type, _, more) in enumerate(contents)
        )
        submit = SubmitMessage(
            self.pmode_id,
            payloads,
            message_id,
            (),
            parcel.conversation_id or message_id,
            parcel.sender,
            parcel.receiver,
        )
        seal = hashlib.sha256(b"".join(hashlib.sha256(data).digest() for _, _, data, _ in contents))
        seal.update(repr(attrs.astuple(submit)).encode())
        self._lay_down(stem, write_submit(submit, self.profile), [data for _, _, data, _ in contents], seal.hexdigest())
        return message_id

    def _lay_down(self, stem: str, submit: bytes, contents: list[bytes], seal: str) -> None:
        mark = self.out / f"{stem}.seal"
        try:
            if mark.exists():
                if mark.read_text() != seal:
                    raise UsageError("this message id was already used for other content; give it its own id")
                return
            for number, data in enumerate(contents):
                _write(self.out / f"{stem}.{number}", data)
            _write(self.out / f"{stem}.xml", submit)
            _write(mark, seal.encode())
        except OSError as error:
            raise TransportError(f"the folder for the gateway cannot be written: {error.strerror}") from None

    def receive(self) -> Iterator[Parcel]:
        """The deliver messages waiting, oldest first. One counts as handed over when the next one is asked for.

        A file that is no deliver message, or whose payloads lie outside the folder, is renamed ``.rejected``.
        """
        for file in sorted(self.incoming.glob("*.xml"), key=lambda one: (one.stat().st_mtime_ns, one.name)):
            try:
                parcel = self._read(file)
            except (Refused, InputError, UsageError, OSError):
                file.rename(file.with_suffix(".rejected"))
                continue
            yield parcel
            file.rename(file.with_suffix(".read"))

    def _read(self, file: Path) -> Parcel:
        root = _xml.parse(file.read_bytes())
        if root.tag != f"{_N}DeliverMessage":
            raise _invalid("this is no DeliverMessage")
        parts = [
            Part(one.id, self._content(one.location), one.mime_type, {more.name: more.value for more in one.properties})
            for one in map(_payload, root.findall(f"{_N}Payloads/{_N}Payload"))
        ]
        if not parts:
            raise _invalid("the deliver message has no payload")
        sender = _at(root, "PartyInfo", "FromParty", "PartyIds", "PartyId", "Id")
        conversation = _at(root, "CollaborationInfo", "ConversationId") or _at(root, "Collaboration", "ConversationId")
        return Parcel(
            InstitutionId(sender or ""),
            self.institution,
            parts[0].data,
            tuple(parts[1:]),
            _at(root, "MessageInfo", "MessageId") or "",
            conversation or "",
        )

    def _content(self, location: str) -> bytes:
        """The payload file, only from our own folder, whatever the message says.

        :raises Refused: for any other place.
        """
        name = re.split(r"[/\\]", location.removeprefix("file:///"))[-1]
        path = (self.incoming / name).resolve()
        if not name or path.parent != self.incoming.resolve() or not path.is_file():
            raise _invalid("a payload does not lie in the folder")
        return path.read_bytes()

    def status(self, message_id: str) -> Delivery:
        """How far a message has come, told by the gateway's renamings and notify messages.

        :raises UsageError: for a message that was not laid down here.
        """
        stem = _stem(message_id)
        if not (self.out / f"{stem}.seal").exists():
            raise UsageError(f"{self.institution} laid down no message {message_id}")
        told = self._told(message_id)
        if told is not None:
            return told
        for suffix, state in ((".exception", State.FAILED), (".accepted", State.TAKEN), ("", State.QUEUED)):
            for file in (self.out / f"{stem}.xml{suffix}", self.out / f"{stem}{suffix or '.xml'}"):
                if file.exists():
                    return Delivery(
                        message_id,
                        state,
                        _changed(file),
                        reason="refused by the gateway" if state is State.FAILED else None,
                    )
        return Delivery(message_id, State.TAKEN, self.clock())

    def _told(self, message_id: str) -> Delivery | None:
        failed = None
        for file in sorted(self.notifications.glob("*.xml")):
            try:
                root = _xml.parse(file.read_bytes())
            except (InputError, OSError):
                continue
            found = {_xml.local_name(one): text(one) for one in root.iter(etree.Element)}
            if found.get("RefToMessageId") != message_id:
                continue
            at = _changed(file)
            if found.get("Status") == "Delivered":
                by = self._receiver(message_id)
                return Delivery(message_id, State.RECEIPTED, at, Receipt(message_id, by, at, file.read_bytes()))
            failed = Delivery(
                message_id, State.FAILED, at, reason=f"the gateway tells {found.get('Status', 'a failure')}"
            )
        return failed

    def _receiver(self, message_id: str) -> InstitutionId:
        for name in (f"{_stem(message_id)}.xml", f"{_stem(message_id)}.xml.accepted", f"{_stem(message_id)}.accepted"):
            file = self.out / name
            if file.exists():
                return InstitutionId(read_submit(_xml.parse(file.read_bytes())).receiver or "")
        raise UsageError(f"the submit message of {message_id} is gone")


def _stem(message_id: str) -> str:
    """A file name made from a message id; no part of the id itself reaches the file system."""
    return hashlib.sha256(message_id.encode()).hexdigest()[:32]


def _write(file: Path, data: bytes) -> None:
    """Write in one piece: nobody sees half a file."""
    part = file.with_name(f".{file.name}.part")
    with part.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    part.rename(file)


def _changed(file: Path) -> dt.datetime:
    return dt.datetime.fromtimestamp(file.stat().st_mtime, dt.UTC)
