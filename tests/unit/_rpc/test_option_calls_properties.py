# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds for every value and every octet of the calls around options, failover and free addresses."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import DecodeError
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc import calls, failover_calls, option_calls
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc import option_structs as options
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.failover_structs import DHCP_FAILOVER_RELATIONSHIP

KINDS: tuple[type[calls.Packable], ...] = (
    option_calls.R_DhcpSetOptionValuesV5,
    option_calls.R_DhcpGetAllOptionValues,
    option_calls.AllOptionValuesReply,
    failover_calls.R_DhcpV4FailoverGetScopeRelationship,
    failover_calls.ScopeRelationshipReply,
    calls.R_DhcpV4GetFreeIPAddress,
    calls.FreeAddressesReply,
)

bytes_ = st.integers(0, 0xFF)
words = st.integers(0, 0xFFFF)
dwords = st.integers(0, 0xFFFFFFFF)
# A NUL ends a string, and two halves of a surrogate pair side by side are one character.
characters = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
texts = st.none() | st.text(characters, max_size=12)
octets = st.none() | st.binary(max_size=20)
address_lists = st.none() | st.lists(dwords, max_size=5).map(tuple)

DATA = {
    options.OPTION_BYTE: bytes_,
    options.OPTION_WORD: words,
    options.OPTION_DWORD: dwords,
    options.OPTION_DWORD_DWORD: st.integers(0, 0xFFFFFFFFFFFFFFFF),
    options.OPTION_IP_ADDRESS: dwords,
    options.OPTION_STRING: texts,
    options.OPTION_BINARY: octets,
    options.OPTION_ENCAPSULATED: octets,
    options.OPTION_IPV6_ADDRESS: texts,
}

elements = st.one_of(
    [st.builds(options.DHCP_OPTION_DATA_ELEMENT, OptionType=st.just(kind), Element=each) for kind, each in DATA.items()]
)
data = st.builds(options.DHCP_OPTION_DATA, Elements=st.none() | st.lists(elements, max_size=4).map(tuple))
values = st.builds(options.DHCP_OPTION_VALUE, OptionID=dwords, Value=data)
value_arrays = st.builds(options.DHCP_OPTION_VALUE_ARRAY, Values=st.none() | st.lists(values, max_size=4).map(tuple))
of_classes = st.builds(
    options.DHCP_CLASS_OPTION_VALUES,
    ClassName=texts,
    VendorName=texts,
    IsVendor=st.booleans(),
    OptionsArray=st.none() | value_arrays,
)
all_values = st.builds(
    options.DHCP_ALL_OPTION_VALUES, Flags=dwords, Options=st.none() | st.lists(of_classes, max_size=3).map(tuple)
)
places = st.one_of(
    st.builds(options.DHCP_OPTION_SCOPE_INFO, ScopeType=st.sampled_from([0, 1])),
    st.builds(options.DHCP_OPTION_SCOPE_INFO, ScopeType=st.just(2), ScopeInfo=dwords),
    st.builds(
        options.DHCP_OPTION_SCOPE_INFO,
        ScopeType=st.just(3),
        ScopeInfo=st.builds(options.DHCP_RESERVED_SCOPE, ReservedIpAddress=dwords, ReservedIpSubnetAddress=dwords),
    ),
    st.builds(options.DHCP_OPTION_SCOPE_INFO, ScopeType=st.just(4), ScopeInfo=texts),
)
relationships = st.builds(
    DHCP_FAILOVER_RELATIONSHIP,
    primaryServer=dwords,
    secondaryServer=dwords,
    mode=words,
    serverType=words,
    state=words,
    prevState=words,
    mclt=dwords,
    safePeriod=dwords,
    relationshipName=texts,
    primaryServerName=texts,
    secondaryServerName=texts,
    pScopes=address_lists,
    percentage=bytes_,
    pSharedSecret=texts,
)
packables: st.SearchStrategy[calls.Packable] = st.one_of(
    st.builds(
        option_calls.R_DhcpSetOptionValuesV5,
        ServerIpAddress=texts,
        Flags=dwords,
        ClassName=texts,
        VendorName=texts,
        ScopeInfo=places,
        OptionValues=value_arrays,
    ),
    st.builds(option_calls.R_DhcpGetAllOptionValues, ServerIpAddress=texts, Flags=dwords, ScopeInfo=places),
    st.builds(option_calls.AllOptionValuesReply, Values=st.none() | all_values, Return=dwords),
    st.builds(failover_calls.R_DhcpV4FailoverGetScopeRelationship, ServerIpAddress=texts, scopeId=dwords),
    st.builds(failover_calls.ScopeRelationshipReply, pRelationship=st.none() | relationships, Return=dwords),
    st.builds(
        calls.R_DhcpV4GetFreeIPAddress,
        ServerIpAddress=texts,
        ScopeId=dwords,
        startIP=dwords,
        endIP=dwords,
        numFreeAddr=dwords,
    ),
    st.builds(calls.FreeAddressesReply, IPAddrList=address_lists, Return=dwords),
)


