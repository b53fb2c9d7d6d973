# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PDUs and logon tokens as somebody on the way sees and changes them (C706 12.6, MS-RPCE 2.2.2, RFC 4178 4.2).

Nothing in here is shared with the client or the simulator: who attacks has a parser of his own.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

REQUEST = 0
RESPONSE = 2
FAULT = 3
BIND = 11
BIND_ACK = 12
BIND_NAK = 13
ALTER_CONTEXT = 14
ALTER_CONTEXT_RESP = 15
AUTH3 = 16
SHUTDOWN = 17
CO_CANCEL = 18
ORPHANED = 19

FIRST, LAST, HEADER_SIGN = 1, 2, 4
COMMON, CALL, TRAILER = 16, 24, 8

ACCESS_DENIED = 0x00000005
NO_SUCH_CALL = 0x1C010002
PROTOCOL_ERROR = 0x1C01000B

OID_NTLM = bytes.fromhex("060a2b06010401823702020a")
OID_KERBEROS = bytes.fromhex("06092a864886f712010202")
OID_KERBEROS_OLD = bytes.fromhex("06092a864882f712010202")  # as Windows wrote it first, and still offers it
OID_OTHER = bytes.fromhex("060a2b060104018237020278")


def kind(data: bytes) -> int:
    """The type of a PDU."""
    return data[2]


def length(data: bytes) -> int:
    """frag_length."""
    return int.from_bytes(data[8:10], "little")


def auth_length(data: bytes) -> int:
    """The length of the token, without sec_trailer."""
    return int.from_bytes(data[10:12], "little")


def call_id(data: bytes) -> int:
    """The call that a PDU belongs to."""
    return int.from_bytes(data[12:16], "little")


def opnum(data: bytes) -> int:
    """The call that a request is for, in clear even where the rest is sealed."""
    return int.from_bytes(data[22:24], "little")


def trailer_at(data: bytes) -> int:
    """Where the sec_trailer begins; the end of a PDU that has none."""
    return len(data) - (auth_length(data) + TRAILER if auth_length(data) else 0)


def token(data: bytes) -> bytes:
    """What follows the sec_trailer."""
    return data[trailer_at(data) + TRAILER :] if auth_length(data) else b""


def put(data: bytes, where: int, octets: bytes) -> bytes:
    """Other octets at a place; one that is negative counts from the end."""
    where %= len(data)
    return data[:where] + octets + data[where + len(octets) :]


def flipped(data: bytes, where: int, bit: int = 1) -> bytes:
    """One bit changed."""
    return put(data, where, bytes((data[where] ^ bit,)))


def with_call_id(data: bytes, number: int) -> bytes:
    """A PDU as one of another call."""
    return put(data, 12, struct.pack("<I", number))


def with_flags(data: bytes, flags: int) -> bytes:
    """A PDU with other flags."""
    return put(data, 3, bytes((flags,)))


def with_kind(data: bytes, number: int) -> bytes:
    """A PDU of another type."""
    return put(data, 2, bytes((number,)))


def with_token(data: bytes, value: bytes) -> bytes:
    """A PDU whose token is another one; the lengths are made right."""
    whole = data[: trailer_at(data) + TRAILER] + value
    return whole[:8] + struct.pack("<HH", len(whole), len(value)) + whole[12:]


def without_verifier(data: bytes) -> bytes:
    """A PDU without sec_trailer and token."""
    end = trailer_at(data)
    return data[:8] + struct.pack("<HH", end, 0) + data[12:end]


def make(number: int, body: bytes, *, call: int, flags: int = FIRST | LAST) -> bytes:
    """A PDU without verifier."""
    head = struct.pack("<BBBB4sHHI", 5, 0, number, flags, b"\x10\0\0\0", COMMON + len(body), 0, call)
    return head + body


def fault(status: int, call: int) -> bytes:
    """A fault, which by the protocol needs no verifier."""
    return make(FAULT, struct.pack("<IHBBII", 32, 0, 0, 0, status, 0), call=call)


