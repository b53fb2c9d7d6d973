# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""One frozen class per remote call of MS-DHCPM, its parameters in the order and spelling of the IDL (section 6).

``pack`` and ``unpack`` are the request's stub, ``Reply`` is the class of the answer's. ``ServerIpAddress`` is unused
by every server (it exists for the binding) and left NULL.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.interfaces import DHCPSRV, DHCPSRV2, Interface
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.ndr import Reader, Writer
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.structs import (
    DHCP_CLIENT_INFO,
    DHCP_CLIENT_INFO_VQ,
    DHCP_SEARCH_INFO,
    DHCP_SUBNET_ELEMENT_DATA_V5,
    DHCP_SUBNET_INFO,
    read_ip_array,
    write_ip_array,
)

EVERYTHING = 0xFFFFFFFF  # PreferredMaximum: as much as there is

# DHCP_FORCE_FLAG (2.2.1.1.9). It matters for ranges alone; a reservation goes the same way with each.
NO_FORCE = 1

# The least that one element of an array takes: a pointer, an ElementType with tag and pointer.
_POINTER_SIZE = 4
_ELEMENT_SIZE = 8


PackableT = TypeVar("PackableT", bound="Packable")


class Packable:
    """A stub that can be packed; ``write`` and ``read`` are what the subclasses define."""

    __slots__ = ()

    def write(self, w: Writer) -> None:
        raise TypeError(f"{type(self).__name__} defines no write()")

    @classmethod
    def read(cls: type[PackableT], r: Reader) -> PackableT:
        raise TypeError(f"{cls.__name__} defines no read()")

    def pack(self) -> bytes:
        """The stub's octets."""
        w = Writer()
        self.write(w)
        return bytes(w)

    @classmethod
    def unpack(cls: type[PackableT], stub: bytes) -> PackableT:
        """The stub's values. Raises ``DecodeError`` for anything that this type cannot be."""
        r = Reader(stub)
        value = cls.read(r)
        r.end()
        return value


class Reply(Packable):
    """A reply. Its status, Win32 or DHCP, is the last thing on the wire."""

    __slots__ = ()

    Return: int


ReplyT = TypeVar("ReplyT", bound=Reply)


class Call(Packable, Generic[ReplyT]):
    """A request. ``WRITES`` tells whether it can change something on the server."""

    __slots__ = ()

    INTERFACE: ClassVar[Interface]
    OPNUM: ClassVar[int]
    WRITES: ClassVar[bool] = False
    Reply: type[ReplyT]

    @property
    def name(self) -> str:
        """The call's name in the specification."""
        return type(self).__name__


# --- replies ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusReply(Reply):
    """A reply that is a status alone."""

    Return: int

    def write(self, w: Writer) -> None:
        w.u32(self.Return)

    @classmethod
    def read(cls, r: Reader) -> StatusReply:
        return cls(Return=r.u32())


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionReply(Reply):
    MajorVersion: int
    MinorVersion: int
    Return: int

    def write(self, w: Writer) -> None:
        w.u32(self.MajorVersion)
        w.u32(self.MinorVersion)
        w.u32(self.Return)

    @classmethod
    def read(cls, r: Reader) -> VersionReply:
        return cls(MajorVersion=r.u32(), MinorVersion=r.u32(), Return=r.u32())


@dataclass(frozen=True, slots=True, kw_only=True)
class SubnetInfoReply(Reply):
    SubnetInfo: DHCP_SUBNET_INFO | None
    Return: int

    def write(self, w: Writer) -> None:
        if w.pointer(self.SubnetInfo) and self.SubnetInfo is not None:
            self.SubnetInfo.write(w)
        w.u32(self.Return)

    @classmethod
    def read(cls, r: Reader) -> SubnetInfoReply:
        info = DHCP_SUBNET_INFO.read(r) if r.pointer() else None
        return cls(SubnetInfo=info, Return=r.u32())


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientInfoReply(Reply):
    ClientInfo: DHCP_CLIENT_INFO_VQ | None
    Return: int

    def write(self, w: Writer) -> None:
        if w.pointer(self.ClientInfo) and self.ClientInfo is not None:
            self.ClientInfo.write(w)
        w.u32(self.Return)

    @classmethod
    def read(cls, r: Reader) -> ClientInfoReply:
        info = DHCP_CLIENT_INFO_VQ.read(r) if r.pointer() else None
        return cls(ClientInfo=info, Return=r.u32())