def element_stub(kind: int, tag: int) -> bytes:
    """A call of opnum 20 whose one element has this OptionType and this union tag."""
    one = options.DHCP_OPTION_DATA_ELEMENT(OptionType=options.OPTION_DWORD, Element=7)
    call = option_calls.R_DhcpSetOptionValuesV5(
        Flags=0,
        ClassName=None,
        VendorName=None,
        ScopeInfo=options.DHCP_OPTION_SCOPE_INFO(ScopeType=options.SCOPE_GLOBAL),
        OptionValues=options.DHCP_OPTION_VALUE_ARRAY(
            Values=(options.DHCP_OPTION_VALUE(OptionID=1, Value=options.DHCP_OPTION_DATA(Elements=(one,))),)
        ),
    )
    return call.pack()[:-8] + kind.to_bytes(2, "little") + tag.to_bytes(2, "little") + bytes(4)


@given(packables)
def test_what_was_packed_unpacks_to_the_same_value(packed: calls.Packable) -> None:
    assert type(packed).unpack(packed.pack()) == packed


@given(st.sampled_from(KINDS), st.binary(max_size=200))
def test_any_octets_are_a_value_or_a_decode_error(kind: type[calls.Packable], stub: bytes) -> None:
    with contextlib.suppress(DecodeError):
        assert isinstance(kind.unpack(stub), kind)


@given(packables, st.data())
def test_a_stub_with_one_octet_changed_is_a_value_or_a_decode_error(
    packed: calls.Packable, draw: st.DataObject
) -> None:
    stub = bytearray(packed.pack())
    stub[draw.draw(st.integers(0, len(stub) - 1))] ^= draw.draw(st.integers(1, 0xFF))
    with contextlib.suppress(DecodeError):
        assert isinstance(type(packed).unpack(bytes(stub)), type(packed))


@given(packables, st.data())
def test_a_stub_that_ends_early_is_a_decode_error(packed: calls.Packable, draw: st.DataObject) -> None:
    stub = packed.pack()
    with pytest.raises(DecodeError):
        type(packed).unpack(stub[: draw.draw(st.integers(0, len(stub) - 1))])


@given(st.integers(9, 0xFFFF))
def test_an_option_type_that_the_protocol_does_not_know_is_a_decode_error(kind: int) -> None:
    with pytest.raises(DecodeError, match=f"OptionType {kind} is not known"):
        option_calls.R_DhcpSetOptionValuesV5.unpack(element_stub(kind, kind))


@given(st.integers(0, 8), st.integers(0, 8))
def test_an_option_type_other_than_the_tag_of_its_union_is_a_decode_error(kind: int, tag: int) -> None:
    if kind != tag:
        with pytest.raises(DecodeError, match=f"OptionType {kind} with union tag {tag}"):
            option_calls.R_DhcpSetOptionValuesV5.unpack(element_stub(kind, tag))


@given(st.integers(5, 0xFFFF))
def test_a_scope_type_that_the_protocol_does_not_know_is_a_decode_error(kind: int) -> None:
    with pytest.raises(DecodeError, match=f"ScopeType {kind} is not known"):
        option_calls.R_DhcpGetAllOptionValues.unpack(bytes(8) + 2 * kind.to_bytes(2, "little") + bytes(8))


@pytest.mark.parametrize(("kind", "element"), [(0, "x"), (0, None), (5, b"x"), (5, 7), (6, "x"), (6, 7), (9, 7)])
def test_an_element_is_of_its_type_from_birth(kind: int, element: int | str | bytes | None) -> None:
    with pytest.raises(TypeError, match=f"OptionType {kind} cannot be"):
        options.DHCP_OPTION_DATA_ELEMENT(OptionType=kind, Element=element)


def test_elements_behind_a_null_pointer_are_a_decode_error() -> None:
    with pytest.raises(DecodeError, match="2 elements are announced behind a NULL pointer"):
        calls.FreeAddressesReply.unpack(bytes.fromhex("01000000 02000000 00000000 00000000"))


def test_a_count_that_is_not_the_announced_one_is_a_decode_error() -> None:
    with pytest.raises(DecodeError, match="2 elements are announced, the array has 1"):
        calls.FreeAddressesReply.unpack(bytes.fromhex("01000000 02000000 02000000 01000000 0100000a 00000000"))


def test_a_count_beyond_the_octets_is_a_decode_error_and_takes_no_memory() -> None:
    with pytest.raises(DecodeError, match="NDR array of 4294967295 elements in 4 octets"):
        calls.FreeAddressesReply.unpack(bytes.fromhex("01000000 ffffffff 02000000 ffffffff 00000000"))
