# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which address a client gets that was declared without one."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.allocate import Claims, own_address, place, unused
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.items import Conflict, OnConflict, Unplaced
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.model import AddressRange, Record, Reservation
from ansible_collections.msrpc.dhcp.tests.unit._domain.worlds import (
    CAMPUS,
    DESK,
    HALL,
    PRINTER,
    SHELF,
    STRANGER,
    record,
    reservation,
    site,
)

BASE = int(IPv4Address("10.0.0.0"))
addresses = st.integers(BASE, BASE + 40).map(IPv4Address)
spans = st.tuples(addresses, addresses).map(lambda pair: AddressRange(min(pair), max(pair)))


def wanted(on_conflict: OnConflict = OnConflict.FAIL) -> Unplaced:
    return Unplaced(index=0, scope=CAMPUS.address, client_id=PRINTER, on_conflict=on_conflict)


def own(
    *entries: Record | Reservation,
    claimed: frozenset[IPv4Address] = frozenset(),
    on_conflict: OnConflict = OnConflict.FAIL,
) -> IPv4Address | None:
    return own_address(
        wanted(on_conflict), site(*entries)[CAMPUS.address], Claims(reservations=claimed, leases=claimed)
    )


# --- the client's own address -----------------------------------------------------------------------------------------


def test_a_client_that_is_nowhere_has_no_address() -> None:
    assert own(record(DESK, STRANGER), reservation(SHELF, STRANGER)) is None


def test_the_own_reservation_comes_before_the_own_lease() -> None:
    assert own(record(DESK), reservation(SHELF)) == SHELF


def test_without_reservation_the_own_lease_counts() -> None:
    assert own(record(DESK), reservation(SHELF, STRANGER)) == DESK


def test_an_own_lease_at_an_address_reserved_for_another_client_does_not_count() -> None:
    assert own(record(DESK), reservation(DESK, STRANGER)) is None


def test_an_own_lease_where_another_item_wants_to_be_does_not_count() -> None:
    assert own(record(DESK), claimed=frozenset({DESK})) is None


def test_an_own_reservation_stays_though_another_item_wants_its_address() -> None:
    assert own(reservation(DESK), claimed=frozenset({DESK})) == DESK


def test_an_own_reservation_that_may_be_moved_gives_way_to_another_item() -> None:
    assert own(reservation(DESK), claimed=frozenset({DESK}), on_conflict=OnConflict.REPLACE) is None


# --- placing ----------------------------------------------------------------------------------------------------------


def test_the_first_address_that_no_other_item_has_is_taken() -> None:
    assert place(wanted(), iter([DESK, SHELF, HALL]), {DESK}).address == SHELF


def test_a_placed_client_is_known_as_allocated() -> None:
    assert place(wanted(), iter([DESK]), set()).allocated


def test_without_a_free_address_the_client_and_the_scope_are_named() -> None:
    with pytest.raises(Conflict) as raised:
        place(wanted(), iter([DESK]), {DESK})
    assert [word for word in (str(PRINTER), "10.0.0.0", "no free address") if word not in str(raised.value)] == []


# --- addresses that nothing uses --------------------------------------------------------------------------------------


@given(ranges=st.lists(spans, max_size=4), exclusions=st.lists(spans, max_size=4), used=st.frozensets(addresses))
def test_unused_is_every_address_of_the_ranges_without_exclusions_and_used_ones(
    ranges: list[AddressRange], exclusions: list[AddressRange], used: frozenset[IPv4Address]
) -> None:
    expected = {
        address
        for number in range(BASE, BASE + 41)
        if any((address := IPv4Address(number)) in span for span in ranges)
        and address not in used
        and not any(address in span for span in exclusions)
    }
    assert set(unused(ranges, exclusions, used)) == expected


@given(ranges=st.lists(spans, min_size=1, max_size=1), exclusions=st.lists(spans, max_size=4))
def test_unused_addresses_of_a_range_come_lowest_first(
    ranges: list[AddressRange], exclusions: list[AddressRange]
) -> None:
    found = list(unused(ranges, exclusions, frozenset()))
    assert found == sorted(set(found))


def test_a_range_up_to_the_last_address_of_all_ends() -> None:
    last = IPv4Address("255.255.255.255")
    assert list(unused([AddressRange(last, last)], [], frozenset())) == [last]


def test_an_exclusion_up_to_the_last_address_of_all_ends() -> None:
    last = IPv4Address("255.255.255.255")
    span = AddressRange(IPv4Address("255.255.255.250"), last)
    assert list(unused([span], [span], frozenset())) == []
