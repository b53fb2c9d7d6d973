# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""R_DhcpSetClientInfo, opnum 17, which has no vector: its octets as the IDL has them, derived by hand.

DHCP_CLIENT_INFO is in MS-DHCPM 2.2.1.2.12, the call in 3.1.4.18, the IDL of both in section 6. NDR is C706 chapter 14:
a ``[unique]`` pointer is a referent id (any number but 0), a ``[ref]`` pointer at the top level nothing at all, and
what a structure's pointers point to follows behind the structure, in the order of the pointers. impacket's NDR engine,
with definitions of its own, is the second opinion.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from impacket.dcerpc.v5.dtypes import DWORD, LPWSTR, ULONG
from impacket.dcerpc.v5.ndr import NDRCALL, NDRPOINTER, NDRSTRUCT, NULL, NDRUniConformantArray

from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc import calls, structs
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.interfaces import DHCPSRV

# In the rows "*" is a referent id: four octets, free but for not being 0. "-" is an octet of padding, free as well.
CASES: dict[str, tuple[str, calls.R_DhcpSetClientInfo]] = {
    "name and comment NULL": (
        """
        00000000            ServerIpAddress: [unique, string] wchar_t *, NULL
        1400000a            ClientIpAddress: DWORD, 10.0.0.20
        00ffffff            SubnetMask: DWORD, 255.255.255.0
        06000000            ClientHardwareAddress.DataLength
        *                   ClientHardwareAddress.Data: pointer
        00000000            ClientName: NULL
        00000000            ClientComment: NULL
        ffffffff            ClientLeaseExpires.dwLowDateTime
        ffffff7f            ClientLeaseExpires.dwHighDateTime: never
        00000000            OwnerHost.IpAddress
        00000000            OwnerHost.NetBiosName: NULL
        00000000            OwnerHost.HostName: NULL
        06000000            size_is(DataLength): maximum count of the conformant array
        001c2580a043        its octets
        """,
        calls.R_DhcpSetClientInfo(
            ClientInfo=structs.DHCP_CLIENT_INFO(
                ClientIpAddress=0x0A000014,
                SubnetMask=0xFFFFFF00,
                ClientHardwareAddress=bytes.fromhex("001c2580a043"),
                ClientName=None,
                ClientComment=None,
                ClientLeaseExpires=0x7FFFFFFFFFFFFFFF,
                OwnerHost=structs.DHCP_HOST_INFO(),
            )
        ),
    ),
    "name and comment given": (
        """
        00000000            ServerIpAddress: NULL
        0114a8c0            ClientIpAddress: 192.168.20.1
        0000ffff            SubnetMask: 255.255.0.0
        06000000            DataLength
        *                   Data
        *                   ClientName
        *                   ClientComment
        00000000            dwLowDateTime
        00000000            dwHighDateTime: no expiry
        00000000            OwnerHost.IpAddress
        00000000            OwnerHost.NetBiosName: NULL
        00000000            OwnerHost.HostName: NULL
        06000000            Data: maximum count
        001c2580a043        its octets
        --                  the next DWORD begins at a multiple of 4
        04000000            ClientName: maximum count in code units, the NUL included
        00000000            offset
        04000000            actual count
        6100 6200 e400 0000 "ab", a with diaeresis, NUL
        02000000            ClientComment: maximum count
        00000000            offset
        02000000            actual count
        2366 0000           one ideograph, NUL
        """,
        calls.R_DhcpSetClientInfo(
            ClientInfo=structs.DHCP_CLIENT_INFO(
                ClientIpAddress=0xC0A81401,
                SubnetMask=0xFFFF0000,
                ClientHardwareAddress=bytes.fromhex("001c2580a043"),
                ClientName="ab\u00e4",
                ClientComment="\u6623",
                ClientLeaseExpires=0,
                OwnerHost=structs.DHCP_HOST_INFO(),
            )
        ),
    ),
    "name and comment empty": (
        """
        00000000            ServerIpAddress: NULL
        1400000a            ClientIpAddress
        00ffffff            SubnetMask
        08000000            DataLength
        *                   Data
        *                   ClientName: "" is a pointer, and not NULL
        *                   ClientComment
        0080 3ed5           dwLowDateTime
        deb1 9d01           dwHighDateTime: 1970-01-01
        00000000            OwnerHost.IpAddress
        00000000            OwnerHost.NetBiosName: NULL
        00000000            OwnerHost.HostName: NULL
        08000000            Data: maximum count
        0102030405060708    its octets
        01000000            ClientName: maximum count, the NUL alone
        00000000            offset
        01000000            actual count
        0000                NUL
        --                  the next DWORD begins at a multiple of 4
        01000000            ClientComment: maximum count
        00000000            offset
        01000000            actual count
        0000                NUL
        """,
        calls.R_DhcpSetClientInfo(
            ClientInfo=structs.DHCP_CLIENT_INFO(
                ClientIpAddress=0x0A000014,
                SubnetMask=0xFFFFFF00,
                ClientHardwareAddress=bytes.fromhex("0102030405060708"),
                ClientName="",
                ClientComment="",
                ClientLeaseExpires=116444736000000000,
                OwnerHost=structs.DHCP_HOST_INFO(),
            )
        ),
    ),
    "an owner": (
        """
        00000000            ServerIpAddress: NULL
        1400000a            ClientIpAddress
        00000000            SubnetMask
        04000000            DataLength
        *                   Data
        00000000            ClientName: NULL
        *                   ClientComment
        78563412            dwLowDateTime
        f0debc1a            dwHighDateTime
        0100007f            OwnerHost.IpAddress: 127.0.0.1
        *                   OwnerHost.NetBiosName
        *                   OwnerHost.HostName
        04000000            Data: maximum count
        deadbeef            its octets
        02000000            ClientComment: maximum count
        00000000            offset
        02000000            actual count
        6300 0000           "c", NUL
        03000000            NetBiosName: maximum count
        00000000            offset
        03000000            actual count
        4e00 3100 0000      "N1", NUL
        --                  the next DWORD begins at a multiple of 4
        05000000            HostName: maximum count
        00000000            offset
        05000000            actual count
        6e00 3100 2e00 7800 "n1.x"
        0000                NUL
        """,
        calls.R_DhcpSetClientInfo(
            ClientInfo=structs.DHCP_CLIENT_INFO(
                ClientIpAddress=0x0A000014,
                SubnetMask=0,
                ClientHardwareAddress=bytes.fromhex("deadbeef"),
                ClientName=None,
                ClientComment="c",
                ClientLeaseExpires=0x1ABCDEF012345678,
                OwnerHost=structs.DHCP_HOST_INFO(IpAddress=0x7F000001, NetBiosName="N1", HostName="n1.x"),
            )
        ),
    ),
    "an identifier of odd length": (
        """
        00000000            ServerIpAddress: NULL
        feffffff            ClientIpAddress: 255.255.255.254
        00ffffff            SubnetMask
        0b000000            DataLength
        *                   Data
        *                   ClientName
        00000000            ClientComment: NULL
        01000000            dwLowDateTime
        00000000            dwHighDateTime
        00000000            OwnerHost.IpAddress
        00000000            OwnerHost.NetBiosName: NULL
        00000000            OwnerHost.HostName: NULL
        0b000000            Data: maximum count
        0001a8c001001c25    its octets: a client unique id (2.2.1.2.5.2)
        80a043              its last three
        -                   the next DWORD begins at a multiple of 4
        03000000            ClientName: maximum count, a character outside the first plane counts twice
        00000000            offset
        03000000            actual count
        01d8 37dc 0000      high and low surrogate, NUL
        """,
        calls.R_DhcpSetClientInfo(
            ClientInfo=structs.DHCP_CLIENT_INFO(
                ClientIpAddress=0xFFFFFFFE,
                SubnetMask=0xFFFFFF00,
                ClientHardwareAddress=bytes.fromhex("0001a8c001001c2580a043"),
                ClientName="\U00010437",
                ClientComment=None,
                ClientLeaseExpires=1,
                OwnerHost=structs.DHCP_HOST_INFO(),
            )
        ),
    ),
    "a server address": (
        """
        *                   ServerIpAddress: pointer, with its referent at once since it is a parameter
        03000000            maximum count
        00000000            offset
        03000000            actual count
        3a00 3a00 0000      "::", NUL
        --                  the structure begins at a multiple of 4
        1400000a            ClientIpAddress
        00ffffff            SubnetMask
        01000000            DataLength
        *                   Data
        *                   ClientName
        00000000            ClientComment: NULL
        00000000            dwLowDateTime
        00000000            dwHighDateTime
        00000000            OwnerHost.IpAddress
        00000000            OwnerHost.NetBiosName: NULL
        00000000            OwnerHost.HostName: NULL
        01000000            Data: maximum count
        aa                  its octet
        ---                 the next DWORD begins at a multiple of 4
        02000000            ClientName: maximum count
        00000000            offset
        02000000            actual count
        7a00 0000           "z", NUL
        """,
        calls.R_DhcpSetClientInfo(
            ServerIpAddress="::",
            ClientInfo=structs.DHCP_CLIENT_INFO(
                ClientIpAddress=0x0A000014,
                SubnetMask=0xFFFFFF00,
                ClientHardwareAddress=b"\xaa",
                ClientName="z",
                ClientComment=None,
                ClientLeaseExpires=0,
                OwnerHost=structs.DHCP_HOST_INFO(),
            ),
        ),
    ),
}

