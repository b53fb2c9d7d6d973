# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pages of records and reservations against a plain reading of the same octets, one field after the other.

The codec reads them in one go, for speed. Whatever a page holds, both have the same values or both refuse it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import DecodeError
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc import calls, structs


class Refused(Exception):
    """The plain reading's word for octets that are no page."""


class Plain:
    """NDR as C706 chapter 14 describes it, an octet at a time."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0

    def take(self, count: int) -> bytes:
        taken = self.data[self.position : self.position + count]
        if len(taken) < count:
            raise Refused
        self.position += count
        return taken

    def number(self, size: int, alignment: int | None = None) -> int:
        while self.position % (alignment or size):
            self.position += 1
        return int.from_bytes(self.take(size), "little")

    def filetime(self) -> int:
        low, high = self.number(4), self.number(4)  # DATE_TIME is two 32-bit integers (MS-DHCPM 2.2.1.2.11)
        return high << 32 | low

    def octets(self, length: int, pointer: int) -> bytes | None:
        if not pointer:
            if length:
                raise Refused
            return None
        if self.number(4) != length:
            raise Refused
        return self.take(length)

    def string(self, pointer: int) -> str | None:
        if not pointer:
            return None
        maximum, offset, actual = self.number(4), self.number(4), self.number(4)
        if offset or actual > maximum:
            raise Refused
        text = self.take(2 * actual).decode("utf-16-le", "surrogatepass")
        return text.split("\0")[0]

    def conformant(self, size: int) -> int:
        """How many elements of an array of structures or pointers follow."""
        announced, pointer = self.number(4), self.number(4)
        if not pointer:
            if announced:
                raise Refused
            return 0
        count = self.number(4)
        if count != announced or count * size > len(self.data) - self.position:
            raise Refused
        return count

    def end(self) -> None:
        if len(self.data) - self.position > 15:
            raise Refused


def plain_record(plain: Plain) -> tuple[Any, ...]:
    address, mask, length, identifier, name, comment = (plain.number(4) for _field in range(6))
    expires = plain.filetime()
    owner, netbios, host = (plain.number(4) for _field in range(3))
    kind, state, status = plain.number(1), plain.number(1), plain.number(2)
    probation, capable = plain.filetime(), plain.number(4)
    octets = plain.octets(length, identifier)
    texts = [plain.string(pointer) for pointer in (name, comment, netbios, host)]
    return (
        *(address, mask, octets, *texts[:2], expires, (owner, *texts[2:])),
        *(kind, state, status, probation, capable),
    )


def plain_clients(stub: bytes) -> tuple[Any, ...]:
    plain = Plain(stub)
    handle, clients = plain.number(4), None
    if plain.number(4):
        pointers = [plain.number(4) for _each in range(plain.conformant(4))]
        clients = tuple(plain_record(plain) if pointer else None for pointer in pointers)
    rest = tuple(plain.number(4) for _field in range(3))
    plain.end()
    return (handle, clients, *rest)


def plain_element(plain: Plain, kind: int, tag: int, pointer: int) -> tuple[Any, ...]:
    if tag != (0 if kind in (5, 6, 7) else kind):
        raise Refused
    if not pointer:
        return kind, None
    if tag == 0:
        return kind, tuple(plain.number(4) for _field in range(4))
    if tag == 3:
        return kind, tuple(plain.number(4) for _field in range(2))
    if tag != 2:
        raise Refused
    address, client, types = plain.number(4), plain.number(4), plain.number(1)
    if not client:
        return kind, (address, None, types)
    length, identifier = plain.number(4), plain.number(4)
    return kind, (address, (plain.octets(length, identifier),), types)


def plain_elements(stub: bytes) -> tuple[Any, ...]:
    plain = Plain(stub)
    handle, elements = plain.number(4), None
    if plain.number(4):
        heads = [
            (plain.number(2, alignment=4), plain.number(2), plain.number(4)) for _each in range(plain.conformant(8))
        ]
        elements = tuple(plain_element(plain, *head) for head in heads)
    rest = tuple(plain.number(4) for _field in range(3))
    plain.end()
    return (handle, elements, *rest)


def read_clients(stub: bytes) -> tuple[Any, ...]:
    reply = calls.EnumClientsReply.unpack(stub)
    return (reply.ResumeHandle, reply.ClientInfo, reply.ClientsRead, reply.ClientsTotal, reply.Return)


def read_elements(stub: bytes) -> tuple[Any, ...]:
    reply = calls.EnumElementsReply.unpack(stub)
    return (reply.ResumeHandle, reply.EnumElementInfo, reply.ElementsRead, reply.ElementsTotal, reply.Return)


def must_agree(
    read: Callable[[bytes], tuple[Any, ...]], plain: Callable[[bytes], tuple[Any, ...]], stub: bytes
) -> bool:
    """Hold the two against each other; whether they accept the page."""
    try:
        expected = plain(stub)
    except Refused:
        with pytest.raises(DecodeError):
            read(stub)
        return False
    assert read(stub) == expected
    return True


# --- pages ------------------------------------------------------------------------------------------------------------

U32 = st.sampled_from((0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)) | st.integers(0, 0xFFFFFFFF)
TEXT = st.none() | st.lists(st.integers(1, 0xFFFF), max_size=9).map(
    lambda units: struct.pack(f"<{len(units)}H", *units).decode("utf-16-le", "surrogatepass")
)
OCTETS = st.none() | st.binary(max_size=9)
HOST = st.builds(structs.DHCP_HOST_INFO, IpAddress=U32, NetBiosName=TEXT, HostName=TEXT)
RECORD = st.builds(
    structs.DHCP_CLIENT_INFO_VQ,
    ClientIpAddress=U32,
    SubnetMask=U32,
    ClientHardwareAddress=OCTETS,
    ClientName=TEXT,
    ClientComment=TEXT,
    ClientLeaseExpires=st.integers(0, (1 << 64) - 1),
    OwnerHost=HOST,
    bClientType=st.integers(0, 255),
    AddressState=st.integers(0, 255),
    Status=st.integers(0, 0xFFFF),
    ProbationEnds=st.integers(0, (1 << 64) - 1),
    QuarantineCapable=U32,
)
RESERVATION = st.builds(
    structs.DHCP_IP_RESERVATION_V4,
    ReservedIpAddress=U32,
    ReservedForClient=st.none() | st.builds(structs.DHCP_CLIENT_UID, Data=OCTETS),
    bAllowedClientTypes=st.integers(0, 255),
)
RANGE = st.builds(
    structs.DHCP_BOOTP_IP_RANGE, StartAddress=U32, EndAddress=U32, BootpAllocated=U32, MaxBootpAllowed=U32
)
EXCLUSION = st.builds(structs.DHCP_IP_RANGE, StartAddress=U32, EndAddress=U32)
ELEMENT = st.one_of(
    *(
        st.builds(structs.DHCP_SUBNET_ELEMENT_DATA_V5, ElementType=st.sampled_from(kinds), Element=st.none() | element)
        for kinds, element in (((0, 5, 6, 7), RANGE), ((2,), RESERVATION), ((3,), EXCLUSION))
    )
)
CLIENTS = st.builds(
    calls.EnumClientsReply,
    ResumeHandle=U32,
    ClientInfo=st.none() | st.lists(st.none() | RECORD, max_size=4).map(tuple),
    ClientsRead=U32,
    ClientsTotal=U32,
    Return=U32,
)
ELEMENTS = st.builds(
    calls.EnumElementsReply,
    ResumeHandle=U32,
    EnumElementInfo=st.none() | st.lists(ELEMENT, max_size=6).map(tuple),
    ElementsRead=U32,
    ElementsTotal=U32,
    Return=U32,
)
# What is put over a page's octets: small numbers hit counts, pointers and kinds, large ones their limits. Half of them
# hit a number as it is on the wire, at a multiple of 4.
CHANGE = st.tuples(
    st.integers(0, 1 << 12),
    st.sampled_from(("<B", "<H", "<I")),
    st.integers(0, 12) | st.integers(0, 255) | st.sampled_from((0xFF, 0x7F)),
    st.booleans(),
    st.sampled_from((1, 4)),
)


def changed(stub: bytes, changes: list[tuple[int, str, int, bool, int]]) -> bytes:
    """The stub with some octets overwritten, of each change at a place that it has."""
    data = bytearray(stub)
    for where, layout, value, ones, alignment in changes:
        octets = b"\xff" * struct.calcsize(layout) if ones and value > 12 else struct.pack(layout, value)
        place = where % len(data) // alignment * alignment
        data[place : place + len(octets)] = octets
    return bytes(data)


@given(reply=CLIENTS)
def test_a_page_of_records_reads_as_field_by_field(reply: calls.EnumClientsReply) -> None:
    assert must_agree(read_clients, plain_clients, reply.pack())


@given(reply=ELEMENTS)
def test_a_page_of_elements_reads_as_field_by_field(reply: calls.EnumElementsReply) -> None:
    assert must_agree(read_elements, plain_elements, reply.pack())


@settings(max_examples=600, deadline=None)
@given(reply=CLIENTS, changes=st.lists(CHANGE, min_size=1, max_size=3))
def test_a_spoilt_page_of_records_is_refused_or_read_as_field_by_field(
    reply: calls.EnumClientsReply, changes: list[tuple[int, str, int, bool, int]]
) -> None:
    must_agree(read_clients, plain_clients, changed(reply.pack(), changes))


@settings(max_examples=600, deadline=None)
@given(reply=ELEMENTS, changes=st.lists(CHANGE, min_size=1, max_size=3))
def test_a_spoilt_page_of_elements_is_refused_or_read_as_field_by_field(
    reply: calls.EnumElementsReply, changes: list[tuple[int, str, int, bool, int]]
) -> None:
    must_agree(read_elements, plain_elements, changed(reply.pack(), changes))


@given(reply=CLIENTS, cut=st.integers(0, 1 << 12))
def test_a_torn_page_of_records_is_refused_like_field_by_field(reply: calls.EnumClientsReply, cut: int) -> None:
    stub = reply.pack()
    assert not must_agree(read_clients, plain_clients, stub[: cut % len(stub)])


@given(reply=ELEMENTS, cut=st.integers(0, 1 << 12))
def test_a_torn_page_of_elements_is_refused_like_field_by_field(reply: calls.EnumElementsReply, cut: int) -> None:
    stub = reply.pack()
    assert not must_agree(read_elements, plain_elements, stub[: cut % len(stub)])


@given(data=st.binary(max_size=300) | st.lists(st.integers(0, 12) | U32, max_size=80).map(
    lambda dwords: struct.pack(f"<{len(dwords)}I", *dwords)
))  # fmt: skip
def test_any_octets_are_refused_or_read_as_field_by_field(data: bytes) -> None:
    must_agree(read_clients, plain_clients, data)
    must_agree(read_elements, plain_elements, data)
