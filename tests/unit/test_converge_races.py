# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Another administrator, or the server itself, changes the site between two calls of a run."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.msrpc.dhcp.tests.simulator.site import option, reservation
from ansible_collections.msrpc.dhcp.tests.simulator.store import Store
from ansible_collections.msrpc.dhcp.tests.unit.fixtures import (
    CREATE,
    DELETE,
    ELSEWHERE,
    GET,
    HOME,
    LATER,
    LIST,
    OURS,
    OUTSIDE,
    RESERVE,
    SET,
    SET_OPTIONS,
    STRANGER,
    UNLEASED,
    UNRESERVE,
    WANTED,
    Bed,
    expiry,
    ours,
)

GONE = {"mac_address": OURS, "ip_address": WANTED, "state": "absent"}

both_codes = pytest.mark.parametrize("code", [20013, 20014])


# --- somebody appears between look-up and create ----------------------------------------------------------------------


@both_codes
def test_the_same_client_that_appears_as_declared_is_present_and_nothing_changed(bed: Bed, code: int) -> None:
    bed.sim.settings.exists_code = code
    bed.sim.faults.add(CREATE, before=lambda store: bed.reserved_record(WANTED, OURS, name="printer"))
    result = bed.declare(ours(name="printer"))
    assert (result.failure, result.changed, result.action) == ("", False, "none")
    assert (result.writes, result.audit) == ({CREATE: 1}, ())
    assert (result.client["name"], result.client["type"]) == ("printer", "reservation")


@both_codes
def test_the_same_client_that_appears_as_a_lease_is_reserved(bed: Bed, code: int) -> None:
    bed.sim.settings.exists_code = code
    bed.sim.faults.add(CREATE, before=lambda store: bed.record(WANTED, OURS, name="printer"))
    result = bed.declare(ours(name="printer"))
    record = bed.record_at(WANTED)
    assert record is not None
    assert record.expires == expiry("2099-01-01T00:00:00Z")
    assert (result.failure, result.changed, result.action) == ("", True, "updated")
    assert result.changes == [(RESERVE, WANTED)]


@both_codes
def test_the_same_client_that_appears_with_another_name_is_named(bed: Bed, code: int) -> None:
    bed.sim.settings.exists_code = code
    bed.sim.faults.add(CREATE, before=lambda store: bed.reserved_record(WANTED, OURS, name="laptop"))
    result = bed.declare(ours(name="printer"))
    assert (result.failure, result.changed, result.action) == ("", True, "updated")
    assert (result.changes, result.client["name"]) == ([(SET, WANTED)], "printer")


@both_codes
def test_the_same_client_that_appears_as_the_declared_lease_changes_nothing(bed: Bed, code: int) -> None:
    bed.sim.settings.exists_code = code
    bed.sim.faults.add(CREATE, before=lambda store: bed.record(WANTED, OURS, name="printer"))
    result = bed.declare(ours(name="printer", type="lease"))
    assert (result.failure, result.changed, result.audit) == ("", False, ())


@both_codes
@pytest.mark.parametrize("kind", ["reservation", "lease"])
def test_a_stranger_that_appears_is_a_failure_that_names_the_holder(bed: Bed, code: int, kind: str) -> None:
    bed.sim.settings.exists_code = code
    bed.sim.faults.add(CREATE, before=lambda store: bed.record(WANTED, STRANGER, name="laptop"))
    result = bed.declare(ours(name="printer", type=kind))
    assert (result.changed, result.action, result.audit) == (False, "none", ())
    assert all(part in result.failure for part in (WANTED, STRANGER, "laptop"))


@both_codes
def test_a_stranger_that_appears_is_byte_for_byte_what_it_was(bed: Bed, code: int) -> None:
    bed.sim.settings.exists_code = code
    stranger = bed.record(ELSEWHERE, STRANGER, name="laptop", comment="c", owner_address=9, state=0x51, status=3)
    del bed.sim.scope(HOME).records[ELSEWHERE]
    moved = type(stranger)(**{**{name: getattr(stranger, name) for name in stranger.__slots__}, "address": 0x0A000014})
    bed.sim.faults.add(CREATE, before=lambda store: store.scope(HOME).records.put(moved))
    bed.declare(ours(name="printer"))
    assert bed.record_at(WANTED) == moved


