# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a scope holds, and what each step does to it by the processing rules of MS-DHCPM."""

from __future__ import annotations

import pytest

from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.model import (
    NEVER,
    UNSET,
    AddressState,
    Expiry,
    Record,
    Reservation,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.state import (
    Create,
    DeleteRecord,
    RemoveReservation,
    Reserve,
    ScopeState,
    SetRecord,
    Step,
    differences,
    same_moment,
)
from ansible_collections.msrpc.dhcp.tests.unit._domain.worlds import (
    CAMPUS,
    DESK,
    GATE,
    HALL,
    LATER,
    PHONE,
    PRINTER,
    SHELF,
    SOON,
    STRANGER,
    record,
    reservation,
    site,
)

CREATE = Create(scope=CAMPUS, address=DESK, client_id=PRINTER, name="pc", description="d", expires=SOON)
RESERVE = Reserve(scope=CAMPUS, address=DESK, client_id=PRINTER)
RENAME = SetRecord(scope=CAMPUS, address=DESK, client_id=PRINTER, name="pc")
UNRESERVE = RemoveReservation(scope=CAMPUS, address=DESK, client_id=PRINTER)
DELETE = DeleteRecord(scope=CAMPUS, address=DESK, client_id=PRINTER)


def campus(*entries: Record | Reservation) -> ScopeState:
    return site(*entries)[CAMPUS.address]


def after(step: Step, *entries: Record | Reservation) -> ScopeState:
    state = campus(*entries)
    state.advance(step)
    return state


# --- what it holds ----------------------------------------------------------------------------------------------------


def test_a_record_is_found_by_address_and_by_client() -> None:
    state = campus(record(DESK))
    assert state.record_at(DESK) == state.record_of(PRINTER) == record(DESK)


def test_a_reservation_is_found_by_address_and_by_client() -> None:
    state = campus(reservation(DESK))
    assert state.reservation_at(DESK) == state.reservation_of(PRINTER) == reservation(DESK)


def test_what_is_not_there_is_not_found() -> None:
    state = campus(record(SHELF, STRANGER), reservation(SHELF, STRANGER))
    found = (state.record_at(DESK), state.record_of(PRINTER), state.reservation_at(DESK), state.reservation_of(PRINTER))
    assert found == (None, None, None, None)


def test_everything_is_listed() -> None:
    state = campus(record(DESK), record(SHELF, STRANGER), reservation(HALL, PHONE))
    assert (len(list(state.records)), list(state.reservations)) == (2, [reservation(HALL, PHONE)])


def test_a_record_takes_the_place_of_one_at_its_address() -> None:
    state = campus(record(DESK, STRANGER), record(DESK))
    assert (state.record_at(DESK), state.record_of(STRANGER)) == (record(DESK), None)


def test_a_reservation_takes_the_place_of_one_at_its_address() -> None:
    state = campus(reservation(DESK, STRANGER), reservation(DESK))
    assert (state.reservation_at(DESK), state.reservation_of(STRANGER)) == (reservation(DESK), None)


def test_removing_the_older_of_a_clients_two_records_leaves_the_newer() -> None:
    state = campus(record(DESK), record(SHELF))
    state.remove_record(DESK)
    assert state.record_of(PRINTER) == record(SHELF)


def test_removing_the_older_of_a_clients_two_reservations_leaves_the_newer() -> None:
    state = campus(reservation(DESK), reservation(SHELF))
    state.remove_reservation(DESK)
    assert state.reservation_of(PRINTER) == reservation(SHELF)


def test_removing_what_is_not_there_changes_nothing() -> None:
    state = campus(record(DESK), reservation(DESK))
    state.remove_record(SHELF)
    state.remove_reservation(SHELF)
    assert state == campus(record(DESK), reservation(DESK))


def test_a_copy_goes_its_own_way() -> None:
    state = campus(record(DESK), reservation(DESK))
    copy = state.copy()
    assert copy == state
    copy.advance(UNRESERVE)
    copy.add_record(record(SHELF, STRANGER))
    copy.remove_record(DESK)
    assert state == campus(record(DESK), reservation(DESK))


def test_the_ends_of_the_ranges_are_in_range() -> None:
    assert [campus().has_in_range(address) for address in (DESK, SHELF, HALL, GATE)] == [True, True, True, False]


def test_a_scope_without_range_has_no_address_in_range() -> None:
    assert not ScopeState(scope=CAMPUS, ranges=()).has_in_range(DESK)


def test_asking_for_ranges_that_were_not_read_is_a_bug() -> None:
    with pytest.raises(LookupError, match=r"ranges of scope 10\.0\.0\.0"):
        ScopeState(scope=CAMPUS).has_in_range(DESK)


# --- what a step does -------------------------------------------------------------------------------------------------


def test_creating_makes_an_active_record_as_asked() -> None:
    assert after(CREATE) == campus(record(DESK, name="pc", description="d", expires=SOON))


def test_reserving_makes_a_nameless_record_where_the_client_has_none() -> None:
    assert after(RESERVE) == campus(reservation(DESK), record(DESK, expires=UNSET))


def test_reserving_leaves_a_record_at_the_address_as_it_is() -> None:
    assert after(RESERVE, record(DESK, name="pc")).record_at(DESK) == record(DESK, name="pc")


def test_reserving_over_a_strangers_record_leaves_it_as_it_is() -> None:
    assert after(RESERVE, record(DESK, STRANGER)) == campus(record(DESK, STRANGER), reservation(DESK))


def test_reserving_makes_no_record_for_a_client_that_has_one_elsewhere() -> None:
    assert after(RESERVE, record(SHELF)) == campus(record(SHELF), reservation(DESK))


def test_changing_leaves_what_is_not_named() -> None:
    state = after(RENAME, record(DESK, name="old", description="d"))
    assert state == campus(record(DESK, name="pc", description="d"))


def test_changing_clears_with_an_empty_text() -> None:
    step = SetRecord(scope=CAMPUS, address=DESK, client_id=PRINTER, name="", description="")
    assert after(step, record(DESK, name="old", description="d")) == campus(record(DESK))


@pytest.mark.parametrize("state", list(AddressState))
def test_changing_makes_active(state: AddressState) -> None:
    assert after(RENAME, record(DESK, state=state)) == campus(record(DESK, name="pc"))


def test_changing_gives_a_lease_its_new_expiry() -> None:
    step = SetRecord(scope=CAMPUS, address=DESK, client_id=PRINTER, expires=LATER)
    assert after(step, record(DESK)) == campus(record(DESK, expires=LATER))


def test_changing_keeps_the_expiry_of_a_reserved_address() -> None:
    step = SetRecord(scope=CAMPUS, address=DESK, client_id=PRINTER, name="pc", expires=LATER)
    state = after(step, record(DESK), reservation(DESK))
    assert state == campus(record(DESK, name="pc"), reservation(DESK))


def test_changing_a_record_that_is_gone_does_nothing() -> None:
    assert after(RENAME) == campus()


def test_a_record_without_expiry_goes_with_its_reservation() -> None:
    assert after(UNRESERVE, record(DESK, expires=UNSET), reservation(DESK)) == campus()


def test_a_record_with_an_expiry_stays_when_its_reservation_goes() -> None:
    assert after(UNRESERVE, record(DESK), reservation(DESK)) == campus(record(DESK))


def test_a_reservation_without_record_goes() -> None:
    assert after(UNRESERVE, reservation(DESK)) == campus()


def test_deleting_removes_the_record_alone() -> None:
    assert after(DELETE, record(DESK), record(SHELF, STRANGER)) == campus(record(SHELF, STRANGER))


# --- what shows that a step was done ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "entries"),
    [
        (CREATE, (record(DESK),)),
        (RESERVE, (reservation(DESK),)),
        (RENAME, (record(DESK, name="pc"),)),
        (UNRESERVE, (record(DESK),)),
        (UNRESERVE, (reservation(DESK, STRANGER),)),
        (DELETE, ()),
        (DELETE, (record(DESK, STRANGER),)),
        (DELETE, (record(SHELF),)),
    ],
)
def test_what_a_step_is_for_is_there(step: Step, entries: tuple[Record | Reservation, ...]) -> None:
    assert campus(*entries).shows(step)


