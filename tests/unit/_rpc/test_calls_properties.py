# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every call and reply: what is packed is unpacked, and whatever else comes is a value or a ``DecodeError``.

Nothing else may come out of the decoder, and it may not take much more memory than the octets that it was given.
"""

from __future__ import annotations

import inspect
import json
import struct
import tracemalloc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import DecodeError
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc import calls, structs

VECTORS = [
    vector
    for vector in json.loads(
        (Path(__file__).parents[2] / "conformance" / "vectors" / "ndr.json").read_text(encoding="utf-8")
    )["vectors"]
    if hasattr(calls, vector["operation"])
]

CALLS: list[Any] = [each for name, each in vars(calls).items() if name.startswith("R_Dhcp")]
REPLIES: list[Any] = [each for each in vars(calls).values() if inspect.isclass(each) and calls.Reply in each.__bases__]
STUBS: list[Any] = [*CALLS, *REPLIES]


def by_name(each: Any) -> str:
    return str(each.__name__)


# --- values -----------------------------------------------------------------------------------------------------------


def numbers(bits: int) -> st.SearchStrategy[int]:
    largest = (1 << bits) - 1
    return st.sampled_from((0, 1, largest >> 1, (largest >> 1) + 1, largest)) | st.integers(0, largest)


U8, U16, U32, U64 = (numbers(bits) for bits in (8, 16, 32, 64))

# UTF-16 code units, lone surrogates among them, as Python has them after decoding; a NUL would end the string.
UNITS = st.integers(1, 0xFFFF) | st.integers(0xD800, 0xDFFF)
SHORT_TEXT = st.lists(UNITS, max_size=12).map(
    lambda units: struct.pack(f"<{len(units)}H", *units).decode("utf-16-le", "surrogatepass")
)
LONG_TEXT = st.builds(lambda unit, count: unit * count, st.sampled_from("aß漢\U00010437"), st.integers(200, 3000))
TEXT = st.none() | st.just("") | SHORT_TEXT | LONG_TEXT
OCTETS = st.none() | st.binary(max_size=12) | st.integers(0, 300).map(bytes)

HOST = st.builds(structs.DHCP_HOST_INFO, IpAddress=U32, NetBiosName=TEXT, HostName=TEXT)
UID = st.builds(structs.DHCP_CLIENT_UID, Data=OCTETS)
CLIENT_FIELDS: dict[str, Any] = {
    "ClientIpAddress": U32,
    "SubnetMask": U32,
    "ClientHardwareAddress": OCTETS,
    "ClientName": TEXT,
    "ClientComment": TEXT,
    "ClientLeaseExpires": U64,
    "OwnerHost": HOST,
}
CLIENT = st.builds(structs.DHCP_CLIENT_INFO, **CLIENT_FIELDS)
CLIENT_VQ = st.builds(
    structs.DHCP_CLIENT_INFO_VQ,
    **CLIENT_FIELDS,
    bClientType=U8,
    AddressState=U8,
    Status=U16,
    ProbationEnds=U64,
    QuarantineCapable=U32,
)
SUBNET = st.builds(
    structs.DHCP_SUBNET_INFO,
    SubnetAddress=U32,
    SubnetMask=U32,
    SubnetName=TEXT,
    SubnetComment=TEXT,
    PrimaryHost=HOST,
    SubnetState=U16,
)
SEARCH: st.SearchStrategy[structs.DHCP_SEARCH_INFO] = st.one_of(
    *(
        st.builds(structs.DHCP_SEARCH_INFO, SearchType=st.just(kind), Value=value)
        for kind, value in (
            (structs.SEARCH_ADDRESS, U32),
            (structs.SEARCH_HARDWARE_ADDRESS, OCTETS),
            (structs.SEARCH_NAME, TEXT),
        )
    )
)
RANGE = st.builds(
    structs.DHCP_BOOTP_IP_RANGE, StartAddress=U32, EndAddress=U32, BootpAllocated=U32, MaxBootpAllowed=U32
)
EXCLUSION = st.builds(structs.DHCP_IP_RANGE, StartAddress=U32, EndAddress=U32)
RESERVATION = st.builds(
    structs.DHCP_IP_RESERVATION_V4, ReservedIpAddress=U32, ReservedForClient=st.none() | UID, bAllowedClientTypes=U8
)
ELEMENT: st.SearchStrategy[structs.DHCP_SUBNET_ELEMENT_DATA_V5] = st.one_of(
    *(
        st.builds(structs.DHCP_SUBNET_ELEMENT_DATA_V5, ElementType=kind, Element=st.none() | element)
        for kind, element in (
            (st.sampled_from((0, 5, 6, 7)), RANGE),
            (st.just(2), RESERVATION),
            (st.just(3), EXCLUSION),
            (st.sampled_from((1, 4)), st.none()),
        )
    )
)
STATUS: dict[str, Any] = {"Return": U32}
PAGE: dict[str, Any] = {"ResumeHandle": U32, "ElementsRead": U32, "ElementsTotal": U32, **STATUS}


def list_of(element: st.SearchStrategy[Any], most: int = 6) -> st.SearchStrategy[Any]:
    return st.none() | st.lists(element, max_size=most).map(tuple)


FIELDS: dict[Any, dict[str, Any]] = {
    calls.R_DhcpGetSubnetInfo: {"SubnetAddress": U32},
    calls.R_DhcpEnumSubnets: {"ResumeHandle": U32, "PreferredMaximum": U32},
    calls.R_DhcpSetClientInfo: {"ClientInfo": CLIENT},
    calls.R_DhcpDeleteClientInfo: {"ClientInfo": SEARCH},
    calls.R_DhcpGetVersion: {},
    calls.R_DhcpCreateClientInfoVQ: {"ClientInfo": CLIENT_VQ},
    calls.R_DhcpSetClientInfoVQ: {"ClientInfo": CLIENT_VQ},
    calls.R_DhcpGetClientInfoVQ: {"SearchInfo": SEARCH},
    calls.R_DhcpEnumSubnetClientsVQ: {"SubnetAddress": U32, "ResumeHandle": U32, "PreferredMaximum": U32},
    calls.R_DhcpAddSubnetElementV5: {"SubnetAddress": U32, "AddElementInfo": ELEMENT},
    calls.R_DhcpEnumSubnetElementsV5: {
        "SubnetAddress": U32,
        "EnumElementType": U16,
        "ResumeHandle": U32,
        "PreferredMaximum": U32,
    },
    calls.R_DhcpRemoveSubnetElementV5: {"SubnetAddress": U32, "RemoveElementInfo": ELEMENT, "ForceFlag": U16},
    calls.StatusReply: STATUS,
    calls.VersionReply: {"MajorVersion": U32, "MinorVersion": U32, **STATUS},
    calls.SubnetInfoReply: {"SubnetInfo": st.none() | SUBNET, **STATUS},
    calls.ClientInfoReply: {"ClientInfo": st.none() | CLIENT_VQ, **STATUS},
    calls.EnumSubnetsReply: {"EnumInfo": list_of(U32, 30), **PAGE},
    calls.R_DhcpV4GetFreeIPAddress: {"ScopeId": U32, "startIP": U32, "endIP": U32, "numFreeAddr": U32},
    calls.FreeAddressesReply: {"IPAddrList": list_of(U32, 30), **STATUS},
    calls.EnumClientsReply: {
        "ResumeHandle": U32,
        "ClientInfo": list_of(st.none() | CLIENT_VQ),
        "ClientsRead": U32,
        "ClientsTotal": U32,
        **STATUS,
    },
    calls.EnumElementsReply: {"EnumElementInfo": list_of(ELEMENT, 12), **PAGE},
}


def values(kind: Any) -> st.SearchStrategy[Any]:
    server = {"ServerIpAddress": TEXT} if kind in CALLS else {}
    return st.builds(kind, **server, **FIELDS[kind])


# --- decoding ---------------------------------------------------------------------------------------------------------


def decode(kind: Any, stub: bytes) -> Any:
    """The value, or the one exception that may come in its place."""
    try:
        return kind.unpack(stub)
    except DecodeError as exc:
        return exc


def peak(run: Callable[[], object]) -> int:
    """How many octets were allocated at most."""
    tracemalloc.start()
    try:
        run()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def affordable(stub: bytes) -> int:
    """What decoding a stub may cost: a share for each of its octets, and something for the exception."""
    return 64 * 1024 + 64 * len(stub)


def test_every_call_and_reply_has_its_values() -> None:
    assert set(STUBS) == set(FIELDS)
    assert {call.Reply for call in CALLS} <= set(REPLIES)


def test_only_what_changes_something_is_a_write() -> None:
    assert {call.__name__ for call in CALLS if call.WRITES} == {
        "R_DhcpSetClientInfo",
        "R_DhcpDeleteClientInfo",
        "R_DhcpCreateClientInfoVQ",
        "R_DhcpSetClientInfoVQ",
        "R_DhcpAddSubnetElementV5",
        "R_DhcpRemoveSubnetElementV5",
    }


@pytest.mark.parametrize("kind", STUBS, ids=by_name)
@settings(deadline=None)
@given(data=st.data())
def test_what_is_packed_is_unpacked(kind: Any, data: st.DataObject) -> None:
    value = data.draw(values(kind))
    assert kind.unpack(value.pack()) == value


@pytest.mark.parametrize("kind", STUBS, ids=by_name)
@settings(deadline=None)
@given(data=st.data())
def test_a_part_of_what_is_packed_is_refused(kind: Any, data: st.DataObject) -> None:
    stub = data.draw(values(kind)).pack()
    with pytest.raises(DecodeError):
        kind.unpack(stub[: data.draw(st.integers(0, len(stub) - 1))])


@pytest.mark.parametrize("kind", STUBS, ids=by_name)
@settings(deadline=None)
@given(data=st.data())
def test_what_is_packed_and_then_changed_is_a_value_or_refused(kind: Any, data: st.DataObject) -> None:
    stub = bytearray(data.draw(values(kind)).pack())
    for _each in range(data.draw(st.integers(1, 3))):
        where = data.draw(st.integers(0, len(stub) - 1))
        with_what = data.draw(st.binary(min_size=1, max_size=4) | st.just(b"\xff\xff\xff\xff"))
        stub[where : where + len(with_what)] = with_what
    decode(kind, bytes(stub))


@pytest.mark.parametrize("kind", STUBS, ids=by_name)
@settings(deadline=None)
@given(stub=st.binary(max_size=400) | st.lists(U32 | st.integers(0, 8), max_size=60).map(lambda dwords: words(*dwords)))
def test_any_octets_are_a_value_or_refused(kind: Any, stub: bytes) -> None:
    decode(kind, stub)


def words(*dwords: int) -> bytes:
    return struct.pack(f"<{len(dwords)}I", *dwords)


# --- vectors ----------------------------------------------------------------------------------------------------------


@pytest.fixture(params=VECTORS, ids=lambda vector: vector["id"])
def vector(request: pytest.FixtureRequest) -> tuple[Any, bytes]:
    call = getattr(calls, request.param["operation"])
    kind = call if request.param["direction"] == "request" else call.Reply
    return kind, bytes.fromhex(request.param["hex"])


def test_every_truncation_of_a_vector_is_refused(vector: tuple[Any, bytes]) -> None:
    kind, stub = vector
    decoded = [length for length in range(len(stub)) if not isinstance(decode(kind, stub[:length]), DecodeError)]
    assert decoded == []


def test_a_vector_with_more_than_padding_behind_it_is_refused(vector: tuple[Any, bytes]) -> None:
    kind, stub = vector
    with pytest.raises(DecodeError, match="left over"):
        kind.unpack(stub + bytes(16))


def test_a_vector_with_padding_behind_it_is_read(vector: tuple[Any, bytes]) -> None:
    kind, stub = vector
    assert kind.unpack(stub + bytes(15)) == kind.unpack(stub)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30, deadline=None)
@given(data=st.data())
def test_a_changed_vector_is_a_value_or_refused(vector: tuple[Any, bytes], data: st.DataObject) -> None:
    kind, stub = vector
    where = data.draw(st.integers(0, len(stub) - 1))
    with_what = data.draw(st.binary(min_size=1, max_size=8))
    decode(kind, stub[:where] + with_what + stub[where + len(with_what) :])


@pytest.mark.parametrize("huge", [0xFFFFFFFF, 0x80000000, 0x7FFFFFFF, 0x00FFFFFF])
def test_a_huge_count_anywhere_in_a_vector_costs_no_memory(vector: tuple[Any, bytes], huge: int) -> None:
    kind, stub = vector
    for where in range(0, min(len(stub) - 3, 400), 4):
        changed = stub[:where] + words(huge) + stub[where + 4 :]
        assert peak(partial(decode, kind, changed)) < affordable(stub)


# --- sizes ------------------------------------------------------------------------------------------------------------

COUNT = 8192
DENSE: dict[str, tuple[Any, bytes]] = {
    "addresses": (calls.EnumSubnetsReply, words(0, 4, COUNT, 8, COUNT, *range(COUNT), 0, 0, 0)),
    "NULL clients": (calls.EnumClientsReply, words(0, 4, COUNT, 8, COUNT, *bytes(COUNT), 0, 0, 0)),
    "NULL elements": (calls.EnumElementsReply, words(0, 4, COUNT, 8, COUNT, *bytes(2 * COUNT), 0, 0, 0)),
    "ranges": (
        calls.EnumElementsReply,
        words(0, 4, COUNT, 8, COUNT, *([0, 4] * COUNT), *bytes(4 * COUNT), 0, 0, 0),
    ),
    "reservations": (
        calls.EnumElementsReply,
        words(0, 4, COUNT, 8, COUNT, *([0x00020002, 4] * COUNT), *bytes(3 * COUNT), 0, 0, 0),
    ),
    "clients": (
        calls.EnumClientsReply,
        words(0, 4, COUNT, 8, COUNT, *([4] * COUNT), *bytes(15 * COUNT), 0, 0, 0),
    ),
}


@pytest.mark.parametrize(("kind", "stub"), DENSE.values(), ids=DENSE)
def test_the_densest_replies_cost_a_small_multiple_of_their_size(kind: Any, stub: bytes) -> None:
    found: list[Any] = []
    assert peak(lambda: found.append(decode(kind, stub))) < affordable(stub)
    assert not isinstance(found[0], DecodeError)


ANNOUNCED: dict[str, Any] = {
    "more elements than there are": words(0, 4, 3, 8, 2, 1, 2, 2, 2, 0),
    "fewer elements than there are": words(0, 4, 1, 8, 2, 1, 2, 2, 2, 0),
    "elements behind a NULL pointer": words(0, 4, 2, 0, 2, 2, 0),
}


@pytest.mark.parametrize("stub", ANNOUNCED.values(), ids=ANNOUNCED)
def test_an_array_of_another_size_than_announced_is_refused(stub: bytes) -> None:
    with pytest.raises(DecodeError, match="are announced"):
        calls.EnumSubnetsReply.unpack(stub)


@pytest.mark.parametrize("kind", [calls.EnumSubnetsReply, calls.EnumClientsReply, calls.EnumElementsReply])
@pytest.mark.parametrize("count", [3, 0xFFFFFFFF])
def test_an_array_that_does_not_fit_is_refused_before_it_is_read(kind: Any, count: int) -> None:
    with pytest.raises(DecodeError, match=f"NDR array of {count} elements in 8 octets"):
        kind.unpack(words(0, 4, count, 8, count, 1, 1))


def test_an_array_behind_a_null_pointer_may_be_empty() -> None:
    assert calls.EnumSubnetsReply.unpack(words(9, 4, 0, 0, 1, 2, 3)) == calls.EnumSubnetsReply(
        ResumeHandle=9, EnumInfo=(), ElementsRead=1, ElementsTotal=2, Return=3
    )


@pytest.mark.parametrize("length", [1, 0xFFFFFFFF])
def test_an_identifier_with_a_length_and_no_pointer_is_refused(length: int) -> None:
    with pytest.raises(DecodeError, match=f"{length} octets are announced behind a NULL pointer"):
        calls.R_DhcpSetClientInfo.unpack(words(0, 1, 2, length, *bytes(20)))


@pytest.mark.parametrize("kind", [3, 0xFFFF])
def test_a_search_of_an_unknown_kind_is_refused(kind: int) -> None:
    with pytest.raises(DecodeError, match=f"SearchType {kind} is none of 0, 1, 2"):
        calls.R_DhcpGetClientInfoVQ.unpack(words(0, kind << 16 | kind, 0, 0))


def test_a_search_whose_union_has_another_tag_is_refused() -> None:
    with pytest.raises(DecodeError, match="SearchType 1 with union tag 0"):
        calls.R_DhcpGetClientInfoVQ.unpack(words(0, 0x00000001, 0, 0))


@pytest.mark.parametrize(("kind", "tag"), [(2, 0), (0, 2), (5, 5), (3, 2)])
def test_an_element_whose_union_has_another_tag_is_refused(kind: int, tag: int) -> None:
    with pytest.raises(DecodeError, match=f"ElementType {kind} with union tag {tag}"):
        calls.EnumElementsReply.unpack(words(0, 4, 1, 8, 1, tag << 16 | kind, 4, *bytes(10)))


@pytest.mark.parametrize("kind", [1, 4, 8, 0xFFFF])
def test_an_element_of_a_kind_that_is_not_used_is_refused(kind: int) -> None:
    with pytest.raises(DecodeError, match=f"ElementType {kind} is not used"):
        calls.EnumElementsReply.unpack(words(0, 4, 1, 8, 1, kind << 16 | kind, 4, *bytes(10)))


@pytest.mark.parametrize("kind", [calls.Packable, calls.Reply])
def test_a_stub_without_a_layout_is_a_bug_and_says_so(kind: Any) -> None:
    with pytest.raises(TypeError, match="defines no write"):
        kind().pack()
    with pytest.raises(TypeError, match="defines no read"):
        kind.unpack(b"")


def test_a_call_is_named_as_in_the_specification() -> None:
    assert calls.R_DhcpGetVersion().name == "R_DhcpGetVersion"
