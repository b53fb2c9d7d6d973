# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parser of what a peer sends."""

from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import (
    BadReply,
    DecodeError,
    NoEndpoint,
    SecurityError,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc import pdu as wire

DOING = "Binding to dhcp1 port 49664"


def common(
    *, version: tuple[int, int] = (5, 0), drep: bytes = b"\x10\0\0\0", length: int = 16, auth_length: int = 0
) -> bytes:
    return struct.pack("<BBBB4sHHI", *version, wire.RESPONSE, 3, drep, length, auth_length, 7)


def pdu(packet_type: int, body: bytes, *, flags: int = 3, call_id: int = 2, token: bytes | None = None) -> wire.Pdu:
    """A PDU with ``body`` after the common header, and a sec_trailer if there is a token."""
    tail = b"" if token is None else struct.pack("<BBBBI", 10, 6, 0, 0, 1) + token
    auth_length = len(token or b"")
    length = 16 + len(body) + len(tail)
    head = struct.pack("<BBBB4sHHI", 5, 0, packet_type, flags, b"\x10\0\0\0", length, auth_length, call_id)
    return wire.parse(head + body + tail)


def bind_ack(*results: tuple[int, int, bytes], address: bytes = b"49664\0", max_receive: int = 5840) -> wire.Pdu:
    body = struct.pack("<HHIH", 4280, max_receive, 1, len(address)) + address
    body += bytes(-(16 + len(body)) % 4) + bytes((len(results), 0, 0, 0))
    return pdu(wire.BIND_ACK, body + b"".join(struct.pack("<HH20s", *result) for result in results), token=b"token")


def parts_with(*, auth_type: int = 10, level: int = 6, context_id: int = 1) -> wire.Parts:
    return wire.Parts(bytes(24), bytes(16), struct.pack("<BBBBI", auth_type, level, 5, 0, context_id), bytes(16))


def test_the_length_of_a_pdu_is_read_from_its_header() -> None:
    assert wire.fragment_length(common(length=5840)) == 5840


def test_minor_version_1_is_accepted() -> None:
    assert wire.fragment_length(common(version=(5, 1))) == 16


@pytest.mark.parametrize("version", [(4, 0), (5, 2), (6, 0)])
def test_another_version_is_refused(version: tuple[int, int]) -> None:
    with pytest.raises(DecodeError, match=r"does not speak RPC 5\.0"):
        wire.fragment_length(common(version=version))


@pytest.mark.parametrize("drep", [b"\0\0\0\0", b"\x11\0\0\0", b"\x10\1\0\0"])
def test_another_data_representation_is_refused(drep: bytes) -> None:
    with pytest.raises(DecodeError, match="order that is not supported"):
        wire.fragment_length(common(drep=drep))


@pytest.mark.parametrize(("length", "auth_length"), [(0, 0), (15, 0), (16, 1), (39, 16), (100, 65535)])
def test_a_length_that_the_header_does_not_fit_in_is_refused(length: int, auth_length: int) -> None:
    with pytest.raises(DecodeError, match="too short"):
        wire.fragment_length(common(length=length, auth_length=auth_length))


def test_a_pdu_is_cut_from_its_end() -> None:
    parts = wire.split(pdu(wire.RESPONSE, b"h" * 8 + b"stub", token=b"t" * 16), wire.CALL_HEADER_SIZE)
    assert (parts.header[16:], parts.body, parts.trailer[:2], parts.token) == (
        b"h" * 8,
        b"stub",
        b"\x0a\x06",
        b"t" * 16,
    )


def test_a_pdu_without_verifier_has_no_trailer() -> None:
    parts = wire.split(pdu(wire.RESPONSE, b"h" * 8 + b"stub"), wire.CALL_HEADER_SIZE)
    assert parts[1:] == (b"stub", b"", b"")


def test_a_response_whose_verifier_begins_in_its_header_is_refused() -> None:
    with pytest.raises(DecodeError, match="too short"):
        wire.split(pdu(wire.RESPONSE, b"", token=b"t" * 16), wire.CALL_HEADER_SIZE)


def test_the_padding_of_an_agreed_verifier_is_told() -> None:
    assert wire.check_verifier(parts_with(), 10, 1) == 5


@pytest.mark.parametrize("wrong", [{"auth_type": 9}, {"level": 1}, {"level": 5}, {"context_id": 2}])
def test_another_verifier_than_agreed_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(SecurityError, match="otherwise than agreed"):
        wire.check_verifier(parts_with(**wrong), 10, 1)


def test_a_missing_verifier_is_refused() -> None:
    with pytest.raises(SecurityError, match="no signature"):
        wire.check_verifier(wire.Parts(bytes(24), bytes(16), b"", b""), 10, 1)


@pytest.mark.parametrize("address", [b"", b"135\0", b"49664\0", b"\\PIPE\\x\0"])
def test_the_results_of_a_bind_ack_are_found_behind_any_secondary_address(address: bytes) -> None:
    ack = wire.parse_bind_ack(bind_ack((0, 0, wire.NDR20), (2, 1, bytes(20)), address=address))
    assert ack.results == (wire.Result(0, 0, wire.NDR20), wire.Result(2, 1, bytes(20)))


def test_the_fragment_size_of_a_bind_ack_is_what_the_peer_receives() -> None:
    assert wire.parse_bind_ack(bind_ack((0, 0, wire.NDR20), max_receive=1432)).max_receive == 1432


def test_the_token_of_a_bind_ack_is_found() -> None:
    assert wire.parse_bind_ack(bind_ack((0, 0, wire.NDR20))).parts.token == b"token"


@given(body=st.binary(max_size=80))
def test_a_bind_ack_of_any_bytes_is_parsed_or_refused(body: bytes) -> None:
    with contextlib.suppress(DecodeError):
        wire.parse_bind_ack(pdu(wire.BIND_ACK, body))


@given(header=st.binary(min_size=16, max_size=16))
def test_a_header_of_any_bytes_is_parsed_or_refused(header: bytes) -> None:
    with contextlib.suppress(DecodeError):
        assert wire.fragment_length(header) >= wire.COMMON_SIZE


def test_contexts_that_were_all_accepted_pass() -> None:
    ack = wire.parse_bind_ack(bind_ack((0, 0, wire.NDR20), (0, 0, wire.NDR20)))
    wire.check_contexts(ack, ["dhcpsrv", "dhcpsrv2"], DOING)


def test_an_interface_that_the_server_does_not_have_is_named() -> None:
    ack = wire.parse_bind_ack(bind_ack((0, 0, wire.NDR20), (2, 1, bytes(20))))
    with pytest.raises(NoEndpoint, match="dhcp1 port 49664: the server has no interface dhcpsrv2"):
        wire.check_contexts(ack, ["dhcpsrv", "dhcpsrv2"], DOING)


@pytest.mark.parametrize("result", [(2, 2, bytes(20)), (1, 0, bytes(20)), (0, 0, bytes(20)), (3, 0, wire.NDR20)])
def test_an_interface_that_is_not_accepted_with_ndr_2_0_is_refused(result: tuple[int, int, bytes]) -> None:
    with pytest.raises(BadReply, match="dhcpsrv with NDR"):
        wire.check_contexts(wire.parse_bind_ack(bind_ack(result)), ["dhcpsrv"], DOING)


def test_a_bind_ack_with_fewer_results_than_interfaces_is_refused() -> None:
    with pytest.raises(BadReply, match="2 interfaces were asked for, but 1"):
        wire.check_contexts(wire.parse_bind_ack(bind_ack((0, 0, wire.NDR20))), ["dhcpsrv", "dhcpsrv2"], DOING)


def test_the_reply_to_another_call_is_refused() -> None:
    with pytest.raises(BadReply, match="call 3, but call 2"):
        wire.check_order(pdu(wire.RESPONSE, b"", call_id=3), 2, first=True)


@pytest.mark.parametrize(("flags", "first"), [(wire.LAST_FRAGMENT, True), (wire.FIRST_FRAGMENT, False)])
def test_fragments_out_of_order_are_refused(flags: int, *, first: bool) -> None:
    with pytest.raises(BadReply, match="not in order"):
        wire.check_order(pdu(wire.RESPONSE, b"", flags=flags), 2, first=first)


def test_the_status_of_a_fault_is_read() -> None:
    assert wire.fault_status(b"\x05\0\0\0\0\0\0\0") == 5


def test_a_fault_without_status_is_refused() -> None:
    with pytest.raises(DecodeError, match="status"):
        wire.fault_status(b"\x05\0\0")


def test_the_reason_of_a_bind_nak_is_read() -> None:
    assert wire.bind_nak_reason(pdu(wire.BIND_NAK, b"\x08\0")) == 8


def test_a_bind_nak_without_reason_is_refused() -> None:
    with pytest.raises(DecodeError, match="reason"):
        wire.bind_nak_reason(pdu(wire.BIND_NAK, b""))


def test_a_request_header_counts_trailer_and_token() -> None:
    header = wire.pack_request_header(
        flags=3, body_length=32, token_length=16, call_id=9, alloc_hint=20, context_id=1, opnum=37
    )
    assert header == bytes.fromhex("05000003 10000000 5000 1000 09000000 14000000 0100 2500")


def test_a_trailer_says_packet_privacy() -> None:
    assert wire.pack_trailer(9, 12, 1) == bytes.fromhex("09060c0001000000")
