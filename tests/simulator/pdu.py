# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection-oriented PDUs of DCE/RPC, as a server reads and writes them (C706 12.6.4, MS-RPCE 2.2.2).

Also the one call of the endpoint mapper that clients use, ept_map (C706 appendix O), with its protocol towers.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address
from uuid import UUID

from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.interfaces import DHCPSRV, DHCPSRV2, Interface

REQUEST = 0
RESPONSE = 2
FAULT = 3
BIND = 11
BIND_ACK = 12
BIND_NAK = 13
ALTER_CONTEXT = 14
ALTER_CONTEXT_RESP = 15
AUTH3 = 16
CO_CANCEL = 18
ORPHANED = 19

FIRST = 0x01
LAST = 0x02
HEADER_SIGN = 0x04  # PFC_SUPPORT_HEADER_SIGN, in bind and bind_ack only
OBJECT_UUID = 0x80

HEADER_SIZE = 16
REQUEST_SIZE = 24
TRAILER_SIZE = 8

NDR = (UUID("8a885d04-1ceb-11c9-9fe8-08002b104860"), 2)
# Bind time feature negotiation (MS-RPCE 3.3.1.5.3): the first eight octets name it, the rest are flags.
FEATURES = UUID("6cb71c2c-9812-4540-0000-000000000000").bytes_le[:8]

ENDPOINT_MAPPER = Interface("epm", UUID("e1af8308-5d1f-11c9-91a4-08002b14a0fa"), 3)
EPT_MAP = 3

FAULT_ACCESS_DENIED = 0x00000005
FAULT_BAD_STUB = 0x000006F7
FAULT_OP_RANGE = 0x1C010002
FAULT_UNKNOWN_CONTEXT = 0x1C010003
FAULT_PROTOCOL = 0x1C01000B
NOT_REGISTERED = 0x16C9A0D6

_HEADER = struct.Struct("<BBBB4sHHI")
_LITTLE_ENDIAN = bytes((0x10, 0, 0, 0))
_BIG_ENDIAN = bytes((0, 0, 0, 0))