@both_codes
def test_a_stranger_that_appears_with_a_reservation_is_a_failure(bed: Bed, code: int) -> None:
    bed.sim.settings.exists_code = code
    bed.sim.faults.add(CREATE, before=lambda store: bed.reserved_record(WANTED, STRANGER, name="printer-3f"))
    result = bed.declare(ours())
    assert (result.changed, result.audit) == (False, ())
    assert all(part in result.failure for part in (STRANGER, "printer-3f", "reserved"))


@both_codes
def test_our_client_that_appears_elsewhere_is_reserved_beside_its_lease(bed: Bed, code: int) -> None:
    bed.sim.settings.exists_code = code
    bed.sim.faults.add(CREATE, before=lambda store: bed.record(ELSEWHERE, OURS))
    result = bed.declare(ours(name="printer"))
    assert result.changes == [(RESERVE, WANTED)]
    assert (result.failure, result.action, result.client["pending"]) == ("", "created", ["name"])
    assert "renews" in result.warning


@both_codes
def test_our_client_that_appears_elsewhere_is_a_conflict_for_a_lease(bed: Bed, code: int) -> None:
    bed.sim.settings.exists_code = code
    bed.sim.faults.add(CREATE, before=lambda store: bed.record(ELSEWHERE, OURS))
    result = bed.declare(ours(type="lease"))
    assert (result.changed, result.audit) == (False, ())
    assert ELSEWHERE in result.failure


@both_codes
def test_a_list_goes_through_the_same_race(bed: Bed, code: int) -> None:
    bed.sim.settings.exists_code = code
    bed.sim.faults.add(CREATE, before=lambda store: bed.record(WANTED, STRANGER))
    result = bed.declare(ours(), ours(ELSEWHERE, "00:1c:25:80:a0:44"))
    assert result.actions == ["none", "created"]
    assert STRANGER in result.outcome.clients[0]["error"]


# --- somebody reserves between look-up and reservation ----------------------------------------------------------------


def test_our_client_that_was_reserved_meanwhile_is_present(bed: Bed) -> None:
    bed.record(WANTED, OURS)
    bed.sim.faults.add(RESERVE, before=lambda store: bed.reserve(WANTED, OURS))
    result = bed.declare(ours())
    assert (result.failure, result.changed, result.audit) == ("", False, ())


def test_an_address_that_was_reserved_for_a_stranger_meanwhile_is_a_conflict(bed: Bed) -> None:
    lease = bed.record(WANTED, OURS)
    bed.sim.faults.add(RESERVE, before=lambda store: bed.reserve(WANTED, STRANGER))
    result = bed.declare(ours())
    assert (result.changed, result.audit, bed.record_at(WANTED)) == (False, (), lease)
    assert STRANGER in result.failure


def test_a_stranger_that_comes_before_a_reservation_outside_the_ranges_is_left_alone(bed: Bed) -> None:
    def come(store: Store) -> None:
        where = store.scope(HOME)
        where.ranges[0] = type(where.ranges[0])(start=where.subnet + 1, end=where.ranges[0].end)
        bed.record(OUTSIDE, STRANGER, name="laptop")

    bed.sim.faults.add(RESERVE, before=come)
    result = bed.declare(ours(OUTSIDE, name="printer"))
    record = bed.record_at(OUTSIDE)
    assert record is not None
    assert (record.name, record.client_id.hex(":")) == ("laptop", STRANGER)
    assert (result.changed, result.client["pending"]) == (True, ["name"])
    assert STRANGER in result.warning


# --- a record changes between the plan and the write ------------------------------------------------------------------


def test_a_record_that_became_a_strangers_is_not_changed(bed: Bed) -> None:
    bed.record(WANTED, OURS, name="old")

    def replace(store: Store) -> None:
        del store.scope(HOME).records[WANTED]
        bed.record(WANTED, STRANGER, name="laptop")

    bed.sim.faults.add(GET, nth=2, before=replace)
    result = bed.declare(ours(type="lease", name="printer"))
    assert (result.changed, result.writes) == (False, {})
    assert all(part in result.failure for part in (STRANGER, "laptop", WANTED))


