# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses, identifiers, expiries, names: all forms in, one value out."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import IPv4Address

import pytest

from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.model import (
    NEVER,
    UNSET,
    AddressRange,
    AddressState,
    ClientId,
    Expiry,
    Record,
    parse_address,
    parse_text,
    same_name,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import InvalidInput
from ansible_collections.msrpc.dhcp.tests.unit._domain.worlds import (
    CAMPUS,
    DESK,
    LAB,
    LOOKALIKE,
    PHONE,
    PRINTER,
    SHELF,
    record,
)

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
MAC = bytes.fromhex("001c2580a043")


# --- client identifiers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "00:1c:25:80:a0:43",
        "00:1C:25:80:A0:43",
        "00-1C-25-80-A0-43",
        "001c.2580.a043",
        "001C.2580.A043",
        "001c2580a043",
        " 001c2580a043\n",
    ],
)
def test_every_usual_form_of_a_mac_means_the_same_client(text: str) -> None:
    assert ClientId.parse_mac(text) == ClientId(MAC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "00:1c:25:80:a0",
        "00:1c:25:80:a0:43:00",
        "001c2580a0",
        "001c2580a04",
        "001c2580a04300",
        "00:1c:25:80:a0:4g",
        "0:1c:25:80:a0:43",
        "00:1c-25:80-a0:43",
        "00.1c.25.80.a0.43",
        "001c:2580:a043",
        "001c.2580.a04",
        "00 1c 25 80 a0 43",
        "0x1c2580a043",
        "\u0660\u06601c2580a043",
        ":001c2580a043",
    ],
)
def test_what_is_no_mac_is_refused_with_option_and_value(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        ClientId.parse_mac(text, "clients[3].mac_address")
    assert str(caught.value).startswith(f"clients[3].mac_address={text!r}: ")


def test_a_mac_is_shown_in_lower_case_with_colons() -> None:
    assert ClientId.parse_mac("00-1C-25-80-A0-43").mac == "00:1c:25:80:a0:43"


def test_an_identifier_of_another_length_is_no_mac() -> None:
    assert PHONE.mac is None


def test_an_identifier_is_shown_as_bare_hexadecimal() -> None:
    assert PHONE.hex == "ff00000001000100012a2b2c2d001c2580a044"


@pytest.mark.parametrize(
    ("client_id", "text"),
    [(ClientId(MAC), "00:1c:25:80:a0:43"), (ClientId(b"\x01\xab"), "01ab"), (ClientId(b""), "(empty)")],
)
def test_a_sentence_names_a_client_by_mac_or_else_by_hexadecimal(client_id: ClientId, text: str) -> None:
    assert str(client_id) == text


@pytest.mark.parametrize("text", ["01ab", "01AB", "01:ab", "01-AB", " 01ab "])
def test_every_form_of_a_client_id_means_the_same_octets(text: str) -> None:
    assert ClientId.parse_hex(text) == ClientId(b"\x01\xab")


def test_a_client_id_of_six_octets_is_the_mac() -> None:
    assert ClientId.parse_hex("001C2580A043") == ClientId.parse_mac("00:1c:25:80:a0:43")


def test_a_client_id_may_have_a_single_octet() -> None:
    assert ClientId.parse_hex("00") == ClientId(b"\0")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        ("  ", "is empty"),
        ("abc", "odd number of hexadecimal digits (3)"),
        ("xy", "is not hexadecimal"),
        ("0x01", "is not hexadecimal"),
        ("01:a", "is not hexadecimal"),
        ("01:ab-cd", "is not hexadecimal"),
        ("01:", "is not hexadecimal"),
        ("01 ab", "is not hexadecimal"),
        ("\u0660\u0661", "is not hexadecimal"),
    ],
)
def test_what_is_no_client_id_is_refused_with_option_and_value(text: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        ClientId.parse_hex(text)
    assert str(caught.value).startswith(f"client_id={text!r}: ")
    assert reason in str(caught.value)


# --- the two forms on the wire ----------------------------------------------------------------------------------------


def test_a_unique_id_is_subnet_then_one_then_identifier() -> None:
    unique_id = ClientId(MAC).unique_id(IPv4Address("192.168.1.0"))
    assert unique_id == bytes.fromhex("0001a8c001001c2580a043")


def test_a_unique_id_reads_as_the_bare_identifier() -> None:
    assert ClientId.from_wire(PRINTER.unique_id(CAMPUS.address), CAMPUS.address) == PRINTER


def test_a_bare_identifier_reads_as_itself() -> None:
    assert ClientId.from_wire(MAC, CAMPUS.address) == ClientId(MAC)


def test_an_identifier_of_eleven_octets_keeps_what_looks_like_another_scopes_prefix() -> None:
    assert ClientId.from_wire(LOOKALIKE.octets, CAMPUS.address) == LOOKALIKE


def test_the_prefix_of_the_own_scope_is_taken_off_the_lookalike_too() -> None:
    assert ClientId.from_wire(LOOKALIKE.unique_id(CAMPUS.address), CAMPUS.address) == LOOKALIKE


def test_the_prefix_is_taken_off_only_once() -> None:
    assert ClientId.from_wire(LOOKALIKE.unique_id(LAB.address), LAB.address) == LOOKALIKE


def test_a_prefix_whose_fifth_octet_is_not_one_stays() -> None:
    octets = CAMPUS.address.packed[::-1] + b"\x02" + MAC
    assert ClientId.from_wire(octets, CAMPUS.address) == ClientId(octets)


def test_the_subnet_in_network_order_is_no_prefix() -> None:
    octets = CAMPUS.address.packed + b"\x01" + MAC
    assert ClientId.from_wire(octets, CAMPUS.address) == ClientId(octets)


@pytest.mark.parametrize("octets", [None, b""])
def test_a_record_without_identifier_has_the_empty_one(octets: bytes | None) -> None:
    assert ClientId.from_wire(octets, CAMPUS.address) == ClientId(b"")


# --- expiries ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["never", "NEVER", " never "])
def test_never_is_the_largest_filetime(text: str) -> None:
    assert Expiry.parse(text, now=NOW).filetime == 0x7FFFFFFF_FFFFFFFF


def test_an_expiry_counts_100_nanoseconds_since_1601() -> None:
    assert Expiry.parse("2030-01-31T12:00:00Z", now=NOW).filetime == 135_405_648_000_000_000


@pytest.mark.parametrize(
    "text", ["2030-01-31T12:00:00+00:00", "2030-01-31 12:00:00Z", "2030-01-31T13:30:00+01:30", "20300131T120000Z"]
)
def test_other_ways_to_write_a_moment_mean_the_same_expiry(text: str) -> None:
    assert Expiry.parse(text, now=NOW) == Expiry.parse("2030-01-31T12:00:00Z", now=NOW)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "neither 'never' nor a time"),
        ("tomorrow", "neither 'never' nor a time"),
        ("2030-13-01T00:00:00Z", "neither 'never' nor a time"),
        ("1900000000", "neither 'never' nor a time"),
        ("2030-01-31T12:00:00", "no time zone"),
        ("2030-01-31", "no time zone"),
        ("2026-03-01T11:59:59Z", "in the past"),
        ("2026-03-01T12:00:00Z", "in the past"),
        ("2026-03-01T13:59:59+02:00", "in the past"),
        ("0001-01-01T00:00:00+23:59", "in the past"),
    ],
)
def test_what_is_no_future_moment_is_refused_with_option_and_value(text: str, reason: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Expiry.parse(text, now=NOW, option="clients[0].lease_expires")
    assert str(caught.value).startswith(f"clients[0].lease_expires={text!r}: ")
    assert reason in str(caught.value)


def test_the_next_second_is_the_future() -> None:
    assert str(Expiry.parse("2026-03-01T12:00:01Z", now=NOW)) == "2026-03-01T12:00:01Z"


@pytest.mark.parametrize(
    ("expiry", "text"),
    [
        (NEVER, "never"),
        (Expiry(135_405_648_000_000_000), "2030-01-31T12:00:00Z"),
        (Expiry(135_405_648_009_999_999), "2030-01-31T12:00:00Z"),
        (Expiry(NEVER.filetime - 1), f"filetime {NEVER.filetime - 1}"),
        (Expiry(0xFFFFFFFF_FFFFFFFF), f"filetime {0xFFFFFFFF_FFFFFFFF}"),
    ],
)
def test_an_expiry_is_shown_in_utc_to_the_second(expiry: Expiry, text: str) -> None:
    assert str(expiry) == text


def test_only_filetime_zero_is_no_expiry() -> None:
    assert [expiry.is_unset for expiry in (UNSET, Expiry(1), NEVER)] == [True, False, False]


# --- addresses, texts, names ------------------------------------------------------------------------------------------


def test_an_address_may_have_blanks_around_it() -> None:
    assert parse_address(" 10.0.0.42\n", "ip_address") == IPv4Address("10.0.0.42")


@pytest.mark.parametrize(
    "text", ["", "10.0.0", "10.0.0.256", "10.0.0.01", "10.0.0.1/24", "printer", "::1", "167772161", "1\u0660.0.0.1"]
)
def test_what_is_no_address_is_refused_with_option_and_value(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_address(text, "scope")
    assert str(caught.value).startswith(f"scope={text!r}: ")


@pytest.mark.parametrize("text", ["", "pc-17", "Drucker im Flur, ß", "打印机", "🖨"])
def test_any_character_may_be_in_a_description(text: str) -> None:
    assert parse_text(text, "description") == text


@pytest.mark.parametrize(("text", "reason"), [("pc\0", "NUL"), ("\ud83d", "surrogate"), ("x\udda8y", "surrogate")])
def test_what_no_string_of_the_protocol_can_carry_is_refused_with_option_and_value(text: str, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason) as caught:
        parse_text(text, "name")
    assert str(caught.value).startswith(f"name={text!r}: ")


@pytest.mark.parametrize(
    ("declared", "stored"),
    [
        ("pc-17", "pc-17"),
        ("pc-17", "PC-17"),
        ("pc-17", "pc-17.example.org"),
        ("PC-17", "pc-17.Example.ORG"),
        ("pc-17.example.org", "PC-17.EXAMPLE.ORG"),
        ("", ""),
    ],
)
def test_names_that_are_the_same(declared: str, stored: str) -> None:
    assert same_name(declared, stored)


@pytest.mark.parametrize(
    ("declared", "stored"),
    [
        ("pc-17", "pc-171"),
        ("pc-17", "pc-171.example.org"),
        ("pc-17.example.org", "pc-17"),
        ("pc-17.example.org", "pc-17.example.org.local"),
        ("pc-17.example.org", "pc-17.example.com"),
        ("pc-17", ""),
        ("", "pc-17"),
        ("", ".example.org"),
        ("17", "pc.17"),
    ],
)
def test_names_that_differ(declared: str, stored: str) -> None:
    assert not same_name(declared, stored)


# --- ranges, records, scopes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "inside"), [("10.0.0.1", True), ("10.0.0.2", True), ("10.0.0.0", False), ("10.0.0.3", False)]
)
def test_a_range_includes_both_its_ends(address: str, inside: bool) -> None:
    assert (IPv4Address(address) in AddressRange(DESK, SHELF)) is inside


@pytest.mark.parametrize(
    ("state", "usable"),
    [
        (AddressState.OFFERED, True),
        (AddressState.ACTIVE, True),
        (AddressState.DECLINED, False),
        (AddressState.DOOMED, False),
    ],
)
def test_a_declined_or_doomed_record_is_not_usable(state: AddressState, usable: bool) -> None:
    assert record(DESK, state=state).is_usable is usable


def test_address_states_have_the_numbers_of_the_protocol() -> None:
    assert [AddressState(number).name for number in range(4)] == ["OFFERED", "ACTIVE", "DECLINED", "DOOMED"]


def test_a_new_record_is_active_and_has_no_expiry() -> None:
    made = Record(address=DESK, client_id=PRINTER)
    assert (made.state, made.expires) == (AddressState.ACTIVE, UNSET)


def test_a_scope_is_named_by_its_subnet_address() -> None:
    assert (str(LAB), LAB.address) == ("10.0.0.8", IPv4Address("10.0.0.8"))
