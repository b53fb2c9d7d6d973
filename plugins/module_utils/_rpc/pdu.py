# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""DCE/RPC protocol data units: headers, and the parser of everything that a peer sends (C706 12.6, MS-RPCE 2.2.2).

Nothing in here trusts a length. What does not fit raises ``DecodeError``. The messages of ``BadReply`` and its kind are
the second half of a sentence: the connection puts before it what it was doing with whom.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from struct import error as StructError
from typing import NamedTuple
from uuid import UUID

from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import (
    BadReply,
    DecodeError,
    NoEndpoint,
    SecurityError,
)

REQUEST = 0
RESPONSE = 2
FAULT = 3
BIND = 11
BIND_ACK = 12
BIND_NAK = 13
ALTER_CONTEXT = 14
ALTER_CONTEXT_RESPONSE = 15
AUTH3 = 16

FIRST_FRAGMENT = 0x01
LAST_FRAGMENT = 0x02
SUPPORT_HEADER_SIGN = 0x04  # in bind, alter_context, auth3 and their answers (MS-RPCE 2.2.2.3)

COMMON_SIZE = 16  # the header that all types share
CALL_HEADER_SIZE = 24  # request, response and fault: the common header, alloc_hint, p_cont_id, opnum or cancel_count
TRAILER_SIZE = 8
LARGEST = 0xFFFF  # what the 16 bits of frag_length can say

PACKET_PRIVACY = 6  # RPC_C_AUTHN_LEVEL_PKT_PRIVACY (MS-RPCE 2.2.1.1.8)

NDR20 = UUID("8a885d04-1ceb-11c9-9fe8-08002b104860").bytes_le + b"\x02\0\0\0"

_NO_SUCH_INTERFACE = (2, 1)  # provider rejection: abstract syntax not supported
_LITTLE_ENDIAN = b"\x10\0\0\0"  # integers little-endian, characters ASCII, floats IEEE (C706 14.1)
_COMMON = Struct("<BBBB4sHHI")
_CALL = Struct("<BBBB4sHHIIHH")
_TRAILER = Struct("<BBBBI")
_U16 = Struct("<H")
_U32 = Struct("<I")
_BIND_ACK = Struct("<HHIH")
_RESULT = Struct("<HH20s")


class Pdu(NamedTuple):
    """One received PDU: the fields of its common header, and ``data``, the whole of it including that header."""

    packet_type: int
    flags: int
    auth_length: int
    call_id: int
    data: bytes


class Parts(NamedTuple):
    """A PDU cut into its segments (MS-RPCE 2.2.2.1); without a verifier the last two are empty."""

    header: bytes
    body: bytes
    trailer: bytes
    token: bytes


class Result(NamedTuple):
    """What became of one proposed presentation context (C706 12.6.3.1, p_result_t)."""

    result: int
    reason: int
    transfer_syntax: bytes


class BindAck(NamedTuple):
    """A bind_ack or alter_context_resp (C706 12.6.4.4); ``max_receive``: the largest fragment that the peer takes."""

    max_receive: int
    results: tuple[Result, ...]
    parts: Parts


def fragment_length(header: bytes) -> int:
    """The whole PDU's length, from its common header of 16 bytes, which is checked (C706 12.6.3.1)."""
    major, minor, packet_type, _flags, representation, length, auth_length, _call_id = _COMMON.unpack(header)
    if major != 5 or minor > 1:
        raise DecodeError(f"what answers there does not speak RPC 5.0 (it begins like version {major}.{minor}).")
    if representation[:2] != _LITTLE_ENDIAN[:2]:
        raise DecodeError(
            f"the server's numbers have an order that is not supported (data representation {representation.hex()})."
        )
    if length < COMMON_SIZE + (TRAILER_SIZE + auth_length if auth_length else 0):
        raise DecodeError(f"an RPC message of type {packet_type} is too short for its own header: {length} bytes.")
    return int(length)


def parse(data: bytes) -> Pdu:
    """A whole PDU whose length ``fragment_length`` has told."""
    _major, _minor, packet_type, flags, _representation, _length, auth_length, call_id = _COMMON.unpack_from(data)
    return Pdu(packet_type, flags, auth_length, call_id, data)


def split(pdu: Pdu, body_start: int) -> Parts:
    """Header, body, sec_trailer and token; the trailer's place is counted from the end (MS-RPCE 2.2.2.11)."""
    data = pdu.data
    body_end = len(data) - (pdu.auth_length + TRAILER_SIZE if pdu.auth_length else 0)
    if body_end < body_start:
        raise DecodeError(f"an RPC message of type {pdu.packet_type} is too short: {len(data)} bytes.")
    trailer_end = body_end + TRAILER_SIZE
    return Parts(data[:body_start], data[body_start:body_end], data[body_end:trailer_end], data[trailer_end:])


