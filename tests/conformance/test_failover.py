# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The call around failover against octets derived by hand from the IDL (MS-DHCPM 6), and against impacket's engine."""

from __future__ import annotations

from typing import Any

import pytest
from impacket.dcerpc.v5.dtypes import BYTE, DWORD, LPWSTR, ULONG, WORD
from impacket.dcerpc.v5.ndr import NDRCALL, NDRPOINTER, NDRSTRUCT, NULL, NDRUniConformantArray

from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc import calls
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.failover_calls import (
    R_DhcpV4FailoverGetScopeRelationship,
    ScopeRelationshipReply,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.failover_structs import (
    DHCP_FAILOVER_RELATIONSHIP,
    MODE_HOT_STANDBY,
    SERVER_SECONDARY,
)
from ansible_collections.msrpc.dhcp.tests.conformance.octets import Octets

ASKED = (
    R_DhcpV4FailoverGetScopeRelationship(scopeId=0x0A000000),
    Octets(("00000000", "ServerIpAddress, unique: NULL"), ("0000000a", "scopeId 10.0.0.0")),
)

FOUND = (
    ScopeRelationshipReply(
        pRelationship=DHCP_FAILOVER_RELATIONSHIP(
            primaryServer=0xC0000201,
            secondaryServer=0xC0000202,
            mode=MODE_HOT_STANDBY,
            serverType=SERVER_SECONDARY,
            state=3,
            prevState=4,
            mclt=3600,
            safePeriod=600,
            relationshipName="fo",
            primaryServerName="dhcp1",
            secondaryServerName="dhcp2",
            pScopes=(0x0A000000, 0x0A000100),
            percentage=5,
            pSharedSecret="s3cret",
        ),
        Return=0,
    ),
    Octets(
        ("ref", "pRelationship: the pointer that the reference pointer points to"),
        ("010200c0", "primaryServer 192.0.2.1"),
        ("020200c0", "secondaryServer 192.0.2.2"),
        ("0100 0100", "mode HotStandby, serverType SecondaryServer; enums have 16 bits"),
        ("0300 0400", "state NORMAL, prevState COMMUNICATION_INT"),
        ("100e0000", "mclt 3600"),
        ("58020000", "safePeriod 600"),
        ("ref ref ref", "relationshipName, primaryServerName, secondaryServerName"),
        ("ref", "pScopes"),
        ("05 .. .. ..", "percentage, to the multiple of 4"),
        ("ref", "pSharedSecret"),
        ("03000000 00000000 03000000 6600 6f00 0000 .. ..", "fo: maximum count, offset, actual count, code units"),
        ("06000000 00000000 06000000 6400 6800 6300 7000 3100 0000", "dhcp1"),
        ("06000000 00000000 06000000 6400 6800 6300 7000 3200 0000", "dhcp2"),
        ("02000000 ref", "pScopes: NumElements, Elements"),
        ("02000000 0000000a 0001000a", "maximum count, 10.0.0.0, 10.0.1.0"),
        ("07000000 00000000 07000000 7300 3300 6300 7200 6500 7400 0000 .. ..", "s3cret"),
        ("00000000", "Return"),
    ),
)

BARE = (
    ScopeRelationshipReply(
        pRelationship=DHCP_FAILOVER_RELATIONSHIP(
            primaryServer=1,
            secondaryServer=2,
            mode=0,
            serverType=0,
            state=0,
            prevState=0,
            mclt=0,
            safePeriod=0,
            relationshipName=None,
            primaryServerName=None,
            secondaryServerName=None,
            pScopes=None,
            percentage=255,
            pSharedSecret=None,
        ),
        Return=0,
    ),
    Octets(
        ("ref 01000000 02000000", "pRelationship, primaryServer, secondaryServer"),
        ("0000 0000 0000 0000", "mode, serverType, state, prevState"),
        ("00000000 00000000", "mclt, safePeriod"),
        ("00000000 00000000 00000000 00000000", "three names and pScopes: NULL"),
        ("ff .. .. .. 00000000", "percentage, pSharedSecret: NULL"),
        ("00000000", "Return"),
    ),
)

REFUSED = (
    ScopeRelationshipReply(pRelationship=None, Return=20116),
    Octets(("00000000", "pRelationship: NULL"), ("944e0000", "Return")),
)

CASES = {"asked": ASKED, "found": FOUND, "bare": BARE, "refused": REFUSED}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Any:
    return CASES[request.param]


def test_values_pack_to_the_octets(case: tuple[calls.Packable, Octets]) -> None:
    packed, octets = case
    assert octets.masked(packed.pack()) == octets.masked()


def test_octets_unpack_to_the_values(case: tuple[calls.Packable, Octets]) -> None:
    packed, octets = case
    assert type(packed).unpack(octets.stub) == packed


def test_a_shared_secret_is_not_printed() -> None:
    assert "s3cret" not in repr(FOUND[0])


# --- impacket's engine ------------------------------------------------------------------------------------------------


class AddressArray(NDRUniConformantArray):
    item: Any = DWORD


class AddressArrayPointer(NDRPOINTER):
    referent: Any = (("Data", AddressArray),)


class IpArray(NDRSTRUCT):
    structure: Any = (("NumElements", DWORD), ("Elements", AddressArrayPointer))


class IpArrayPointer(NDRPOINTER):
    referent: Any = (("Data", IpArray),)


class Relationship(NDRSTRUCT):
    structure: Any = (
        ("primaryServer", DWORD),
        ("secondaryServer", DWORD),
        ("mode", WORD),
        ("serverType", WORD),
        ("state", WORD),
        ("prevState", WORD),
        ("mclt", DWORD),
        ("safePeriod", DWORD),
        ("relationshipName", LPWSTR),
        ("primaryServerName", LPWSTR),
        ("secondaryServerName", LPWSTR),
        ("pScopes", IpArrayPointer),
        ("percentage", BYTE),
        ("pSharedSecret", LPWSTR),
    )


class RelationshipPointer(NDRPOINTER):
    referent: Any = (("Data", Relationship),)


class GetScopeRelationship(NDRCALL):
    structure: Any = (("ServerIpAddress", LPWSTR), ("scopeId", DWORD))


class GetScopeRelationshipReply(NDRCALL):
    structure: Any = (("pRelationship", RelationshipPointer), ("ErrorCode", ULONG))


def new(kind: Any) -> Any:
    """An instance of a class that carries no annotations."""
    return kind()


def impackets(ours: Any) -> Any:
    """The same value as impacket's engine has it."""
    theirs: Any
    if isinstance(ours, R_DhcpV4FailoverGetScopeRelationship):
        theirs = new(GetScopeRelationship)
        theirs["ServerIpAddress"] = NULL
        theirs["scopeId"] = ours.scopeId
        return theirs
    theirs = new(GetScopeRelationshipReply)
    theirs["ErrorCode"] = ours.Return
    if ours.pRelationship is None:
        theirs["pRelationship"] = NULL
        return theirs
    for name, kind in Relationship.structure:
        item = getattr(ours.pRelationship, name)
        if name == "pScopes" and item is not None:
            theirs["pRelationship"][name]["NumElements"] = len(item)
            for address in item:
                number = new(DWORD)
                number["Data"] = address
                theirs["pRelationship"][name]["Elements"].append(number)
        elif item is None:
            theirs["pRelationship"][name] = NULL
        else:
            theirs["pRelationship"][name] = item + "\0" if kind is LPWSTR else item
    return theirs


def test_impacket_packs_the_same_octets(case: tuple[Any, Octets]) -> None:
    packed, octets = case
    assert octets.masked(impackets(packed).getData()) == octets.masked()


def test_impacket_reads_our_octets_as_the_same_value(case: tuple[Any, Octets]) -> None:
    packed, octets = case
    theirs = type(impackets(packed))(packed.pack())
    assert octets.masked(theirs.getData()) == octets.masked()


def test_we_read_impackets_octets(case: tuple[Any, Octets]) -> None:
    packed, _octets = case
    assert type(packed).unpack(impackets(packed).getData()) == packed