class Garbage(Exception):
    """What came in is no PDU that a client may send."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifier:
    """The sec_trailer (MS-RPCE 2.2.2.11) and what follows it."""

    auth_type: int
    level: int
    pad: int
    context_id: int
    value: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Pdu:
    """A received PDU. ``body`` lies between the common header and the sec_trailer, ``raw`` is everything."""

    kind: int
    flags: int
    call_id: int
    body: bytes
    verifier: Verifier | None
    raw: bytes


def fragment_length(head: bytes) -> int:
    """The length of the PDU that begins so. Raises ``Garbage`` for everything that is not DCE/RPC 5.0."""
    major, minor, _kind, _flags, representation, length, _auth, _call = _HEADER.unpack_from(head)
    if major != 5 or minor > 1 or representation[0] & 0xF0 != 0x10 or length < HEADER_SIZE:
        raise Garbage("no DCE/RPC header")
    return int(length)


def parse(raw: bytes) -> Pdu:
    """A whole PDU. Raises ``Garbage``."""
    _major, _minor, kind, flags, _representation, _length, auth_length, call_id = _HEADER.unpack_from(raw)
    body, verifier = raw[HEADER_SIZE:], None
    if auth_length:
        begin = len(raw) - auth_length - TRAILER_SIZE
        if begin < HEADER_SIZE:
            raise Garbage("a verifier longer than its PDU")
        auth_type, level, pad, _reserved, context_id = struct.unpack_from("<BBBBI", raw, begin)
        if begin - pad < HEADER_SIZE:
            raise Garbage("more padding than PDU")
        body = raw[HEADER_SIZE:begin]
        verifier = Verifier(
            auth_type=auth_type, level=level, pad=pad, context_id=context_id, value=raw[begin + TRAILER_SIZE :]
        )
    return Pdu(kind=kind, flags=flags, call_id=call_id, body=body, verifier=verifier, raw=raw)


def header(kind: int, *, flags: int, length: int, auth_length: int, call_id: int, big_endian: bool = False) -> bytes:
    """The common header."""
    representation = _BIG_ENDIAN if big_endian else _LITTLE_ENDIAN
    return _HEADER.pack(5, 0, kind, flags, representation, length, auth_length, call_id)


def trailer(verifier: Verifier) -> bytes:
    """The sec_trailer without the value."""
    return struct.pack("<BBBBI", verifier.auth_type, verifier.level, verifier.pad, 0, verifier.context_id)


# --- bind and alter_context -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A presentation context that a client proposes."""

    context_id: int
    interface: UUID
    version: int
    syntaxes: tuple[tuple[bytes, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bind:
    """The body of bind and alter_context. ``max_receive`` bounds the fragments of our replies."""

    max_transmit: int
    max_receive: int
    group: int
    offers: tuple[Offer, ...]


def parse_bind(body: bytes) -> Bind:
    """Raises ``Garbage``."""
    try:
        transmit, receive, group, count = struct.unpack_from("<HHIB", body)
        position = 12
        offers = []
        for _index in range(count):
            context_id, syntaxes = struct.unpack_from("<HB", body, position)
            interface, version = _syntax(body, position + 4)
            position += 24
            transfers = tuple(_syntax(body, position + 20 * each) for each in range(syntaxes))
            position += 20 * syntaxes
            offers.append(
                Offer(context_id=context_id, interface=UUID(bytes_le=interface), version=version, syntaxes=transfers)
            )
    except (struct.error, ValueError) as exc:
        raise Garbage("no bind") from exc
    return Bind(max_transmit=transmit, max_receive=receive, group=group, offers=tuple(offers))


def _syntax(body: bytes, position: int) -> tuple[bytes, int]:
    identifier, version = struct.unpack_from("<16sI", body, position)
    return identifier, version & 0xFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What becomes of an offer: 0 taken, 2 refused, 3 the bind time features."""

    result: int
    reason: int = 0


def judge(offer: Offer, interfaces: tuple[Interface, ...]) -> tuple[Answer, Interface | None]:
    """The answer to an offer, and the interface where it is taken."""
    if any(identifier[:8] == FEATURES for identifier, _version in offer.syntaxes):
        return Answer(result=3, reason=0), None
    found = next((each for each in interfaces if (each.uuid, each.version) == (offer.interface, offer.version)), None)
    if found is None:
        return Answer(result=2, reason=1), None
    if (NDR[0].bytes_le, NDR[1]) not in offer.syntaxes:
        return Answer(result=2, reason=2), None
    return Answer(result=0), found


def bind_ack_body(*, max_fragment: int, group: int, port: str, answers: list[Answer]) -> bytes:
    """The body of bind_ack and alter_context_resp."""
    address = port.encode("ascii") + b"\x00" if port else b""
    head = struct.pack("<HHIH", max_fragment, max_fragment, group, len(address)) + address
    head += bytes(-len(head) % 4)
    results = b"".join(
        struct.pack("<HH16sI", each.result, each.reason, *(_ndr() if each.result == 0 else (bytes(16), 0)))
        for each in answers
    )
    return head + struct.pack("<B3x", len(answers)) + results


def _ndr() -> tuple[bytes, int]:
    return NDR[0].bytes_le, NDR[1]


# --- requests, faults -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestHead:
    """What a request says in clear: which call in which presentation context. The stub begins at ``begin``."""

    context_id: int
    opnum: int
    begin: int


def parse_request(pdu: Pdu) -> RequestHead:
    """Raises ``Garbage``."""
    begin = REQUEST_SIZE - HEADER_SIZE + (16 if pdu.flags & OBJECT_UUID else 0)
    if len(pdu.body) < begin:
        raise Garbage("short request")
    _hint, context_id, opnum = struct.unpack_from("<IHH", pdu.body)
    return RequestHead(context_id=context_id, opnum=opnum, begin=begin)


def response_head(*, hint: int, context_id: int) -> bytes:
    """What a response has between common header and stub."""
    return struct.pack("<IHBB", hint, context_id, 0, 0)


def fault(status: int, *, call_id: int, context_id: int = 0) -> bytes:
    """A fault PDU. Faults carry no verifier."""
    body = struct.pack("<IHBBII", 32, context_id, 0, 0, status, 0)
    return header(FAULT, flags=FIRST | LAST, length=HEADER_SIZE + len(body), auth_length=0, call_id=call_id) + body


def bind_nak(*, call_id: int, reason: int = 0) -> bytes:
    """A bind_nak that names one protocol version."""
    body = struct.pack("<HBBB", reason, 1, 5, 0) + bytes(3)
    return header(BIND_NAK, flags=FIRST | LAST, length=HEADER_SIZE + len(body), auth_length=0, call_id=call_id) + body


# --- the endpoint mapper ----------------------------------------------------------------------------------------------


def wanted_interface(stub: bytes) -> Interface | None:
    """The interface that an ept_map asks for, if it is one of the DHCP server's over TCP. Raises ``Garbage``."""
    try:
        position = 0
        (has_object,) = struct.unpack_from("<I", stub, position)
        position += 4 + (16 if has_object else 0)
        (has_tower,) = struct.unpack_from("<I", stub, position)
        if not has_tower:
            return None
        _count, length = struct.unpack_from("<II", stub, position + 4)
        tower = stub[position + 12 : position + 12 + length]
        floors = _floors(tower)
        identifier, version = struct.unpack_from("<16sH", floors[0][0], 1)
    except (struct.error, IndexError) as exc:
        raise Garbage("no ept_map") from exc
    if len(floors) < 4 or floors[3][0][:1] != b"\x07":
        return None  # not ncacn_ip_tcp
    wanted = (UUID(bytes_le=identifier), version)
    return next((each for each in (DHCPSRV, DHCPSRV2) if (each.uuid, each.version) == wanted), None)


def _floors(tower: bytes) -> list[tuple[bytes, bytes]]:
    (count,) = struct.unpack_from("<H", tower)
    position = 2
    floors = []
    for _index in range(count):
        (left_size,) = struct.unpack_from("<H", tower, position)
        left = tower[position + 2 : position + 2 + left_size]
        position += 2 + left_size
        (right_size,) = struct.unpack_from("<H", tower, position)
        floors.append((left, tower[position + 2 : position + 2 + right_size]))
        position += 2 + right_size
    return floors


def ept_map_reply(interface: Interface | None, *, host: str, port: int, max_towers: int = 4) -> bytes:
    """The stub of ept_map's reply: one tower, or none and the status that says so."""
    handle = bytes(20)
    if interface is None:
        return handle + struct.pack("<IIIII", 0, max_towers, 0, 0, NOT_REGISTERED)
    tower = _tower(interface, host=host, port=port)
    array = struct.pack("<IIIII", 1, max_towers, 0, 1, 3)
    padding = bytes(-len(tower) % 4)
    return handle + array + struct.pack("<II", len(tower), len(tower)) + tower + padding + struct.pack("<I", 0)


def _tower(interface: Interface, *, host: str, port: int) -> bytes:
    floors = (
        (b"\x0d" + interface.uuid.bytes_le + struct.pack("<H", interface.version), bytes(2)),
        (b"\x0d" + NDR[0].bytes_le + struct.pack("<H", NDR[1]), bytes(2)),
        (b"\x0b", bytes(2)),
        (b"\x07", struct.pack(">H", port)),
        (b"\x09", IPv4Address(host).packed),
    )
    body = b"".join(
        struct.pack("<H", len(left)) + left + struct.pack("<H", len(right)) + right for left, right in floors
    )
    return struct.pack("<H", len(floors)) + body