@dataclass(frozen=True, slots=True, kw_only=True)
class EnumSubnetsReply(Reply):
    ResumeHandle: int
    EnumInfo: tuple[int, ...] | None
    ElementsRead: int
    ElementsTotal: int
    Return: int

    def write(self, w: Writer) -> None:
        w.u32(self.ResumeHandle)
        if w.pointer(self.EnumInfo) and self.EnumInfo is not None:
            write_ip_array(w, self.EnumInfo)
        w.u32(self.ElementsRead)
        w.u32(self.ElementsTotal)
        w.u32(self.Return)

    @classmethod
    def read(cls, r: Reader) -> EnumSubnetsReply:
        handle = r.u32()
        addresses = read_ip_array(r) if r.pointer() else None
        return cls(ResumeHandle=handle, EnumInfo=addresses, ElementsRead=r.u32(), ElementsTotal=r.u32(), Return=r.u32())


@dataclass(frozen=True, slots=True, kw_only=True)
class EnumClientsReply(Reply):
    ResumeHandle: int
    ClientInfo: tuple[DHCP_CLIENT_INFO_VQ | None, ...] | None
    ClientsRead: int
    ClientsTotal: int
    Return: int

    def write(self, w: Writer) -> None:
        w.u32(self.ResumeHandle)
        if w.pointer(self.ClientInfo) and self.ClientInfo is not None:
            w.u32(len(self.ClientInfo))  # DHCP_CLIENT_INFO_ARRAY_VQ (2.2.1.2.20): an array of pointers
            w.pointer(self.ClientInfo)
            w.u32(len(self.ClientInfo))
            for client in self.ClientInfo:
                w.pointer(client)
            for client in self.ClientInfo:
                if client is not None:
                    client.write(w)
        w.u32(self.ClientsRead)
        w.u32(self.ClientsTotal)
        w.u32(self.Return)

    @classmethod
    def read(cls, r: Reader) -> EnumClientsReply:
        handle = r.u32()
        clients: tuple[DHCP_CLIENT_INFO_VQ | None, ...] | None = None
        if r.pointer():
            count = r.array(r.u32(), r.u32(), _POINTER_SIZE)
            referents = r.record(struct.Struct(f"<{count or 0}I"))
            clients = DHCP_CLIENT_INFO_VQ.read_array(r, referents)
        return cls(ResumeHandle=handle, ClientInfo=clients, ClientsRead=r.u32(), ClientsTotal=r.u32(), Return=r.u32())


