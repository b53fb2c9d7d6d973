# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""One immutable class per structure of the MS-DHCPM IDL, in the specification's own spelling.

Addresses and masks are integers whose most significant octet is the first one (2.2.1.2.1: 10.0.0.1 is 0x0A000001).
Times are FILETIMEs as one 64-bit integer. A NULL pointer is ``None``; an empty string is ``""``.

``write`` and ``read`` are the fixed part of a structure, ``write_referents`` and ``read_referents`` what its
pointers point to: NDR puts the latter behind the outermost structure (C706 14.3.12.3).

Named tuples, because records and reservations come by the hundred thousand: what else is frozen takes ten times as long
to make. For the same reason those two are read in one go, without a call for each field.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import DecodeError
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.ndr import (
    Reader,
    Writer,
    ends_early,
    octets_at,
    string_at,
)

_RANGE = struct.Struct("<II")
_BOOTP_RANGE = struct.Struct("<IIII")
_RESERVATION = struct.Struct("<IIB")
_UID = struct.Struct("<II")
_ELEMENT = struct.Struct("<HHI")  # ElementType, union tag, pointer
_CLIENT = struct.Struct("<IIIIIIQIII")
_CLIENT_VQ = struct.Struct("<IIIIIIQIIIBBHQI")
_SUBNET = struct.Struct("<IIIIIIIH")
_ADDRESS_SIZE = 4

SEARCH_ADDRESS = 0
SEARCH_HARDWARE_ADDRESS = 1
SEARCH_NAME = 2

ELEMENT_RANGES = 0
ELEMENT_RESERVATIONS = 2
ELEMENT_EXCLUSIONS = 3
_BOOTP_RANGE_TYPES = (5, 6, 7)

ADDRESS_STATE_MASK = 0x03
ADDRESS_STATE_ACTIVE = 0x01

CLIENT_TYPE_DHCP = 0x01
CLIENT_TYPE_NONE = 0x64


def length_of(data: bytes | None) -> int:
    """What stands beside the pointer to a ``[size_is(n)] BYTE *``."""
    return 0 if data is None else len(data)


class DHCP_HOST_INFO(NamedTuple):
    """DHCP_HOST_INFO (2.2.1.2.7)."""

    IpAddress: int = 0
    NetBiosName: str | None = None
    HostName: str | None = None


class DHCP_CLIENT_UID(NamedTuple):
    """DHCP_CLIENT_UID (2.2.1.2.5). ``None`` is a NULL ``Data``, ``b""`` a pointer to an empty array."""

    Data: bytes | None

    def write(self, w: Writer) -> None:
        w.u32(length_of(self.Data))
        w.pointer(self.Data)

    def write_referents(self, w: Writer) -> None:
        w.octets(self.Data)

    @classmethod
    def read(cls, r: Reader) -> DHCP_CLIENT_UID:
        """Fixed part and referent: here they always follow each other."""
        length = r.u32()
        return cls(Data=read_octets(r, length, r.u32()))


def read_octets(r: Reader, length: int, referent: int) -> bytes | None:
    """The referent of a ``[size_is(length)] BYTE *`` whose pointer has been read."""
    if referent:
        return r.octets(length)
    if length:
        raise _behind_null(length)
    return None


def _behind_null(length: int) -> DecodeError:
    return DecodeError(f"{length} octets are announced behind a NULL pointer.")


def read_string(r: Reader, referent: int) -> str | None:
    """The referent of a ``[string] wchar_t *`` whose pointer has been read."""
    return r.string() if referent else None


def write_ip_array(w: Writer, addresses: tuple[int, ...]) -> None:
    """A DHCP_IP_ARRAY (2.2.1.2.46), fixed part and referent."""
    w.u32(len(addresses))
    w.pointer(addresses)
    w.record(struct.Struct(f"<I{len(addresses)}I"), len(addresses), *addresses)


def read_ip_array(r: Reader) -> tuple[int, ...]:
    """A DHCP_IP_ARRAY (2.2.1.2.46), fixed part and referent; a NULL array is an empty one."""
    count = r.array(r.u32(), r.u32(), _ADDRESS_SIZE)
    return r.record(struct.Struct(f"<{count or 0}I"))


