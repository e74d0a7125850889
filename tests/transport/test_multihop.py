"""Routing headers: written in each form, read in each form, also those of the captures."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest
from lxml import etree

from eessi import _xml
from eessi.transport.compose import compose_error, compose_pull, compose_receipt, user_message
from eessi.transport.demo_keys import demo_key
from eessi.transport.ebms import read_envelope
from eessi.transport.judge import Result
from eessi.transport.mime import unpack
from eessi.transport.multihop import RoutingForm, read_routing, reply_routing, route_of
from eessi.transport.names import (
    DEFAULT_MPC,
    EB,
    EBINT,
    ICLOUD,
    NEXT_MSH,
    ONE_WAY_ERROR,
    ONE_WAY_RECEIPT,
    SOAP12,
    WSA,
    clark,
)
from eessi.transport.pmode import load_pmode
from eessi.transport.refusal import Refused
from tests.transport.messages import BE, FR, NOW, judged, packet, parcel

PMODE = load_pmode("eessi")
MESSAGE = user_message(parcel(), PMODE, NOW)


@pytest.mark.parametrize("copy", [True, False])
@pytest.mark.parametrize("suffix", [".receipt", ".response", ""])
@pytest.mark.parametrize("sign", [True, False])
def test_each_form_is_written_and_read(copy: bool, suffix: str, sign: bool) -> None:
    form = RoutingForm(suffix, ".error", copy, sign)
    pmode = load_pmode("eessi", {"multihop": {"sign": sign}})
    routing = reply_routing(MESSAGE, error=False, form=form)
    receipt = compose_receipt("m", packet().references, pmode, demo_key(FR), NOW, message_id="r", routing=routing)
    found = judged(receipt.body, receipt.content_type)
    assert found.result is Result.ACCEPT
    assert found.envelope is not None
    assert found.signed is not None
    assert len(found.signed.blocks) == (3 if sign else 0)
    read = read_routing(found.envelope)
    assert read == routing
    assert (read.to, read.action, read.base_mpc) == (ICLOUD, ONE_WAY_RECEIPT, DEFAULT_MPC)
    assert (read.message.sender, read.message.receiver) == (MESSAGE.receiver, MESSAGE.sender)
    assert read.message.action == "Send.response"
    assert bool(read.message.parts) is copy
    assert found.envelope.multihop


def test_an_error_is_routed_with_its_own_suffix() -> None:
    routing = reply_routing(attrs.evolve(MESSAGE, mpc="urn:mpc"), error=True)
    assert (routing.message.mpc, routing.action, routing.base_mpc) == ("urn:mpc.error", ONE_WAY_ERROR, "urn:mpc")


def test_what_is_routed_by_what() -> None:
    source = packet()
    envelope = read_envelope(unpack(source.body, source.content_type).root.body)
    assert envelope.role == NEXT_MSH
    route = route_of(envelope)
    assert route is not None
    assert (route.message.receiver.id, read_routing(envelope)) == (BE, None)
    request = compose_pull("x", PMODE, demo_key(FR), NOW, message_id="p")
    assert route_of(read_envelope(request.body)) is None
    assert not read_envelope(request.body).multihop


class Local(etree.Resolver):
    """Imports of the published schemas point to web addresses; they are answered from the same folder or by a stub."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def resolve(self, system_url: str, public_id: str, context: object) -> object:
        for address, text in STUBS.items():
            if system_url.endswith(address):
                return self.resolve_string(text, context)  # type: ignore[arg-type]  # lxml's own
        if system_url.startswith("http://www.w3.org/2003/05/soap-envelope"):
            return self.resolve_filename(str(self.folder / "soap12.xsd"), context)  # type: ignore[arg-type]  # lxml's own
        assert not system_url.startswith("http"), system_url
        return None


def attributes(namespace: str, *names: str) -> str:
    listed = "".join(f'<xs:attribute name="{name}" type="xs:string"/>' for name in names)
    return f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="{namespace}">{listed}</xs:schema>'


