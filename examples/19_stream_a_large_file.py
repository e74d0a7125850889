"""Walk a large document piece by piece: memory stays small, and hostile input is refused with the place of the trouble.

Run from the project's folder: python examples/19_stream_a_large_file.py
"""

from eessi import _xml
from eessi.errors import InputError

large = b"<IRSync>" + b"<Institution><officialID>BE:SYNTH01</officialID></Institution>" * 20_000 + b"</IRSync>"

seen = sum(1 for institution in _xml.stream(large, "Institution") if len(institution) == 1)
print(f"{seen:,} institutions in {len(large):,} bytes")

for hostile in (
    b'<!DOCTYPE a [<!ENTITY x "boom">]><a>&x;</a>',
    b"<a><b>cut off",
    "<a/>".encode("utf-32"),
    b"<a>" * 100_000,
):
    try:
        _xml.parse(hostile, source="hostile.xml")
    except InputError as error:
        print(error)