ROW = re.compile(r"((?:[0-9a-f]{2}| (?! ))+|\*|-+)(?: |$)")
REFERENT, PADDING = "ffffffff", "00"


class Derived:
    """Octets derived by hand, and where the free ones are."""

    def __init__(self, rows: str) -> None:
        self.octets = bytearray()
        self.referents: list[int] = []
        self.padding: list[int] = []
        for row in rows.strip().splitlines():
            found = ROW.match(row.strip())
            assert found, row
            self._take(found.group(1))

    def _take(self, column: str) -> None:
        if column == "*":
            self.referents.append(len(self.octets))
            self.octets += bytes.fromhex(REFERENT)
        elif column.startswith("-"):
            self.padding += range(len(self.octets), len(self.octets) + len(column))
            self.octets += bytes.fromhex(PADDING) * len(column)
        else:
            self.octets += bytes.fromhex(column)

    def masked(self, stub: bytes) -> str:
        """A stub with its free octets as ours are; a NULL in place of a referent id stays one."""
        data = bytearray(stub)
        for where in self.referents:
            if data[where : where + 4] != bytes(4):
                data[where : where + 4] = bytes.fromhex(REFERENT)
        for where in self.padding:
            data[where : where + 1] = bytes.fromhex(PADDING)
        return data.hex(" ", -4)

    def example(self) -> bytes:
        """The octets with referent ids of another kind than ours."""
        data = bytearray(self.octets)
        for number, where in enumerate(self.referents):
            data[where : where + 4] = (0x72657355 + number).to_bytes(4, "big")
        return bytes(data)