STUBS = {
    "http://www.w3.org/2002/ws/addr/ns/ws-addr": attributes(WSA, "IsReferenceParameter"),
    "soap11.xsd": attributes("http://schemas.xmlsoap.org/soap/envelope/", "mustUnderstand", "actor", "encodingStyle"),
    "http://schemas.xmlsoap.org/soap/envelope/": attributes(
        "http://schemas.xmlsoap.org/soap/envelope/", "mustUnderstand", "actor", "encodingStyle"
    ),
    "http://www.w3.org/2001/03/xml.xsd": attributes("http://www.w3.org/XML/1998/namespace", "lang"),
    "http://www.w3.org/2001/xml.xsd": attributes("http://www.w3.org/XML/1998/namespace", "lang"),
}


def schema(folder: Path, name: str) -> etree.XMLSchema:
    parser = etree.XMLParser(no_network=True)
    parser.resolvers.add(Local(folder))
    tree = etree.parse(str(folder / name), parser)
    for one in tree.getroot().iterfind("{http://www.w3.org/2001/XMLSchema}import"):
        if one.get("schemaLocation") is None:
            one.set("schemaLocation", "http://www.w3.org/2001/xml.xsd")
    return etree.XMLSchema(tree)


def test_the_routing_header_is_valid_by_the_published_schema(shared: Path) -> None:
    checked = schema(shared / "as4" / "schemas" / "oasis", "ebms-multihop-1_0-200902_refactored.xsd")
    for copy in (True, False):
        routing = reply_routing(MESSAGE, error=False, form=RoutingForm(copy=copy))
        receipt = compose_receipt("m", packet().references, PMODE, demo_key(FR), NOW, message_id="r", routing=routing)
        element = _xml.parse(receipt.body).find(f".//{clark(EBINT, 'RoutingInput')}")
        assert element is not None
        assert checked.validate(element), checked.error_log


def test_what_we_write_is_valid_by_the_published_header_schema(shared: Path) -> None:
    checked = schema(shared / "as4" / "schemas" / "oasis", "ebms-header-3_0-200704.xsd")
    source = packet(
        pmode=load_pmode(
            "eessi", {"packaging": {"originator_properties": True}, "business": {"agreement": "urn:a", "mpc": "urn:m"}}
        )
    )
    written = [
        unpack(source.body, source.content_type).root.body,
        compose_receipt("m", source.references, PMODE, demo_key(FR), NOW, message_id="r").body,
        compose_error("EBMS:0101", "x", PMODE, demo_key(FR), NOW, message_id="e", ref_to="m").body,
        compose_pull("urn:m", PMODE, demo_key(FR), NOW, message_id="p").body,
    ]
    for data in written:
        element = _xml.parse(data).find(f".//{clark(EB, 'Messaging')}")
        assert element is not None
        assert checked.validate(element), checked.error_log


def test_broken_routing_headers_are_refused() -> None:
    routing = reply_routing(MESSAGE, error=False)
    receipt = compose_receipt("m", (), PMODE, demo_key(FR), NOW, message_id="r", routing=routing)
    root = _xml.parse(receipt.body)
    header = root.find(clark(SOAP12, "Header"))
    assert header is not None
    element = header.find(clark(EBINT, "RoutingInput"))
    assert element is not None
    element.clear()
    with pytest.raises(Refused, match="empty"):
        read_routing(read_envelope(_xml.serialise(root)))
    etree.SubElement(header, clark(EBINT, "RoutingInput"))
    with pytest.raises(Refused, match="more than one"):
        read_routing(read_envelope(_xml.serialise(root)))
    for one in header.findall(clark(EBINT, "RoutingInput")):
        header.remove(one)
    for one in header.findall(clark(WSA, "To")):
        header.remove(one)
    assert read_routing(read_envelope(_xml.serialise(root))) is None


def test_the_captured_routing_header(shared: Path) -> None:
    data = (shared / "as4" / "eessi" / "as4-multihop-message.as4").read_bytes()
    routing = read_routing(read_envelope(unpack(data).root.body))
    assert routing is not None
    assert (routing.message.sender.id, routing.message.receiver.id) == ("UK:UK100", "UK:UK001")
    assert (routing.message.action, routing.base_mpc, routing.action) == ("Send.response", DEFAULT_MPC, ONE_WAY_ERROR)
