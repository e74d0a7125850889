"""What takes longer than CI allows: a million hostile inputs, and ten thousand messages through faulty access points."""

from __future__ import annotations

import contextlib
import datetime as dt
import random
import time
from collections import Counter

import pytest

from eessi.transport import State
from eessi.transport.access_point import HopFault, Trouble
from eessi.transport.ebms import read_envelope
from eessi.transport.judge import Result
from eessi.transport.mime import unpack
from eessi.transport.pmode import load_pmode
from eessi.transport.refusal import Refused
from tests.transport.messages import PAYLOAD, four_corners, judged, packet, parcel

pytestmark = pytest.mark.long


def damaged(source: bytes, chance: random.Random) -> bytes:
    """A few random edits: bits, bytes taken out, doubled, moved; pieces of the frame put elsewhere."""
    data = bytearray(source)
    for _ in range(chance.randint(1, 3)):
        at, other = chance.randrange(len(data)), chance.randrange(len(data))
        low, high = sorted((at, other))
        high = min(high, low + 200)
        kind = chance.randrange(6)
        if kind == 0:
            data[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            del data[low:high]
        elif kind == 2:
            data[at:at] = data[low:high]
        elif kind == 3:
            data[at:at] = chance.choice(
                [b"\r\n--", b"<!--", b"-->", b"<![CDATA[", b"&#0;", b"\x00", b"]]>", b'Id="', b"<?x?>"]
            )
        elif kind == 4:
            data[at : at + 4] = chance.randbytes(4)
        else:
            piece = bytes(data[low:high])
            del data[low:high]
            data[at % (len(data) + 1) : at % (len(data) + 1)] = piece
        if not data:
            return b""
    return bytes(data)


@pytest.mark.parametrize("layer", ["mime", "ebms", "wss"])
def test_a_million_damaged_messages(layer: str) -> None:
    """A third of a million each: refused or read, in time, and no changed signed byte is accepted."""
    chance, slowest = random.Random(f"eessi {layer}"), 0.0
    sources = [packet(), packet(pmode=load_pmode("edelivery"))]
    originals = [judged(one.body, one.content_type) for one in sources]
    accepted = 0
    for number in range(334_000):
        which = number % 2
        source = sources[which]
        began = time.perf_counter()
        if layer == "mime":
            with contextlib.suppress(Refused):
                unpack(damaged(source.body, chance), source.content_type)
        elif layer == "ebms":
            with contextlib.suppress(Refused):
                read_envelope(damaged(unpack(source.body, source.content_type).root.body, chance))
        else:
            found = judged(damaged(source.body, chance), source.content_type)
            if found.result is Result.ACCEPT:
                accepted += 1
                assert found.signed is not None
                assert originals[which].signed is not None
                assert found.signed.references == originals[which].signed.references
                assert [one.content() for one in found.payloads] == [PAYLOAD]
                assert found.envelope is not None
                assert originals[which].envelope is not None
                assert found.envelope.units == originals[which].envelope.units
        slowest = max(slowest, time.perf_counter() - began)
    assert slowest < 5, f"one input took {slowest:.1f} s"


def test_ten_thousand_messages_with_five_percent_of_faults() -> None:
    """Every message delivered once and in order in its case, through losses, refusals, doubles, delays and deaths."""
    passing = [one for one in HopFault if one is not HopFault.TAMPERED]
    struck: Counter[str] = Counter()

    def faults(seed: str) -> object:
        chance = random.Random(seed)

        def ask(number: int) -> list[Trouble]:
            if chance.random() >= 0.05:
                return []
            name = chance.choice(passing)
            struck[name.value] += 1
            return [Trouble(name, number, dt.timedelta(minutes=2))]

        return ask

    corners = four_corners(
        faults=(faults("first"), faults("second")),
        changes={
            "receipt": {"hours": 0.25, "resends": 20},
            "ordering": {"per_conversation": "receipted"},
            "retry": {"attempts": 100},
        },
    )
    count = 10_000
    for number in range(count):
        corners.first.send(parcel(f"m-{number:05d}", conversation=f"case-{number % 200}"))
    corners.run(until=dt.timedelta(minutes=40), steps=2_000_000)
    got = [one.message_id for one in corners.second.receive()]
    assert len(got) == len(set(got)) == count
    for case in range(200):
        mine = [one for one in got if int(one[2:]) % 200 == case]
        assert mine == sorted(mine)
    states = Counter(corners.first.status(f"m-{number:05d}").state for number in range(count))
    assert states == {State.RECEIPTED: count}
    assert sum(struck.values()) > count * 0.05