def bind_nak(call: int, reason: int = 0) -> bytes:
    """A bind_nak."""
    return make(BIND_NAK, struct.pack("<HBBB3x", reason, 1, 5, 0), call=call)


def verified(data: bytes, auth_type: int, value: bytes) -> bytes:
    """A PDU with a made-up verifier of packet privacy."""
    whole = data + struct.pack("<BBBBI", auth_type, 6, 0, 0, 1) + value
    return whole[:8] + struct.pack("<HH", len(whole), len(value)) + whole[12:]


# --- bind -------------------------------------------------------------------------------------------------------------

_OFFERS = COMMON + 12
_OFFER = 44


def abstract_syntax(data: bytes, index: int) -> bytes:
    """The interface that a bind or alter_context proposes for a context."""
    begin = _OFFERS + index * _OFFER + 4
    return data[begin : begin + 20]


def with_syntaxes(data: bytes, *syntaxes: bytes) -> bytes:
    """A bind or alter_context that proposes other interfaces."""
    for index, syntax in enumerate(syntaxes):
        data = put(data, _OFFERS + index * _OFFER + 4, syntax)
    return data


def swapped(data: bytes) -> bytes:
    """A bind or alter_context whose two interfaces have changed places."""
    return with_syntaxes(data, abstract_syntax(data, 1), abstract_syntax(data, 0))


# --- SPNEGO -----------------------------------------------------------------------------------------------------------


def der(tag: int, content: bytes) -> bytes:
    """One DER value."""
    if len(content) < 0x80:
        return bytes((tag, len(content))) + content
    size = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(size))) + size + content


def take(data: bytes) -> tuple[int, bytes, bytes]:
    """Tag, content and rest of a DER value."""
    size, begin = data[1], 2
    if size & 0x80:
        begin += size & 0x7F
        size = int.from_bytes(data[2:begin], "big")
    return data[0], data[begin : begin + size], data[begin + size :]


def _edited(sequence: bytes, tag: int, edit: Callable[[bytes], bytes]) -> bytes:
    _tag, left, _rest = take(sequence)
    fields = b""
    while left:
        found, content, left = take(left)
        fields += edit(content) if found == tag else der(found, content)
    return der(0x30, fields)


def field(tag: int, content: bytes | None) -> Callable[[bytes], bytes]:
    """An edit that puts something else into a tagged field, or takes it out."""
    return lambda _old: b"" if content is None else der(tag, content)


def edit_response(value: bytes, tag: int, edit: Callable[[bytes], bytes]) -> bytes:
    """A NegTokenResp with one field edited: a0 negState, a1 supportedMech, a2 responseToken, a3 mechListMIC."""
    _tag, sequence, _rest = take(value)
    return der(0xA1, _edited(sequence, tag, edit))


def add_to_response(value: bytes, tag: int, content: bytes) -> bytes:
    """A NegTokenResp with one more field."""
    _tag, sequence, _rest = take(value)
    _tag, fields, _rest = take(sequence)
    return der(0xA1, der(0x30, fields + der(tag, content)))


def edit_init(value: bytes, tag: int, edit: Callable[[bytes], bytes]) -> bytes:
    """A NegTokenInit with one field edited: a0 mechTypes, a2 mechToken."""
    _tag, framed, _rest = take(value)
    oid_tag, oid, inner = take(framed)
    _tag, sequence, _rest = take(inner)
    return der(0x60, der(oid_tag, oid) + der(0xA0, _edited(sequence, tag, edit)))


def init_field(value: bytes, wanted: int) -> bytes:
    """A field of a NegTokenInit, empty where it has none."""
    _tag, framed, _rest = take(value)
    _tag, _oid, inner = take(framed)
    _tag, sequence, _rest = take(inner)
    _tag, left, _rest = take(sequence)
    while left:
        tag, content, left = take(left)
        if tag == wanted:
            return content
    return b""


def response_field(value: bytes, wanted: int) -> bytes:
    """A field of a NegTokenResp, empty where it has none."""
    _tag, sequence, _rest = take(value)
    _tag, left, _rest = take(sequence)
    while left:
        tag, content, left = take(left)
        if tag == wanted:
            return content
    return b""