@pytest.fixture(params=CASES, ids=str)
def case(request: pytest.FixtureRequest) -> tuple[Derived, calls.R_DhcpSetClientInfo]:
    rows, value = CASES[request.param]
    return Derived(rows), value


def test_values_pack_to_the_octets(case: tuple[Derived, calls.R_DhcpSetClientInfo]) -> None:
    derived, value = case
    assert derived.masked(value.pack()) == derived.octets.hex(" ", -4)


def test_octets_unpack_to_the_values(case: tuple[Derived, calls.R_DhcpSetClientInfo]) -> None:
    derived, value = case
    assert calls.R_DhcpSetClientInfo.unpack(derived.example()) == value


def test_referent_ids_are_unique_within_a_stub(case: tuple[Derived, calls.R_DhcpSetClientInfo]) -> None:
    derived, value = case
    stub = value.pack()
    assert len({stub[where : where + 4] for where in derived.referents}) == len(derived.referents)


def test_the_call_goes_to_dhcpsrv_as_opnum_17() -> None:
    call = calls.R_DhcpSetClientInfo
    assert (call.INTERFACE, call.OPNUM, call.WRITES) == (DHCPSRV, 17, True)


@pytest.mark.parametrize(("stub", "code"), [("00000000", 0), ("05000000", 5), ("2d4e0000", 20013)])
def test_the_reply_is_a_status_alone(stub: str, code: int) -> None:
    assert calls.R_DhcpSetClientInfo.Reply.unpack(bytes.fromhex(stub)) == calls.StatusReply(Return=code)


# --- the second opinion -----------------------------------------------------------------------------------------------


class OctetArray(NDRUniConformantArray):
    item = "c"


class OctetPointer(NDRPOINTER):
    referent: Any = (("Data", OctetArray),)


class ClientUid(NDRSTRUCT):
    structure: Any = (("DataLength", DWORD), ("Octets", OctetPointer))


class DateTime(NDRSTRUCT):
    structure: Any = (("dwLowDateTime", DWORD), ("dwHighDateTime", DWORD))


class HostInfo(NDRSTRUCT):
    structure: Any = (("IpAddress", DWORD), ("NetBiosName", LPWSTR), ("HostName", LPWSTR))