def test_a_record_that_vanished_before_its_change_is_created_again(bed: Bed) -> None:
    bed.reserved_record(WANTED, OURS, name="old")
    bed.sim.faults.add(GET, nth=2, before=lambda store: store.scope(HOME).records.__delitem__(WANTED))
    result = bed.declare(ours(name="printer"))
    assert result.changes == [(CREATE, WANTED)]
    assert (result.failure, result.client["name"]) == ("", "printer")


def test_a_change_sends_the_owner_and_the_expiry_that_were_read_last(bed: Bed) -> None:
    bed.record(WANTED, OURS, name="old", owner_address=1)
    renewed = "2099-02-02T00:00:00Z"
    bed.sim.faults.add(GET, nth=2, before=lambda store: bed.record(WANTED, OURS, owner_address=2, expires=renewed))
    bed.declare(ours(type="lease", name="printer"))
    record = bed.record_at(WANTED)
    assert record is not None
    assert (record.name, record.owner_address, record.expires) == ("printer", 2, expiry(renewed))


def test_a_name_that_changes_right_after_the_write_is_a_failure(bed: Bed) -> None:
    bed.reserved_record(WANTED, OURS, name="old")
    bed.sim.faults.add(SET, after=lambda store: bed.record(WANTED, OURS, name="laptop"))
    result = bed.declare(ours(name="printer"))
    assert (result.changed, result.writes) == (True, {SET: 1})
    assert all(part in result.failure for part in (WANTED, OURS))


def test_a_reservation_that_became_a_strangers_is_not_removed(bed: Bed) -> None:
    bed.reserve(WANTED, OURS)

    def replace(store: Store) -> None:
        del store.scope(HOME).reservations[WANTED]
        bed.reserve(WANTED, STRANGER)

    bed.sim.faults.add(LIST, nth=2, before=replace)
    result = bed.declare(GONE)
    assert (result.changed, result.writes, bed.holder(WANTED)) == (False, {}, STRANGER)


def test_an_address_that_a_stranger_got_reserved_meanwhile_is_not_freed_by_address_alone(bed: Bed) -> None:
    bed.reserve(WANTED, OURS)

    def replace(store: Store) -> None:
        del store.scope(HOME).reservations[WANTED]
        bed.reserve(WANTED, STRANGER)

    bed.sim.faults.add(LIST, nth=2, before=replace)
    result = bed.declare({"ip_address": WANTED, "state": "absent"})
    assert (result.writes, bed.holder(WANTED)) == ({}, STRANGER)


def test_a_strangers_lease_that_came_to_the_reserved_address_is_not_deleted(bed: Bed) -> None:
    bed.reserve(WANTED, OURS)
    bed.sim.faults.add(GET, nth=3, before=lambda store: bed.record(WANTED, STRANGER, name="laptop"))
    result = bed.declare(GONE)
    record = bed.record_at(WANTED)
    assert record is not None
    assert (result.changed, result.writes, record.name) == (False, {}, "laptop")
    assert STRANGER in result.failure


def test_a_strangers_lease_that_comes_while_the_reservation_is_proved_is_not_touched(bed: Bed) -> None:
    bed.reserved_record(WANTED, OURS)

    def come(store: Store) -> None:
        del store.scope(HOME).records[WANTED]
        bed.record(WANTED, STRANGER, name="laptop")

    bed.sim.faults.add(LIST, nth=2, after=come)
    result = bed.declare(GONE)
    record = bed.record_at(WANTED)
    assert record is not None
    assert (result.changed, result.writes, record.name) == (False, {}, "laptop")
    assert record.expires == expiry("2099-01-01T00:00:00Z")


def test_option_values_are_not_written_to_a_reservation_that_became_a_strangers(bed: Bed) -> None:
    bed.reserve(ELSEWHERE, OURS, options=(option(66, "string", "boot.example.com"),))
    bed.sim.store.define(option(66, "string", "boot.example.com"))

    def replace(store: Store) -> None:
        del store.scope(HOME).reservations[WANTED]
        bed.reserve(WANTED, STRANGER)

    bed.sim.faults.add(RESERVE, after=replace)
    result = bed.declare(ours(on_conflict="replace"))
    assert bed.sim.scope(HOME).reservations[WANTED] == reservation(WANTED, STRANGER)
    assert SET_OPTIONS not in [call for call, _address in result.changes if _address == WANTED]