class DHCP_CLIENT_INFO(NamedTuple):
    """DHCP_CLIENT_INFO (2.2.1.2.12)."""

    ClientIpAddress: int
    SubnetMask: int
    ClientHardwareAddress: bytes | None
    ClientName: str | None
    ClientComment: str | None
    ClientLeaseExpires: int
    OwnerHost: DHCP_HOST_INFO

    def write(self, w: Writer) -> None:
        """Fixed part and referents."""
        w.record(_CLIENT, *_client_head(w, self))
        _write_client_referents(w, self)

    @classmethod
    def read(cls, r: Reader) -> DHCP_CLIENT_INFO:
        """Fixed part and referents."""
        address, mask, length, uid, name, comment, expires, owner, netbios, host = r.record(_CLIENT)
        return cls(
            ClientIpAddress=address,
            SubnetMask=mask,
            ClientHardwareAddress=read_octets(r, length, uid),
            ClientName=read_string(r, name),
            ClientComment=read_string(r, comment),
            ClientLeaseExpires=expires,
            OwnerHost=_read_host(r, owner, netbios, host),
        )


class DHCP_CLIENT_INFO_VQ(NamedTuple):
    """DHCP_CLIENT_INFO_VQ (2.2.1.2.19)."""

    ClientIpAddress: int
    SubnetMask: int
    ClientHardwareAddress: bytes | None
    ClientName: str | None
    ClientComment: str | None
    ClientLeaseExpires: int
    OwnerHost: DHCP_HOST_INFO
    bClientType: int
    AddressState: int
    Status: int
    ProbationEnds: int
    QuarantineCapable: int

    def write(self, w: Writer) -> None:
        w.record(
            _CLIENT_VQ,
            *_client_head(w, self),
            self.bClientType,
            self.AddressState,
            self.Status,  # QuarantineStatus is an enum: 16 bits
            self.ProbationEnds,
            self.QuarantineCapable,
        )
        _write_client_referents(w, self)

    @classmethod
    def read(cls, r: Reader) -> DHCP_CLIENT_INFO_VQ:
        """Fixed part and referents."""
        client, r.position = _client_vq_at(r.data, r.position)
        return client

    @classmethod
    def read_array(cls, r: Reader, referents: Iterable[int]) -> tuple[DHCP_CLIENT_INFO_VQ | None, ...]:
        """What an array of pointers points to."""
        data, position = r.data, r.position
        clients: list[DHCP_CLIENT_INFO_VQ | None] = []
        for referent in referents:
            client = None
            if referent:
                client, position = _client_vq_at(data, position)
            clients.append(client)
        r.position = position
        return tuple(clients)


def _client_vq_at(data: bytes, position: int) -> tuple[DHCP_CLIENT_INFO_VQ, int]:
    """A record with its referents, and where it ends."""
    position += -position % 4
    try:
        head = _CLIENT_VQ.unpack_from(data, position)
    except struct.error:
        raise ends_early(data, position, _CLIENT_VQ.size) from None
    address, mask, length, uid, name, comment, expires, owner, netbios, host, kind, state, status, ends, capable = head
    position += _CLIENT_VQ.size
    octets = client_name = client_comment = netbios_name = host_name = None
    if uid:
        octets, position = octets_at(data, position, length)
    elif length:
        raise _behind_null(length)
    if name:
        client_name, position = string_at(data, position)
    if comment:
        client_comment, position = string_at(data, position)
    if netbios:
        netbios_name, position = string_at(data, position)
    if host:
        host_name, position = string_at(data, position)
    server = DHCP_HOST_INFO(owner, netbios_name, host_name)
    # By position: by name it takes twice as long.
    client = DHCP_CLIENT_INFO_VQ(
        address, mask, octets, client_name, client_comment, expires, server, kind, state, status, ends, capable
    )
    return client, position


def _client_head(w: Writer, client: DHCP_CLIENT_INFO | DHCP_CLIENT_INFO_VQ) -> tuple[int, ...]:
    """The fields that both client structures begin with."""
    return (
        client.ClientIpAddress,
        client.SubnetMask,
        length_of(client.ClientHardwareAddress),
        w.referent(client.ClientHardwareAddress),
        w.referent(client.ClientName),
        w.referent(client.ClientComment),
        client.ClientLeaseExpires,
        client.OwnerHost.IpAddress,
        w.referent(client.OwnerHost.NetBiosName),
        w.referent(client.OwnerHost.HostName),
    )