class ClientInfo(NDRSTRUCT):
    structure: Any = (
        ("ClientIpAddress", DWORD),
        ("SubnetMask", DWORD),
        ("ClientHardwareAddress", ClientUid),
        ("ClientName", LPWSTR),
        ("ClientComment", LPWSTR),
        ("ClientLeaseExpires", DateTime),
        ("OwnerHost", HostInfo),
    )


class SetClientInfo(NDRCALL):
    opnum = 17
    structure: Any = (("ServerIpAddress", LPWSTR), ("ClientInfo", ClientInfo))


class SetClientInfoReply(NDRCALL):
    structure: Any = (("ErrorCode", ULONG),)


def made(kind: Any, *stub: bytes) -> Any:
    """A request or reply of impacket's, empty or from octets; its classes carry no annotations."""
    return kind(*stub)


def text(value: str | None) -> Any:
    """impacket's strings bring their NUL along."""
    return NULL if value is None else value + "\0"


def encoded_by_impacket(value: calls.R_DhcpSetClientInfo) -> bytes:
    ours = value.ClientInfo
    uid = ours.ClientHardwareAddress or b""
    request = made(SetClientInfo)
    request["ServerIpAddress"] = text(value.ServerIpAddress)
    info = request["ClientInfo"]
    info["ClientIpAddress"] = ours.ClientIpAddress
    info["SubnetMask"] = ours.SubnetMask
    info["ClientHardwareAddress"]["DataLength"] = len(uid)
    info["ClientHardwareAddress"]["Octets"] = uid
    info["ClientName"] = text(ours.ClientName)
    info["ClientComment"] = text(ours.ClientComment)
    info["ClientLeaseExpires"]["dwLowDateTime"] = ours.ClientLeaseExpires & 0xFFFFFFFF
    info["ClientLeaseExpires"]["dwHighDateTime"] = ours.ClientLeaseExpires >> 32
    info["OwnerHost"]["IpAddress"] = ours.OwnerHost.IpAddress
    info["OwnerHost"]["NetBiosName"] = text(ours.OwnerHost.NetBiosName)
    info["OwnerHost"]["HostName"] = text(ours.OwnerHost.HostName)
    stub: bytes = request.getData()
    return stub


def plain(value: Any) -> str | None:
    """What impacket read: text with its NUL, or the zero that a NULL pointer is."""
    return value.removesuffix("\0") if isinstance(value, str) and value else None


def decoded_by_impacket(stub: bytes) -> calls.R_DhcpSetClientInfo:
    request = made(SetClientInfo, stub)
    info = request["ClientInfo"]
    expires, owner = info["ClientLeaseExpires"], info["OwnerHost"]
    uid = b"".join(info["ClientHardwareAddress"]["Octets"])
    assert len(uid) == info["ClientHardwareAddress"]["DataLength"]
    return calls.R_DhcpSetClientInfo(
        ServerIpAddress=plain(request["ServerIpAddress"]),
        ClientInfo=structs.DHCP_CLIENT_INFO(
            ClientIpAddress=info["ClientIpAddress"],
            SubnetMask=info["SubnetMask"],
            ClientHardwareAddress=uid,
            ClientName=plain(info["ClientName"]),
            ClientComment=plain(info["ClientComment"]),
            ClientLeaseExpires=expires["dwHighDateTime"] << 32 | expires["dwLowDateTime"],
            OwnerHost=structs.DHCP_HOST_INFO(
                IpAddress=owner["IpAddress"],
                NetBiosName=plain(owner["NetBiosName"]),
                HostName=plain(owner["HostName"]),
            ),
        ),
    )


def test_impacket_encodes_the_same_octets(case: tuple[Derived, calls.R_DhcpSetClientInfo]) -> None:
    derived, value = case
    assert derived.masked(encoded_by_impacket(value)) == derived.octets.hex(" ", -4)


def test_impacket_reads_our_octets_as_the_same_values(case: tuple[Derived, calls.R_DhcpSetClientInfo]) -> None:
    _derived, value = case
    assert decoded_by_impacket(value.pack()) == value


def test_we_read_impackets_octets_as_the_same_values(case: tuple[Derived, calls.R_DhcpSetClientInfo]) -> None:
    _derived, value = case
    assert calls.R_DhcpSetClientInfo.unpack(encoded_by_impacket(value)) == value


def test_impacket_reads_our_status() -> None:
    assert made(SetClientInfoReply, calls.StatusReply(Return=20013).pack())["ErrorCode"] == 20013
