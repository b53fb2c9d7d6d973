# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The calls around option values against octets derived by hand from the IDL (MS-DHCPM 6), and against impacket.

impacket only lends its NDR engine; the definitions below are made from the IDL too. Its engine aligns a union by its
tag alone (a comment in its source says that this is wrong), so the structures with a union name their alignment:
that of the largest arm (C706 14.3.2).
"""

from __future__ import annotations

import struct
from typing import Any

import pytest
from impacket.dcerpc.v5.dtypes import BYTE, DWORD, LPWSTR, ULONG, WORD
from impacket.dcerpc.v5.ndr import NDRCALL, NDRPOINTER, NDRSTRUCT, NDRUNION, NULL, NDRUniConformantArray

from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc import calls
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.option_calls import (
    OPTION_DEFAULT,
    OPTION_IS_VENDOR,
    AllOptionValuesReply,
    R_DhcpGetAllOptionValues,
    R_DhcpSetOptionValuesV5,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.option_structs import (
    DHCP_ALL_OPTION_VALUES,
    DHCP_CLASS_OPTION_VALUES,
    DHCP_OPTION_DATA,
    DHCP_OPTION_DATA_ELEMENT,
    DHCP_OPTION_SCOPE_INFO,
    DHCP_OPTION_VALUE,
    DHCP_OPTION_VALUE_ARRAY,
    DHCP_RESERVED_SCOPE,
    SCOPE_GLOBAL,
    SCOPE_MSCOPE,
    SCOPE_RESERVED,
    SCOPE_SUBNET,
)
from ansible_collections.msrpc.dhcp.tests.conformance.octets import Octets

RESERVATION = DHCP_OPTION_SCOPE_INFO(
    ScopeType=SCOPE_RESERVED,
    ScopeInfo=DHCP_RESERVED_SCOPE(ReservedIpAddress=0x0A000014, ReservedIpSubnetAddress=0x0A000000),
)


def value(option: int, *elements: tuple[int, int | str | bytes | None]) -> DHCP_OPTION_VALUE:
    return DHCP_OPTION_VALUE(
        OptionID=option,
        Value=DHCP_OPTION_DATA(
            Elements=tuple(DHCP_OPTION_DATA_ELEMENT(OptionType=kind, Element=item) for kind, item in elements)
        ),
    )


def array(*values: DHCP_OPTION_VALUE) -> DHCP_OPTION_VALUE_ARRAY:
    return DHCP_OPTION_VALUE_ARRAY(Values=values)


SET_TWO = (
    R_DhcpSetOptionValuesV5(
        Flags=OPTION_DEFAULT,
        ClassName=None,
        VendorName=None,
        ScopeInfo=RESERVATION,
        OptionValues=array(value(66, (5, "boot")), value(6, (4, 0x0A000001), (4, 0x0A000002))),
    ),
    Octets(
        ("00000000", "ServerIpAddress, unique: NULL"),
        ("00000000", "Flags: default vendor class"),
        ("00000000", "ClassName, unique: NULL"),
        ("00000000", "VendorName, unique: NULL"),
        (
            "0300 0300",
            "ScopeInfo, reference pointer, nothing on the wire; ScopeType DhcpReservedOptions, tag of the union",
        ),
        ("1400000a", "ReservedIpAddress 10.0.0.20"),
        ("0000000a", "ReservedIpSubnetAddress 10.0.0.0"),
        ("02000000 ref", "OptionValues, reference pointer; NumElements, Values"),
        ("02000000", "maximum count of Values"),
        ("42000000 01000000 ref", "OptionID 66, NumElements, Elements"),
        ("06000000 02000000 ref", "OptionID 6, NumElements, Elements"),
        ("01000000", "maximum count of option 66's Elements"),
        ("0500 0500 ref", "OptionType DhcpStringDataOption, tag, StringDataOption"),
        ("05000000 00000000 05000000", "maximum count, offset, actual count, in code units"),
        ("6200 6f00 6f00 7400 0000", "boot"),
        (".. ..", "to the multiple of 4"),
        ("02000000", "maximum count of option 6's Elements"),
        ("0400 0400 0100000a", "OptionType DhcpIpAddressOption, tag, 10.0.0.1"),
        ("0400 0400 0200000a", "OptionType DhcpIpAddressOption, tag, 10.0.0.2"),
    ),
)

SET_EVERY_TYPE = (
    R_DhcpSetOptionValuesV5(
        Flags=OPTION_IS_VENDOR,
        ClassName="Lab",
        VendorName="Acme",
        ScopeInfo=RESERVATION,
        OptionValues=array(
            value(
                1,
                (0, 0x7F),
                (1, 0x1234),
                (2, 0x89ABCDEF),
                (3, 0x0102030405060708),
                (4, 0xC0000201),
                (5, None),
                (6, b"\x01\x02\x03"),
                (7, b""),
                (8, "2001:db8::1"),
            )
        ),
    ),
    Octets(
        ("00000000", "ServerIpAddress: NULL"),
        ("03000000", "Flags: DHCP_FLAGS_OPTION_IS_VENDOR"),
        ("ref 04000000 00000000 04000000", "ClassName: pointer, maximum count, offset, actual count"),
        ("4c00 6100 6200 0000", "Lab"),
        ("ref 05000000 00000000 05000000", "VendorName: pointer, maximum count, offset, actual count"),
        ("4100 6300 6d00 6500 0000 .. ..", "Acme, to the multiple of 4"),
        ("0300 0300 1400000a 0000000a", "ScopeInfo: the reservation"),
        ("01000000 ref", "NumElements, Values"),
        ("01000000", "maximum count of Values"),
        ("01000000 09000000 ref", "OptionID 1, NumElements, Elements"),
        ("09000000", "maximum count of Elements; their fixed parts come first"),
        ("0000 0000 7f .. .. ..", "DhcpByteOption, tag, BYTE; each structure begins at a multiple of 4"),
        ("0100 0100 3412 .. ..", "DhcpWordOption, tag, WORD"),
        ("0200 0200 efcdab89", "DhcpDWordOption, tag, DWORD"),
        ("0300 0300 04030201 08070605", "DhcpDWordDWordOption, tag, DWord1 (the upper half), DWord2"),
        ("0400 0400 010200c0", "DhcpIpAddressOption, tag, 192.0.2.1"),
        ("0500 0500 00000000", "DhcpStringDataOption, tag, NULL"),
        ("0600 0600 03000000 ref", "DhcpBinaryDataOption, tag, DataLength, Data"),
        ("0700 0700 00000000 ref", "DhcpEncapsulatedDataOption, tag, DataLength, Data: an empty array, not NULL"),
        ("0800 0800 ref", "DhcpIpv6AddressOption, tag, Ipv6AddressDataOption"),
        ("03000000 010203 ..", "maximum count and octets of the binary data"),
        ("00000000", "maximum count of the encapsulated data"),
        ("0c000000 00000000 0c000000", "maximum count, offset, actual count"),
        ("3200 3000 3000 3100 3a00 6400 6200 3800 3a00 3a00 3100 0000", "2001:db8::1"),
    ),
)

SET_NULL_VALUES = (
    R_DhcpSetOptionValuesV5(
        Flags=0,
        ClassName=None,
        VendorName=None,
        ScopeInfo=RESERVATION,
        OptionValues=DHCP_OPTION_VALUE_ARRAY(Values=None),
    ),
    Octets(
        ("00000000 00000000 00000000 00000000", "ServerIpAddress, Flags, ClassName, VendorName"),
        ("0300 0300 1400000a 0000000a", "ScopeInfo: the reservation"),
        ("00000000 00000000", "NumElements, Values: NULL"),
    ),
)

SET_NULL_ELEMENTS = (
    R_DhcpSetOptionValuesV5(
        Flags=0,
        ClassName="",
        VendorName=None,
        ScopeInfo=RESERVATION,
        OptionValues=array(DHCP_OPTION_VALUE(OptionID=66, Value=DHCP_OPTION_DATA(Elements=None)), value(67)),
    ),
    Octets(
        ("00000000 00000000", "ServerIpAddress, Flags"),
        ("ref 01000000 00000000 01000000 0000 .. ..", "ClassName: an empty string is its NUL"),
        ("00000000", "VendorName"),
        ("0300 0300 1400000a 0000000a", "ScopeInfo: the reservation"),
        ("02000000 ref 02000000", "NumElements, Values, maximum count"),
        ("42000000 00000000 00000000", "OptionID 66, NumElements, Elements: NULL"),
        ("43000000 00000000 ref", "OptionID 67, NumElements, Elements: an empty array"),
        ("00000000", "maximum count of option 67's Elements"),
    ),
)

GET = (
    R_DhcpGetAllOptionValues(ScopeInfo=RESERVATION),
    Octets(
        ("00000000", "ServerIpAddress, unique: NULL"),
        ("00000000", "Flags"),
        ("0300 0300", "ScopeInfo, reference pointer; ScopeType DhcpReservedOptions, tag of the union"),
        ("1400000a 0000000a", "ReservedIpAddress 10.0.0.20, ReservedIpSubnetAddress 10.0.0.0"),
    ),
)

GET_OF_SUBNET = (
    R_DhcpGetAllOptionValues(
        ServerIpAddress="a", ScopeInfo=DHCP_OPTION_SCOPE_INFO(ScopeType=SCOPE_SUBNET, ScopeInfo=0x0A000000)
    ),
    Octets(
        ("ref 02000000 00000000 02000000 6100 0000", "ServerIpAddress"),
        ("00000000", "Flags"),
        ("0200 0200 0000000a", "DhcpSubnetOptions, tag, SubnetScopeInfo 10.0.0.0"),
    ),
)

GET_OF_MSCOPE = (
    R_DhcpGetAllOptionValues(ScopeInfo=DHCP_OPTION_SCOPE_INFO(ScopeType=SCOPE_MSCOPE, ScopeInfo="m")),
    Octets(
        ("00000000 00000000", "ServerIpAddress, Flags"),
        ("0400 0400 ref", "DhcpMScopeOptions, tag, MScopeInfo"),
        ("02000000 00000000 02000000 6d00 0000", "m"),
    ),
)

GET_OF_SERVER = (
    R_DhcpGetAllOptionValues(ScopeInfo=DHCP_OPTION_SCOPE_INFO(ScopeType=SCOPE_GLOBAL)),
    Octets(
        ("00000000 00000000", "ServerIpAddress, Flags"),
        ("0100 0100", "DhcpGlobalOptions, tag; this arm of the union is empty"),
    ),
)

VALUES = (
    AllOptionValuesReply(
        Values=DHCP_ALL_OPTION_VALUES(
            Options=(
                DHCP_CLASS_OPTION_VALUES(
                    ClassName=None, VendorName=None, IsVendor=False, OptionsArray=array(value(81, (2, 0x17)))
                ),
                DHCP_CLASS_OPTION_VALUES(
                    ClassName=None,
                    VendorName=None,
                    IsVendor=True,
                    OptionsArray=DHCP_OPTION_VALUE_ARRAY(Values=None),
                ),
                DHCP_CLASS_OPTION_VALUES(
                    ClassName="Lab", VendorName="Acme", IsVendor=True, OptionsArray=array(value(257, (0, 0x7F)))
                ),
                DHCP_CLASS_OPTION_VALUES(ClassName=None, VendorName="", IsVendor=True, OptionsArray=None),
            )
        ),
        Return=0,
    ),
    Octets(
        ("ref", "Values: the pointer that the reference pointer points to"),
        ("00000000 04000000 ref", "Flags, NumElements, Options"),
        ("04000000", "maximum count of Options; their fixed parts come first"),
        ("00000000 00000000 00000000 ref", "ClassName, VendorName, IsVendor, OptionsArray"),
        ("00000000 00000000 01000000 ref", "the same of the second"),
        ("ref ref 01000000 ref", "the same of the third"),
        ("00000000 ref 01000000 00000000", "the same of the fourth"),
        ("01000000 ref", "the first's OptionsArray: NumElements, Values"),
        ("01000000", "maximum count of Values"),
        ("51000000 01000000 ref", "OptionID 81, NumElements, Elements"),
        ("01000000 0200 0200 17000000", "maximum count of Elements; DhcpDWordOption, tag, DWORD"),
        ("00000000 00000000", "the second's OptionsArray: NumElements, Values: NULL"),
        ("04000000 00000000 04000000 4c00 6100 6200 0000", "the third's ClassName: Lab"),
        ("05000000 00000000 05000000 4100 6300 6d00 6500 0000 .. ..", "the third's VendorName: Acme"),
        ("01000000 ref", "the third's OptionsArray: NumElements, Values"),
        ("01000000", "maximum count of Values"),
        ("01010000 01000000 ref", "OptionID 257, NumElements, Elements"),
        ("01000000 0000 0000 7f", "maximum count of Elements; DhcpByteOption, tag, BYTE"),
        (".. .. ..", "to the multiple of 4"),
        ("01000000 00000000 01000000 0000 .. ..", "the fourth's VendorName: an empty string"),
        ("00000000", "Return"),
    ),
)

NO_VALUES = (
    AllOptionValuesReply(Values=DHCP_ALL_OPTION_VALUES(Options=None), Return=0),
    Octets(
        ("ref", "Values"),
        ("00000000 00000000 00000000", "Flags, NumElements, Options: NULL"),
        ("00000000", "Return"),
    ),
)

REFUSED = (
    AllOptionValuesReply(Values=None, Return=20018),
    Octets(("00000000", "Values: NULL"), ("324e0000", "Return")),
)

REQUESTS = {
    "set two": SET_TWO,
    "set every type": SET_EVERY_TYPE,
    "set null values": SET_NULL_VALUES,
    "set null elements": SET_NULL_ELEMENTS,
    "get": GET,
    "get of subnet": GET_OF_SUBNET,
    "get of mscope": GET_OF_MSCOPE,
    "get of server": GET_OF_SERVER,
}
REPLIES = {"values": VALUES, "no values": NO_VALUES, "refused": REFUSED}
CASES = {**REQUESTS, **REPLIES}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Any:
    return CASES[request.param]


def test_values_pack_to_the_octets(case: tuple[calls.Packable, Octets]) -> None:
    packed, octets = case
    assert octets.masked(packed.pack()) == octets.masked()


def test_octets_unpack_to_the_values(case: tuple[calls.Packable, Octets]) -> None:
    packed, octets = case
    assert type(packed).unpack(octets.stub) == packed


# --- impacket's engine ------------------------------------------------------------------------------------------------


class ByteArray(NDRUniConformantArray):
    item: Any = "c"


class ByteArrayPointer(NDRPOINTER):
    referent: Any = (("Data", ByteArray),)


class Binary(NDRSTRUCT):
    structure: Any = (("DataLength", DWORD), ("Octets", ByteArrayPointer))


class DwordDword(NDRSTRUCT):
    structure: Any = (("DWord1", DWORD), ("DWord2", DWORD))


ELEMENT_ARMS = {
    0: ("Value", BYTE),
    1: ("Value", WORD),
    2: ("Value", DWORD),
    3: ("Value", DwordDword),
    4: ("Value", DWORD),
    5: ("Value", LPWSTR),
    6: ("Value", Binary),
    7: ("Value", Binary),
    8: ("Value", LPWSTR),
}


class ElementUnion(NDRUNION):
    union: Any = ELEMENT_ARMS


class Element(NDRSTRUCT):
    structure: Any = (("OptionType", WORD), ("Element", ElementUnion))

    def getAlignment(self) -> int:  # noqa: N802
        return 4


class ElementArray(NDRUniConformantArray):
    item: Any = Element


class ElementArrayPointer(NDRPOINTER):
    referent: Any = (("Data", ElementArray),)


class OptionValue(NDRSTRUCT):
    structure: Any = (("OptionID", DWORD), ("NumElements", DWORD), ("Elements", ElementArrayPointer))


class ValueArray(NDRUniConformantArray):
    item: Any = OptionValue


class ValueArrayPointer(NDRPOINTER):
    referent: Any = (("Data", ValueArray),)


class Values(NDRSTRUCT):
    structure: Any = (("NumElements", DWORD), ("Values", ValueArrayPointer))


class ValuesPointer(NDRPOINTER):
    referent: Any = (("Data", Values),)


class OfClass(NDRSTRUCT):
    structure: Any = (
        ("ClassName", LPWSTR),
        ("VendorName", LPWSTR),
        ("IsVendor", DWORD),
        ("OptionsArray", ValuesPointer),
    )


class OfClassArray(NDRUniConformantArray):
    item: Any = OfClass


class OfClassArrayPointer(NDRPOINTER):
    referent: Any = (("Data", OfClassArray),)


class AllValues(NDRSTRUCT):
    structure: Any = (("Flags", DWORD), ("NumElements", DWORD), ("Options", OfClassArrayPointer))


class AllValuesPointer(NDRPOINTER):
    referent: Any = (("Data", AllValues),)


class ReservedScope(NDRSTRUCT):
    structure: Any = (("ReservedIpAddress", DWORD), ("ReservedIpSubnetAddress", DWORD))


SCOPE_ARMS = {2: ("Value", DWORD), 3: ("Value", ReservedScope), 4: ("Value", LPWSTR)}


class ScopeUnion(NDRUNION):
    union: Any = SCOPE_ARMS


class ScopeInfo(NDRSTRUCT):
    structure: Any = (("ScopeType", WORD), ("ScopeInfo", ScopeUnion))

    def getAlignment(self) -> int:  # noqa: N802
        return 4


class SetOptionValues(NDRCALL):
    structure: Any = (
        ("ServerIpAddress", LPWSTR),
        ("Flags", DWORD),
        ("ClassName", LPWSTR),
        ("VendorName", LPWSTR),
        ("ScopeInfo", ScopeInfo),
        ("OptionValues", Values),
    )


class GetAllOptionValues(NDRCALL):
    structure: Any = (("ServerIpAddress", LPWSTR), ("Flags", DWORD), ("ScopeInfo", ScopeInfo))


class GetAllOptionValuesReply(NDRCALL):
    structure: Any = (("Values", AllValuesPointer), ("ErrorCode", ULONG))


def new(kind: Any) -> Any:
    """An instance of a class that carries no annotations."""
    return kind()


def text(string: str | None) -> Any:
    return NULL if string is None else string + "\0"


def fill_values(theirs: Any, ours: DHCP_OPTION_VALUE_ARRAY) -> None:
    theirs["NumElements"] = len(ours.Values or ())
    if ours.Values is None:
        theirs["Values"] = NULL
        return
    theirs["Values"] = theirs["Values"]  # not NULL, even if empty
    for each in ours.Values:
        option = new(OptionValue)
        option["OptionID"] = each.OptionID
        option["NumElements"] = len(each.Value.Elements or ())
        if each.Value.Elements is None:
            option["Elements"] = NULL
        for item in each.Value.Elements or ():
            option["Elements"].append(element_of(item))
        theirs["Values"].append(option)


def element_of(ours: DHCP_OPTION_DATA_ELEMENT) -> Any:
    theirs = new(Element)
    theirs["OptionType"] = ours.OptionType
    theirs["Element"]["tag"] = ours.OptionType
    union = theirs["Element"]
    if ours.OptionType == 3 and isinstance(ours.Element, int):
        union["Value"]["DWord1"] = ours.Element >> 32
        union["Value"]["DWord2"] = ours.Element & 0xFFFFFFFF
    elif ours.OptionType in (6, 7) and isinstance(ours.Element, bytes):
        union["Value"]["DataLength"] = len(ours.Element)
        union["Value"]["Octets"] = list(struct.unpack(f"{len(ours.Element)}c", ours.Element))
    elif ours.OptionType in (5, 8):
        union["Value"] = text(ours.Element if isinstance(ours.Element, str) else None)
    else:
        union["Value"] = ours.Element
    return theirs


def fill_place(theirs: Any, ours: DHCP_OPTION_SCOPE_INFO) -> None:
    theirs["ScopeType"] = ours.ScopeType
    theirs["ScopeInfo"]["tag"] = ours.ScopeType
    if isinstance(ours.ScopeInfo, DHCP_RESERVED_SCOPE):
        theirs["ScopeInfo"]["Value"]["ReservedIpAddress"] = ours.ScopeInfo.ReservedIpAddress
        theirs["ScopeInfo"]["Value"]["ReservedIpSubnetAddress"] = ours.ScopeInfo.ReservedIpSubnetAddress
    else:
        theirs["ScopeInfo"]["Value"] = text(ours.ScopeInfo) if isinstance(ours.ScopeInfo, str) else ours.ScopeInfo


def impackets(ours: Any) -> Any:
    """The same value as impacket's engine has it."""
    theirs: Any
    if isinstance(ours, AllOptionValuesReply):
        theirs = new(GetAllOptionValuesReply)
        theirs["ErrorCode"] = ours.Return
        if ours.Values is None:
            theirs["Values"] = NULL
            return theirs
        theirs["Values"]["Flags"] = ours.Values.Flags
        theirs["Values"]["NumElements"] = len(ours.Values.Options or ())
        if ours.Values.Options is None:
            theirs["Values"]["Options"] = NULL
        for each in ours.Values.Options or ():
            of_class = new(OfClass)
            of_class["ClassName"] = text(each.ClassName)
            of_class["VendorName"] = text(each.VendorName)
            of_class["IsVendor"] = int(each.IsVendor)
            if each.OptionsArray is None:
                of_class["OptionsArray"] = NULL
            else:
                fill_values(of_class["OptionsArray"], each.OptionsArray)
            theirs["Values"]["Options"].append(of_class)
        return theirs
    theirs = new(GetAllOptionValues if isinstance(ours, R_DhcpGetAllOptionValues) else SetOptionValues)
    theirs["ServerIpAddress"] = text(ours.ServerIpAddress)
    theirs["Flags"] = ours.Flags
    fill_place(theirs["ScopeInfo"], ours.ScopeInfo)
    if isinstance(ours, R_DhcpSetOptionValuesV5):
        theirs["ClassName"] = text(ours.ClassName)
        theirs["VendorName"] = text(ours.VendorName)
        fill_values(theirs["OptionValues"], ours.OptionValues)
    return theirs


# An empty arm of a union, a string of no characters and an array of no elements are beyond impacket's engine.
BEYOND_IMPACKET = {"get of server", "set null elements"}


@pytest.fixture(params=[name for name in CASES if name not in BEYOND_IMPACKET])
def shared_case(request: pytest.FixtureRequest) -> Any:
    return CASES[request.param]


def test_impacket_packs_the_same_octets(shared_case: tuple[Any, Octets]) -> None:
    packed, octets = shared_case
    assert octets.masked(impackets(packed).getData()) == octets.masked()


def test_impacket_reads_our_octets_as_the_same_value(shared_case: tuple[Any, Octets]) -> None:
    packed, octets = shared_case
    theirs = type(impackets(packed))(packed.pack())
    assert octets.masked(theirs.getData()) == octets.masked()


def test_we_read_impackets_octets(shared_case: tuple[Any, Octets]) -> None:
    packed, _octets = shared_case
    assert type(packed).unpack(impackets(packed).getData()) == packed