def check_verifier(parts: Parts, auth_type: int, context_id: int) -> int:
    """Demand a verifier of packet privacy with the type and context that were agreed; returns auth_pad_length.

    The signature itself is the business of the security context.
    """
    if not parts.trailer:
        raise SecurityError("the server's message has no signature; nothing of it was believed.")
    found_type, level, pad_length, _reserved, found_context = _TRAILER.unpack(parts.trailer)
    if (found_type, level, found_context) != (auth_type, PACKET_PRIVACY, context_id):
        raise SecurityError(
            f"the server's message is protected otherwise than agreed (type, level, context {found_type}, {level}, "
            f"{found_context} instead of {auth_type}, {PACKET_PRIVACY}, {context_id}); nothing of it was believed."
        )
    return int(pad_length)


def pack_trailer(auth_type: int, pad_length: int, context_id: int) -> bytes:
    """A sec_trailer of level packet privacy (MS-RPCE 2.2.2.11)."""
    return _TRAILER.pack(auth_type, PACKET_PRIVACY, pad_length, 0, context_id)


def pack_request_header(
    *, flags: int, body_length: int, token_length: int, call_id: int, alloc_hint: int, context_id: int, opnum: int
) -> bytes:
    """The header of a request fragment that carries a verifier (C706 12.6.4.9); ``body_length`` includes padding."""
    length = CALL_HEADER_SIZE + body_length + TRAILER_SIZE + token_length
    return _CALL.pack(
        5, 0, REQUEST, flags, _LITTLE_ENDIAN, length, token_length, call_id, alloc_hint, context_id, opnum
    )


def response_context(header: bytes) -> int:
    """p_cont_id of a response's header of 24 bytes (C706 12.6.4.10)."""
    context: int = _U16.unpack_from(header, 20)[0]
    return context


def fault_status(body: bytes) -> int:
    """The status of a fault, from what follows its header of 24 bytes (C706 12.6.4.7)."""
    if len(body) < _U32.size:
        raise DecodeError("an RPC fault is too short to hold a status.")
    status: int = _U32.unpack_from(body)[0]
    return status


def parse_bind_ack(pdu: Pdu) -> BindAck:
    """A bind_ack or alter_context_resp (C706 12.6.4.4, 12.6.4.2)."""
    parts = split(pdu, COMMON_SIZE)
    body = parts.body
    try:
        _max_transmit, max_receive, _group, address_length = _BIND_ACK.unpack_from(body)
        start = _BIND_ACK.size + address_length
        start += -(COMMON_SIZE + start) % 4  # the result list is aligned to 4 in the PDU
        count = body[start]
        results = tuple(Result(*_RESULT.unpack_from(body, start + 4 + n * _RESULT.size)) for n in range(count))
    except (IndexError, StructError) as exc:
        raise DecodeError("a bind_ack is too short for what it says to hold.") from exc
    return BindAck(max_receive, results, parts)


def bind_nak_reason(pdu: Pdu) -> int:
    """provider_reject_reason of a bind_nak (MS-RPCE 2.2.2.9)."""
    if len(pdu.data) < COMMON_SIZE + _U16.size:
        raise DecodeError("a bind_nak is too short to hold a reason.")
    reason: int = _U16.unpack_from(pdu.data, COMMON_SIZE)[0]
    return reason


def check_order(pdu: Pdu, call_id: int, *, first: bool) -> None:
    """Demand that a fragment belongs to our call and comes where it should (C706 12.6.3.1)."""
    if pdu.call_id != call_id:
        raise BadReply(f"the reply belongs to call {pdu.call_id}, but call {call_id} was asked.")
    if bool(pdu.flags & FIRST_FRAGMENT) != first:
        raise BadReply("the fragments of the reply are not in order.")


def check_contexts(ack: BindAck, names: Sequence[str], doing: str) -> None:
    """Demand that every interface was accepted, with NDR 2.0 (C706 12.6.3.1)."""
    if len(ack.results) != len(names):
        raise BadReply(f"{len(names)} interfaces were asked for, but {len(ack.results)} were answered.")
    for name, result in zip(names, ack.results, strict=True):
        if (result.result, result.reason) == _NO_SUCH_INTERFACE:
            raise NoEndpoint(
                f"{doing}: the server has no interface {name} there. Check that this is the port of a DHCP server, or "
                "leave port out to ask the endpoint mapper."
            )
        if result.result != 0 or result.transfer_syntax != NDR20:
            raise BadReply(
                f"the server does not accept the interface {name} with NDR 2.0 "
                f"(result {result.result}, reason {result.reason})."
            )