def test_a_reservation_that_is_gone_already_needs_no_write(bed: Bed) -> None:
    bed.reserved_record(WANTED, OURS)

    def remove(store: Store) -> None:
        del store.scope(HOME).reservations[WANTED]
        del store.scope(HOME).records[WANTED]

    bed.sim.faults.add(LIST, nth=2, before=remove)
    result = bed.declare(GONE)
    assert (result.failure, result.changed, result.action, result.writes) == ("", False, "none", {})


def test_a_lease_that_became_a_strangers_is_not_deleted(bed: Bed) -> None:
    bed.record(WANTED, OURS)

    def replace(store: Store) -> None:
        del store.scope(HOME).records[WANTED]
        bed.record(WANTED, STRANGER)

    bed.sim.faults.add(GET, nth=2, before=replace)
    result = bed.declare({**GONE, "type": "lease"})
    assert (result.changed, result.writes) == (False, {})
    assert bed.record_at(WANTED) is not None


def test_a_lease_that_moved_is_not_deleted_at_its_new_address(bed: Bed) -> None:
    bed.record(WANTED, OURS)

    def move(store: Store) -> None:
        del store.scope(HOME).records[WANTED]
        bed.record(ELSEWHERE, OURS)

    bed.sim.faults.add(GET, nth=2, before=move)
    result = bed.declare({**GONE, "type": "lease"})
    assert (result.changed, result.writes) == (False, {})


def test_a_lease_that_was_reserved_meanwhile_is_not_deleted_and_the_message_says_why(bed: Bed) -> None:
    bed.record(WANTED, OURS)
    bed.sim.faults.add(DELETE, before=lambda store: bed.reserve(WANTED, OURS))
    result = bed.declare({**GONE, "type": "lease"})
    assert (result.changed, result.audit) == (False, ())
    assert all(part in result.failure for part in ("reserved", WANTED, OURS))


def test_a_stranger_that_takes_the_freed_address_is_none_of_our_business(bed: Bed) -> None:
    bed.reserved_record(WANTED, OURS)
    bed.sim.faults.add(UNRESERVE, after=lambda store: bed.reserved_record(WANTED, STRANGER))
    result = bed.declare({"ip_address": WANTED, "state": "absent"})
    assert (result.failure, result.changed, bed.holder(WANTED)) == ("", True, STRANGER)
    assert result.writes == {UNRESERVE: 1}


def test_a_site_that_never_comes_to_rest_is_given_up(bed: Bed) -> None:
    reads = []

    def toggle(store: Store) -> None:
        reads.append(1)
        if len(reads) % 2:
            bed.record(WANTED, OURS, name="old", expires=UNLEASED)
        else:
            del store.scope(HOME).records[WANTED]

    bed.reserve(WANTED, OURS)
    bed.sim.faults.add(GET, times=None, before=toggle)
    result = bed.declare(ours(name="printer"))
    assert (result.changed, result.writes) == (False, {})
    assert all(part in result.failure for part in (WANTED, OURS, "changing"))


@pytest.mark.parametrize("fault", [{"status": 8}, {"drop": "before"}], ids=["refused", "lost"])
def test_a_record_that_somebody_else_makes_meanwhile_is_not_taken_for_our_own(bed: Bed, fault: dict[str, Any]) -> None:
    theirs = {"name": "theirs", "expires": LATER}
    bed.sim.faults.add(CREATE, before=lambda _store: bed.record(WANTED, OURS, **theirs), **fault)
    bed.sim.faults.add(RESERVE, status=5)
    result = bed.declare(ours(name="ours"))
    found = bed.record_at(WANTED)
    assert (result.failure != "", found is not None and found.name) == (True, "theirs")


def test_a_refused_reading_before_a_removal_is_not_taken_for_the_removal(bed: Bed) -> None:
    def leave(_store: Store) -> None:
        del bed.sim.scope(HOME).reservations[WANTED]
        del bed.sim.scope(HOME).records[WANTED]

    bed.reserved_record(WANTED, OURS)
    bed.sim.faults.add(LIST, nth=2, status=5, after=leave)
    result = bed.declare(ours(state="absent"))
    assert (result.changed, result.writes, result.action) == (False, {}, "none")