@dataclass(frozen=True, slots=True, kw_only=True)
class EnumElementsReply(Reply):
    ResumeHandle: int
    EnumElementInfo: tuple[DHCP_SUBNET_ELEMENT_DATA_V5, ...] | None
    ElementsRead: int
    ElementsTotal: int
    Return: int

    def write(self, w: Writer) -> None:
        w.u32(self.ResumeHandle)
        if w.pointer(self.EnumElementInfo) and self.EnumElementInfo is not None:
            w.u32(len(self.EnumElementInfo))  # DHCP_SUBNET_ELEMENT_INFO_ARRAY_V5 (2.2.1.2.39): structures, no pointers
            w.pointer(self.EnumElementInfo)
            w.u32(len(self.EnumElementInfo))
            for element in self.EnumElementInfo:
                element.write(w)
            for element in self.EnumElementInfo:
                element.write_referents(w)
        w.u32(self.ElementsRead)
        w.u32(self.ElementsTotal)
        w.u32(self.Return)

    @classmethod
    def read(cls, r: Reader) -> EnumElementsReply:
        handle = r.u32()
        elements: tuple[DHCP_SUBNET_ELEMENT_DATA_V5, ...] | None = None
        if r.pointer():
            count = r.array(r.u32(), r.u32(), _ELEMENT_SIZE)
            elements = DHCP_SUBNET_ELEMENT_DATA_V5.read_array(r, count or 0)
        return cls(
            ResumeHandle=handle, EnumElementInfo=elements, ElementsRead=r.u32(), ElementsTotal=r.u32(), Return=r.u32()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeAddressesReply(Reply):
    IPAddrList: tuple[int, ...] | None
    Return: int

    def write(self, w: Writer) -> None:
        if w.pointer(self.IPAddrList) and self.IPAddrList is not None:
            write_ip_array(w, self.IPAddrList)
        w.u32(self.Return)

    @classmethod
    def read(cls, r: Reader) -> FreeAddressesReply:
        addresses = read_ip_array(r) if r.pointer() else None
        return cls(IPAddrList=addresses, Return=r.u32())


# --- calls ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class R_DhcpGetSubnetInfo(Call[SubnetInfoReply]):
    """R_DhcpGetSubnetInfo, opnum 2 (MS-DHCPM 3.1.4.3)."""

    INTERFACE = DHCPSRV
    OPNUM = 2
    Reply = SubnetInfoReply

    ServerIpAddress: str | None = None
    SubnetAddress: int

    def write(self, w: Writer) -> None:
        w.unique_string(self.ServerIpAddress)
        w.u32(self.SubnetAddress)

    @classmethod
    def read(cls, r: Reader) -> R_DhcpGetSubnetInfo:
        return cls(ServerIpAddress=r.unique_string(), SubnetAddress=r.u32())


@dataclass(frozen=True, slots=True, kw_only=True)
class R_DhcpEnumSubnets(Call[EnumSubnetsReply]):
    """R_DhcpEnumSubnets, opnum 3 (MS-DHCPM 3.1.4.4). ``PreferredMaximum`` counts subnets here, not octets."""

    INTERFACE = DHCPSRV
    OPNUM = 3
    Reply = EnumSubnetsReply

    ServerIpAddress: str | None = None
    ResumeHandle: int = 0
    PreferredMaximum: int = EVERYTHING

    def write(self, w: Writer) -> None:
        w.unique_string(self.ServerIpAddress)
        w.u32(self.ResumeHandle)  # top-level reference pointer: no referent id
        w.u32(self.PreferredMaximum)

    @classmethod
    def read(cls, r: Reader) -> R_DhcpEnumSubnets:
        return cls(ServerIpAddress=r.unique_string(), ResumeHandle=r.u32(), PreferredMaximum=r.u32())


@dataclass(frozen=True, slots=True, kw_only=True)
class R_DhcpSetClientInfo(Call[StatusReply]):
    """R_DhcpSetClientInfo, opnum 17 (MS-DHCPM 3.1.4.18). A NULL name or comment is left as it is."""

    INTERFACE = DHCPSRV
    OPNUM = 17
    WRITES = True
    Reply = StatusReply

    ServerIpAddress: str | None = None
    ClientInfo: DHCP_CLIENT_INFO

    def write(self, w: Writer) -> None:
        w.unique_string(self.ServerIpAddress)
        self.ClientInfo.write(w)

    @classmethod
    def read(cls, r: Reader) -> R_DhcpSetClientInfo:
        return cls(ServerIpAddress=r.unique_string(), ClientInfo=DHCP_CLIENT_INFO.read(r))


@dataclass(frozen=True, slots=True, kw_only=True)
class R_DhcpDeleteClientInfo(Call[StatusReply]):
    """R_DhcpDeleteClientInfo, opnum 19 (MS-DHCPM 3.1.4.20)."""

    INTERFACE = DHCPSRV
    OPNUM = 19
    WRITES = True
    Reply = StatusReply

    ServerIpAddress: str | None = None
    ClientInfo: DHCP_SEARCH_INFO

    def write(self, w: Writer) -> None:
        w.unique_string(self.ServerIpAddress)
        self.ClientInfo.write(w)

    @classmethod
    def read(cls, r: Reader) -> R_DhcpDeleteClientInfo:
        return cls(ServerIpAddress=r.unique_string(), ClientInfo=DHCP_SEARCH_INFO.read(r))


@dataclass(frozen=True, slots=True, kw_only=True)
class R_DhcpGetVersion(Call[VersionReply]):
    """R_DhcpGetVersion, opnum 28 (MS-DHCPM 3.1.4.29)."""

    INTERFACE = DHCPSRV
    OPNUM = 28
    Reply = VersionReply

    ServerIpAddress: str | None = None

    def write(self, w: Writer) -> None:
        w.unique_string(self.ServerIpAddress)

    @classmethod
    def read(cls, r: Reader) -> R_DhcpGetVersion:
        return cls(ServerIpAddress=r.unique_string())


@dataclass(frozen=True, slots=True, kw_only=True)
class R_DhcpCreateClientInfoVQ(Call[StatusReply]):
    """R_DhcpCreateClientInfoVQ, opnum 44 (MS-DHCPM 3.1.4.45)."""

    INTERFACE = DHCPSRV
    OPNUM = 44
    WRITES = True
    Reply = StatusReply

    ServerIpAddress: str | None = None
    ClientInfo: DHCP_CLIENT_INFO_VQ

    def write(self, w: Writer) -> None:
        w.unique_string(self.ServerIpAddress)
        self.ClientInfo.write(w)

    @classmethod
    def read(cls, r: Reader) -> R_DhcpCreateClientInfoVQ:
        return cls(ServerIpAddress=r.unique_string(), ClientInfo=DHCP_CLIENT_INFO_VQ.read(r))


@dataclass(frozen=True, slots=True, kw_only=True)
class R_DhcpSetClientInfoVQ(Call[StatusReply]):
    """R_DhcpSetClientInfoVQ, opnum 45 (MS-DHCPM 3.1.4.46)."""

    INTERFACE = DHCPSRV
    OPNUM = 45
    WRITES = True
    Reply = StatusReply

    ServerIpAddress: str | None = None
    ClientInfo: DHCP_CLIENT_INFO_VQ

    def write(self, w: Writer) -> None:
        w.unique_string(self.ServerIpAddress)
        self.ClientInfo.write(w)

    @classmethod
    def read(cls, r: Reader) -> R_DhcpSetClientInfoVQ:
        return cls(ServerIpAddress=r.unique_string(), ClientInfo=DHCP_CLIENT_INFO_VQ.read(r))


@dataclass(frozen=True, slots=True, kw_only=True)
class R_DhcpGetClientInfoVQ(Call[ClientInfoReply]):
    """R_DhcpGetClientInfoVQ, opnum 46 (MS-DHCPM 3.1.4.47)."""

    INTERFACE = DHCPSRV
    OPNUM = 46
    Reply = ClientInfoReply

    ServerIpAddress: str | None = None
    SearchInfo: DHCP_SEARCH_INFO

    def write(self, w: Writer) -> None:
        w.unique_string(self.ServerIpAddress)
        self.SearchInfo.write(w)

    @classmethod
    def read(cls, r: Reader) -> R_DhcpGetClientInfoVQ:
        return cls(ServerIpAddress=r.unique_string(), SearchInfo=DHCP_SEARCH_INFO.read(r))


@dataclass(frozen=True, slots=True, kw_only=True)
class R_DhcpEnumSubnetClientsVQ(Call[EnumClientsReply]):
    """R_DhcpEnumSubnetClientsVQ, opnum 47 (MS-DHCPM 3.1.4.48)."""

    INTERFACE = DHCPSRV
    OPNUM = 47
    Reply = EnumClientsReply

    ServerIpAddress: str | None = None
    SubnetAddress: int
    ResumeHandle: int = 0
    PreferredMaximum: int

    def write(self, w: Writer) -> None:
        w.unique_string(self.ServerIpAddress)
        w.u32(self.SubnetAddress)
        w.u32(self.ResumeHandle)  # top-level reference pointer: no referent id
        w.u32(self.PreferredMaximum)

    @classmethod
    def read(cls, r: Reader) -> R_DhcpEnumSubnetClientsVQ:
        return cls(
            ServerIpAddress=r.unique_string(),
            SubnetAddress=r.u32(),
            ResumeHandle=r.u32(),
            PreferredMaximum=r.u32(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class R_DhcpAddSubnetElementV5(Call[StatusReply]):
    """R_DhcpAddSubnetElementV5, opnum 37 (MS-DHCPM 3.2.4.38)."""

    INTERFACE = DHCPSRV2
    OPNUM = 37
    WRITES = True
    Reply = StatusReply

    ServerIpAddress: str | None = None
    SubnetAddress: int
    AddElementInfo: DHCP_SUBNET_ELEMENT_DATA_V5

    def write(self, w: Writer) -> None:
        w.unique_string(self.ServerIpAddress)
        w.u32(self.SubnetAddress)
        self.AddElementInfo.write(w)
        self.AddElementInfo.write_referents(w)

    @classmethod
    def read(cls, r: Reader) -> R_DhcpAddSubnetElementV5:
        return cls(
            ServerIpAddress=r.unique_string(),
            SubnetAddress=r.u32(),
            AddElementInfo=DHCP_SUBNET_ELEMENT_DATA_V5.read(r),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class R_DhcpEnumSubnetElementsV5(Call[EnumElementsReply]):
    """R_DhcpEnumSubnetElementsV5, opnum 38 (MS-DHCPM 3.2.4.39)."""

    INTERFACE = DHCPSRV2
    OPNUM = 38
    Reply = EnumElementsReply

    ServerIpAddress: str | None = None
    SubnetAddress: int
    EnumElementType: int
    ResumeHandle: int = 0
    PreferredMaximum: int = EVERYTHING

    def write(self, w: Writer) -> None:
        w.unique_string(self.ServerIpAddress)
        w.u32(self.SubnetAddress)
        w.u16(self.EnumElementType)
        w.u32(self.ResumeHandle)  # top-level reference pointer: no referent id
        w.u32(self.PreferredMaximum)

    @classmethod
    def read(cls, r: Reader) -> R_DhcpEnumSubnetElementsV5:
        return cls(
            ServerIpAddress=r.unique_string(),
            SubnetAddress=r.u32(),
            EnumElementType=r.u16(),
            ResumeHandle=r.u32(),
            PreferredMaximum=r.u32(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class R_DhcpRemoveSubnetElementV5(Call[StatusReply]):
    """R_DhcpRemoveSubnetElementV5, opnum 39 (MS-DHCPM 3.2.4.40)."""

    INTERFACE = DHCPSRV2
    OPNUM = 39
    WRITES = True
    Reply = StatusReply

    ServerIpAddress: str | None = None
    SubnetAddress: int
    RemoveElementInfo: DHCP_SUBNET_ELEMENT_DATA_V5
    ForceFlag: int = NO_FORCE

    def write(self, w: Writer) -> None:
        w.unique_string(self.ServerIpAddress)
        w.u32(self.SubnetAddress)
        self.RemoveElementInfo.write(w)
        self.RemoveElementInfo.write_referents(w)
        w.u16(self.ForceFlag)

    @classmethod
    def read(cls, r: Reader) -> R_DhcpRemoveSubnetElementV5:
        return cls(
            ServerIpAddress=r.unique_string(),
            SubnetAddress=r.u32(),
            RemoveElementInfo=DHCP_SUBNET_ELEMENT_DATA_V5.read(r),
            ForceFlag=r.u16(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class R_DhcpV4GetFreeIPAddress(Call[FreeAddressesReply]):
    """R_DhcpV4GetFreeIPAddress, opnum 120 (MS-DHCPM 3.2.4.121), from Windows Server 2012 on.

    ``startIP`` and ``endIP`` 0 are the ends of the scope's ranges. A reply may carry addresses and a status both.
    """

    INTERFACE = DHCPSRV2
    OPNUM = 120
    Reply = FreeAddressesReply

    ServerIpAddress: str | None = None
    ScopeId: int
    startIP: int = 0
    endIP: int = 0
    numFreeAddr: int

    def write(self, w: Writer) -> None:
        w.unique_string(self.ServerIpAddress)
        w.u32(self.ScopeId)
        w.u32(self.startIP)
        w.u32(self.endIP)
        w.u32(self.numFreeAddr)

    @classmethod
    def read(cls, r: Reader) -> R_DhcpV4GetFreeIPAddress:
        return cls(
            ServerIpAddress=r.unique_string(),
            ScopeId=r.u32(),
            startIP=r.u32(),
            endIP=r.u32(),
            numFreeAddr=r.u32(),
        )