def _write_client_referents(w: Writer, client: DHCP_CLIENT_INFO | DHCP_CLIENT_INFO_VQ) -> None:
    w.octets(client.ClientHardwareAddress)
    w.string(client.ClientName)
    w.string(client.ClientComment)
    w.string(client.OwnerHost.NetBiosName)
    w.string(client.OwnerHost.HostName)


def _read_host(r: Reader, address: int, netbios: int, host: int) -> DHCP_HOST_INFO:
    return DHCP_HOST_INFO(IpAddress=address, NetBiosName=read_string(r, netbios), HostName=read_string(r, host))


class DHCP_SUBNET_INFO(NamedTuple):
    """DHCP_SUBNET_INFO (2.2.1.2.8)."""

    SubnetAddress: int
    SubnetMask: int
    SubnetName: str | None
    SubnetComment: str | None
    PrimaryHost: DHCP_HOST_INFO
    SubnetState: int

    def write(self, w: Writer) -> None:
        host = self.PrimaryHost
        w.record(
            _SUBNET,
            self.SubnetAddress,
            self.SubnetMask,
            w.referent(self.SubnetName),
            w.referent(self.SubnetComment),
            host.IpAddress,
            w.referent(host.NetBiosName),
            w.referent(host.HostName),
            self.SubnetState,
        )
        w.string(self.SubnetName)
        w.string(self.SubnetComment)
        w.string(host.NetBiosName)
        w.string(host.HostName)

    @classmethod
    def read(cls, r: Reader) -> DHCP_SUBNET_INFO:
        """Fixed part and referents."""
        address, mask, name, comment, owner, netbios, host, state = r.record(_SUBNET)
        return cls(
            SubnetAddress=address,
            SubnetMask=mask,
            SubnetName=read_string(r, name),
            SubnetComment=read_string(r, comment),
            PrimaryHost=_read_host(r, owner, netbios, host),
            SubnetState=state,
        )


class DHCP_SEARCH_INFO(NamedTuple):
    """DHCP_SEARCH_INFO (2.2.1.2.18): ``Value`` is an address, a client unique id or a name, as ``SearchType`` says."""

    SearchType: int
    Value: int | bytes | str | None

    def write(self, w: Writer) -> None:
        w.align(4)
        w.u16(self.SearchType)
        w.u16(self.SearchType)  # the tag of the union
        if isinstance(self.Value, int):
            w.u32(self.Value)
        elif self.SearchType == SEARCH_HARDWARE_ADDRESS:
            uid = DHCP_CLIENT_UID(Data=self.Value if isinstance(self.Value, bytes) else None)
            uid.write(w)
            uid.write_referents(w)
        else:
            w.unique_string(self.Value if isinstance(self.Value, str) else None)

    @classmethod
    def read(cls, r: Reader) -> DHCP_SEARCH_INFO:
        r.align(4)
        search_type, tag = r.u16(), r.u16()
        if search_type != tag:
            raise DecodeError(f"SearchType {search_type} with union tag {tag}.")
        if search_type == SEARCH_ADDRESS:
            return cls(SearchType=search_type, Value=r.u32())
        if search_type == SEARCH_HARDWARE_ADDRESS:
            return cls(SearchType=search_type, Value=DHCP_CLIENT_UID.read(r).Data)
        if search_type == SEARCH_NAME:
            return cls(SearchType=search_type, Value=r.unique_string())
        raise DecodeError(f"SearchType {search_type} is none of 0, 1, 2.")


class DHCP_IP_RANGE(NamedTuple):
    """DHCP_IP_RANGE (2.2.1.2.31): an exclusion."""

    StartAddress: int
    EndAddress: int

    def write(self, w: Writer) -> None:
        w.record(_RANGE, self.StartAddress, self.EndAddress)

    @classmethod
    def read(cls, r: Reader) -> DHCP_IP_RANGE:
        start, end = r.record(_RANGE)
        return cls(StartAddress=start, EndAddress=end)


class DHCP_BOOTP_IP_RANGE(NamedTuple):
    """DHCP_BOOTP_IP_RANGE (2.2.1.2.37): a range of a scope."""

    StartAddress: int
    EndAddress: int
    BootpAllocated: int = 0
    MaxBootpAllowed: int = 0xFFFFFFFF

    def write(self, w: Writer) -> None:
        w.record(_BOOTP_RANGE, self.StartAddress, self.EndAddress, self.BootpAllocated, self.MaxBootpAllowed)

    @classmethod
    def read(cls, r: Reader) -> DHCP_BOOTP_IP_RANGE:
        start, end, allocated, allowed = r.record(_BOOTP_RANGE)
        return cls(StartAddress=start, EndAddress=end, BootpAllocated=allocated, MaxBootpAllowed=allowed)


