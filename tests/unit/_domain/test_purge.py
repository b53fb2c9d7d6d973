# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which reservations a list does not name."""

from __future__ import annotations

from ipaddress import IPv4Address

from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.items import Absent, Item, Unplaced
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.model import ClientId, Record, Reservation
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.purge import unlisted
from ansible_collections.msrpc.dhcp.tests.unit._domain.worlds import (
    CAMPUS,
    DESK,
    HALL,
    LAB_DESK,
    PHONE,
    PRINTER,
    ROOF,
    SHELF,
    STRANGER,
    record,
    reservation,
    site,
)

UNPLACED = Unplaced(index=0, scope=CAMPUS.address, client_id=PRINTER)


def gone(address: IPv4Address | None, client_id: ClientId | None = None) -> Absent:
    return Absent(index=0, scope=CAMPUS.address, address=address, client_id=client_id)


def victims(items: list[Item], *entries: Record | Reservation) -> list[tuple[IPv4Address | None, ClientId | None]]:
    found = unlisted(items, site(*entries)[CAMPUS.address], first_index=0)
    return [(victim.address, victim.client_id) for victim in found]


def test_a_reservation_that_no_item_names_is_unlisted() -> None:
    assert victims([UNPLACED.at(DESK)], reservation(SHELF, STRANGER)) == [(SHELF, STRANGER)]


def test_a_reservation_at_the_address_of_a_present_item_is_listed() -> None:
    assert victims([UNPLACED.at(DESK)], reservation(DESK, STRANGER)) == []


def test_a_reservation_of_the_client_of_a_present_item_is_listed() -> None:
    assert victims([UNPLACED.at(DESK)], reservation(SHELF)) == []


def test_a_reservation_of_a_client_that_got_no_address_is_listed() -> None:
    assert victims([UNPLACED], reservation(SHELF)) == []


def test_an_absent_item_lists_nothing() -> None:
    assert victims([gone(DESK, PRINTER)], reservation(DESK)) == [(DESK, PRINTER)]


def test_leases_are_nothing_to_purge() -> None:
    assert victims([UNPLACED.at(DESK)], record(SHELF, STRANGER)) == []


def test_the_reservations_of_another_scope_are_nothing_to_purge() -> None:
    assert victims([UNPLACED.at(DESK)], reservation(LAB_DESK, STRANGER)) == []


def test_the_lowest_address_comes_first() -> None:
    assert victims([UNPLACED.at(DESK)], reservation(ROOF, PHONE), reservation(HALL, STRANGER)) == [
        (HALL, STRANGER),
        (ROOF, PHONE),
    ]


def test_removals_are_numbered_behind_the_items() -> None:
    state = site(reservation(HALL, STRANGER), reservation(ROOF, PHONE))[CAMPUS.address]
    assert [victim.index for victim in unlisted([UNPLACED.at(DESK)], state, first_index=1)] == [1, 2]


def test_removals_name_address_and_client_and_the_option_that_asked_for_them() -> None:
    (victim,) = unlisted([UNPLACED.at(DESK)], site(reservation(HALL, STRANGER))[CAMPUS.address], first_index=1)
    assert (victim.scope, victim.address, victim.client_id, victim.option) == (
        CAMPUS.address,
        HALL,
        STRANGER,
        "purge",
    )