@pytest.mark.parametrize(
    ("step", "entries"),
    [
        (CREATE, ()),
        (CREATE, (record(DESK, STRANGER),)),
        (CREATE, (record(SHELF),)),
        (CREATE, (reservation(DESK),)),
        (RESERVE, ()),
        (RESERVE, (record(DESK),)),
        (RESERVE, (reservation(DESK, STRANGER),)),
        (RESERVE, (reservation(SHELF),)),
        (RENAME, ()),
        (RENAME, (record(DESK, name="other"),)),
        (RENAME, (record(DESK, STRANGER, name="pc"),)),
        (UNRESERVE, (reservation(DESK),)),
        (DELETE, (record(DESK),)),
    ],
)
def test_what_a_step_is_for_is_not_there(step: Step, entries: tuple[Record | Reservation, ...]) -> None:
    assert not campus(*entries).shows(step)


@pytest.mark.parametrize(
    "found",
    [
        record(DESK, name="other", description="d"),
        record(DESK, name="pc", description="other"),
        record(DESK, name="pc", description="d", expires=LATER),
        record(DESK, name="pc", description="d", state=AddressState.DECLINED),
        record(DESK, name="pc", description="d", state=AddressState.DOOMED),
    ],
)
def test_a_change_that_did_not_arrive_in_full_differs(found: Record) -> None:
    step = SetRecord(scope=CAMPUS, address=DESK, client_id=PRINTER, name="pc", description="d", expires=SOON)
    assert differences(found, step)


def test_a_change_that_arrived_in_full_does_not_differ() -> None:
    step = SetRecord(scope=CAMPUS, address=DESK, client_id=PRINTER, name="pc", description="d", expires=SOON)
    assert not differences(record(DESK, name="pc", description="d"), step)


def test_a_name_that_a_change_leaves_cannot_differ() -> None:
    step = SetRecord(scope=CAMPUS, address=DESK, client_id=PRINTER, description="d")
    assert not differences(record(DESK, name="pc", description="d"), step)


def test_what_a_change_does_not_name_cannot_differ() -> None:
    assert not differences(record(DESK, name="pc", description="other", expires=LATER), RENAME)


@pytest.mark.parametrize(("ticks", "same"), [(0, True), (9_999_999, True), (10_000_000, False)])
def test_moments_are_the_same_to_the_second(ticks: int, *, same: bool) -> None:
    later = Expiry(SOON.filetime + ticks)
    assert same_moment(SOON, later) is same_moment(later, SOON) is same


def test_never_is_no_moment_that_comes() -> None:
    assert not same_moment(NEVER, LATER)