class DHCP_IP_RESERVATION_V4(NamedTuple):
    """DHCP_IP_RESERVATION_V4 (2.2.1.2.32). ``ReservedForClient`` is a client-identifier (2.2.1.2.5.1)."""

    ReservedIpAddress: int
    ReservedForClient: DHCP_CLIENT_UID | None
    bAllowedClientTypes: int

    def write(self, w: Writer) -> None:
        """Fixed part and referents."""
        w.record(_RESERVATION, self.ReservedIpAddress, w.referent(self.ReservedForClient), self.bAllowedClientTypes)
        if self.ReservedForClient is not None:
            self.ReservedForClient.write(w)
            self.ReservedForClient.write_referents(w)

    @classmethod
    def read(cls, r: Reader) -> DHCP_IP_RESERVATION_V4:
        """Fixed part and referents."""
        reservation, r.position = _reservation_at(r.data, r.position)
        return reservation


def _reservation_at(data: bytes, position: int) -> tuple[DHCP_IP_RESERVATION_V4, int]:
    """A reservation with its referents, and where it ends."""
    position += -position % 4
    try:
        address, referent, types = _RESERVATION.unpack_from(data, position)
        position += _RESERVATION.size
        if not referent:
            return DHCP_IP_RESERVATION_V4(address, None, types), position
        position += -position % 4
        length, uid = _UID.unpack_from(data, position)
    except struct.error:
        raise ends_early(data, position, _UID.size) from None
    position += _UID.size
    octets = None
    if uid:
        octets, position = octets_at(data, position, length)
    elif length:
        raise _behind_null(length)
    return DHCP_IP_RESERVATION_V4(address, DHCP_CLIENT_UID(octets), types), position


Element: TypeAlias = "DHCP_BOOTP_IP_RANGE | DHCP_IP_RESERVATION_V4 | DHCP_IP_RANGE"


def _element_tag(element_type: int) -> int:
    """ELEMENT_MASK of 2.2.1.2.38: the three kinds of BOOTP ranges travel as ranges."""
    return ELEMENT_RANGES if element_type in _BOOTP_RANGE_TYPES else element_type


class DHCP_SUBNET_ELEMENT_DATA_V5(NamedTuple):
    """DHCP_SUBNET_ELEMENT_DATA_V5 (2.2.1.2.38)."""

    ElementType: int
    Element: Element | None

    def write(self, w: Writer) -> None:
        w.record(_ELEMENT, self.ElementType, _element_tag(self.ElementType), w.referent(self.Element))

    def write_referents(self, w: Writer) -> None:
        if self.Element is not None:
            self.Element.write(w)

    @classmethod
    def read(cls, r: Reader) -> DHCP_SUBNET_ELEMENT_DATA_V5:
        """Fixed part and referents of a single one."""
        element_type, tag, referent = r.record(_ELEMENT)
        return cls(ElementType=element_type, Element=_read_element(r, element_type, tag, referent))

    @classmethod
    def read_array(cls, r: Reader, count: int) -> tuple[DHCP_SUBNET_ELEMENT_DATA_V5, ...]:
        """An array of structures: first all fixed parts, then the referents in order."""
        end = r.position + count * _ELEMENT.size
        if end > len(r.data):
            raise ends_early(r.data, r.position, count * _ELEMENT.size)
        heads = _ELEMENT.iter_unpack(r.data[r.position : end])
        r.position = end
        return tuple(cls(kind, _read_element(r, kind, tag, referent)) for kind, tag, referent in heads)


def _read_element(r: Reader, element_type: int, tag: int, referent: int) -> Element | None:
    if tag != _element_tag(element_type):
        raise DecodeError(f"ElementType {element_type} with union tag {tag}.")
    if not referent:
        return None
    if tag == ELEMENT_RESERVATIONS:
        return DHCP_IP_RESERVATION_V4.read(r)
    if tag == ELEMENT_RANGES:
        return DHCP_BOOTP_IP_RANGE.read(r)
    if tag == ELEMENT_EXCLUSIONS:
        return DHCP_IP_RANGE.read(r)
    raise DecodeError(f"ElementType {element_type} is not used by this protocol (2.2.1.1.7).")
