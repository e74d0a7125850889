"""A corpus of hostile and broken documents, made on the fly: name -> bytes and a word of the line that refuses it.

Every entry must be refused with one clear line, in bounded time and memory, without a look at the network.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple


class Hostile(NamedTuple):
    """``make`` gives the bytes; ``says`` stands in the message; ``offset`` whether a byte offset is known."""

    make: Callable[[], bytes]
    says: str
    offset: bool = True


def _plain(text: str, encoding: str = "utf-8") -> Callable[[], bytes]:
    return lambda: text.encode(encoding)


def _bytes(data: bytes) -> Callable[[], bytes]:
    return lambda: data


def _bomb() -> bytes:
    rows = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    return f'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY l0 "lol">{rows}]><a>&l11;</a>'.encode()


def _quadratic() -> bytes:
    return b'<!DOCTYPE a [<!ENTITY x "' + b"y" * 100_000 + b'">]><a>' + b"&x;" * 10_000 + b"</a>"


CORPUS: dict[str, Hostile] = {
    # entities and DTDs
    "entity-bomb": Hostile(_bomb, "DTD"),
    "quadratic-blowup": Hostile(_quadratic, "DTD"),
    "external-entity-file": Hostile(_plain('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'), "DTD"),
    "external-entity-http": Hostile(_plain('<!DOCTYPE a [<!ENTITY x SYSTEM "http://192.0.2.1/x">]><a>&x;</a>'), "DTD"),
    "external-dtd": Hostile(_plain('<!DOCTYPE a SYSTEM "http://192.0.2.1/a.dtd"><a/>'), "DTD"),
    "public-dtd": Hostile(_plain('<!DOCTYPE a PUBLIC "-//X//Y" "http://192.0.2.1/a.dtd"><a/>'), "DTD"),
    "parameter-entity": Hostile(_plain('<!DOCTYPE a [<!ENTITY % p SYSTEM "http://192.0.2.1/p"> %p;]><a/>'), "DTD"),
    "dtd-defaults": Hostile(_plain('<!DOCTYPE a [<!ATTLIST a b CDATA "c">]><a/>'), "DTD"),
    "dtd-behind-comment": Hostile(_plain("<!-- x --><?p q?>\n<!DOCTYPE a><a/>"), "DTD"),
    "dtd-lower-case": Hostile(_plain("<!doctype html><html></html>"), "DTD"),
    "dtd-utf16": Hostile(_plain('<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE a><a/>', "utf-16"), "DTD"),
    "dtd-behind-bom": Hostile(_bytes(b"\xef\xbb\xbf<!DOCTYPE a><a/>"), "DTD"),
    "undefined-entity": Hostile(_plain("<a>&nbsp;</a>"), "well-formed"),
    "recursive-entity": Hostile(_plain('<!DOCTYPE a [<!ENTITY x "&y;"><!ENTITY y "&x;">]><a>&x;</a>'), "DTD"),
    # depth and size
    "depth-257": Hostile(_bytes(b"<a>" * 257 + b"</a>" * 257), "deeper", offset=False),
    "depth-100000": Hostile(_bytes(b"<a>" * 100_000 + b"</a>" * 100_000), "deeper", offset=False),
    "depth-unclosed": Hostile(_bytes(b"<a>" * 1_000_000), "deeper", offset=False),
    "huge-text": Hostile(lambda: b"<a>" + b"x" * 11_000_000 + b"</a>", "larger", offset=False),
    "huge-attribute": Hostile(lambda: b'<a b="' + b"x" * 11_000_000 + b'"/>', "larger", offset=False),
    "huge-name": Hostile(_bytes(b"<" + b"a" * 60_000 + b"/>"), "larger", offset=False),
    "many-elements": Hostile(lambda: b"<a>" + b"<b/>" * 4_000_001 + b"</a>", "tags", offset=False),
    "too-many-bytes": Hostile(lambda: b"<a>" + b" " * (64 * 1024 * 1024) + b"</a>", "bytes"),
    # encodings
    "utf7-declared": Hostile(_plain('<?xml version="1.0" encoding="UTF-7"?><a>+ADw-script+AD4-</a>'), "UTF-7"),
    "utf7-bare": Hostile(_plain("+ADw-a/+AD4-"), "not XML"),
    "utf32": Hostile(_plain('<?xml version="1.0" encoding="UTF-32"?><a/>', "utf-32"), "UTF-32"),
    "utf32-be": Hostile(_plain("<a/>", "utf-32-be"), "UTF-32"),
    "utf32-le": Hostile(_plain("<a/>", "utf-32-le"), "UTF-32"),
    "ebcdic": Hostile(_plain('<?xml version="1.0" encoding="cp037"?><a/>', "cp037"), "EBCDIC"),
    "utf16-says-utf8": Hostile(_plain('<?xml version="1.0" encoding="UTF-8"?><a/>', "utf-16"), "agree"),
    "utf8-says-utf16": Hostile(_plain('<?xml version="1.0" encoding="UTF-16"?><a/>'), "agree"),
    "bom-says-latin1": Hostile(
        _bytes(b'\xef\xbb\xbf<?xml version="1.0" encoding="ISO-8859-1"?><a>\xc3\xa9</a>'), "agree"
    ),
    "utf16-odd": Hostile(_bytes("<a/>".encode("utf-16") + b"x"), "UTF-16"),
    "unknown-encoding": Hostile(_plain('<?xml version="1.0" encoding="klingon"?><a/>'), "klingon"),
    "latin1-as-utf8": Hostile(_bytes(b"<a>\xe9\xe8</a>"), "character"),
    "overlong-utf8": Hostile(_bytes(b"<a>\xc0\xbc</a>"), "character"),
    "surrogate-utf8": Hostile(_bytes(b"<a>\xed\xa0\x80</a>"), "character"),
    "shift-jis": Hostile(_plain('<?xml version="1.0" encoding="Shift_JIS"?><a/>'), "Shift_JIS"),
    # characters
    "nul-in-text": Hostile(_bytes(b"<a>x\x00y</a>"), "character"),
    "nul-behind": Hostile(_bytes(b"<a/>\x00"), "follows"),
    "nul-only": Hostile(_bytes(b"\x00" * 64), "UTF-32|not XML"),
    "control-character": Hostile(_bytes(b"<a>\x01</a>"), "character"),
    "control-reference": Hostile(_plain("<a>&#1;</a>"), "character|well-formed"),
    "reference-too-large": Hostile(_plain("<a>&#x110000;</a>"), "character|well-formed"),
    # broken and truncated
    "empty": Hostile(_bytes(b""), "empty"),
    "blank": Hostile(_bytes(b" \n\t "), "empty"),
    "cut-in-tag": Hostile(_bytes(b'<a><b c="'), "cut off"),
    "cut-in-text": Hostile(_bytes(b"<a><b>text"), "cut off"),
    "cut-in-end-tag": Hostile(_bytes(b"<a></a"), "cut off"),
    "cut-in-cdata": Hostile(_bytes(b"<a><![CDATA[x"), "cut off"),
    "cut-in-comment": Hostile(_bytes(b"<a><!-- x"), "cut off|well-formed"),
    "cut-declaration": Hostile(_bytes(b'<?xml version="1.0"'), "cut off|well-formed"),
    "two-roots": Hostile(_bytes(b"<a/><b/>"), "follows"),
    "text-behind": Hostile(_bytes(b"<a/>text"), "follows"),
    "wrong-end-tag": Hostile(_bytes(b"<a></b>"), "well-formed"),
    "attribute-twice": Hostile(_bytes(b'<a b="1" b="2"/>'), "well-formed"),
    "unbound-prefix": Hostile(_bytes(b"<p:a/>"), "well-formed", offset=False),
    "late-declaration": Hostile(_bytes(b'\n<?xml version="1.0"?><a/>'), "well-formed"),
    # something else altogether
    "png": Hostile(_bytes(b"\x89PNG\r\n\x1a\n" + b"\x00" * 32), "PNG"),
    "jpeg": Hostile(_bytes(b"\xff\xd8\xff\xe0" + b"x" * 32), "JPEG"),
    "pdf": Hostile(_bytes(b"%PDF-1.7\n"), "PDF"),
    "zip": Hostile(_bytes(b"PK\x03\x04" + b"\x00" * 32), "ZIP"),
    "gzip": Hostile(_bytes(b"\x1f\x8b\x08" + b"\x00" * 32), "gzip"),
    "text": Hostile(_bytes(b"Dear colleague,"), "not XML"),
}
