# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A client that is to be absent: by address, by client, by both, as a reservation and as a lease."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.msrpc.dhcp.tests.unit.fixtures import (
    CREATE,
    DECLINED,
    DELETE,
    DOOMED,
    ELSEWHERE,
    HOME,
    LATER,
    LIST,
    OTHER,
    OURS,
    OUTSIDE,
    PAST,
    STRANGER,
    THERE,
    UNLEASED,
    UNRESERVE,
    WANTED,
    Bed,
    expiry,
    ours,
)

BY_ADDRESS: dict[str, Any] = {"ip_address": WANTED, "state": "absent"}
BY_CLIENT: dict[str, Any] = {"mac_address": OURS, "state": "absent"}
BY_PAIR: dict[str, Any] = {**BY_ADDRESS, **BY_CLIENT}
WAYS = [BY_ADDRESS, BY_CLIENT, BY_PAIR]
WAY_IDS = ["by_address", "by_client", "by_pair"]
TYPES = ["reservation", "lease"]

by_every_way = pytest.mark.parametrize("way", WAYS, ids=WAY_IDS)
of_every_type = pytest.mark.parametrize("kind", TYPES)


# --- nothing to do ----------------------------------------------------------------------------------------------------


@by_every_way
@of_every_type
def test_a_client_that_is_not_there_is_absent_already(bed: Bed, way: dict[str, Any], kind: str) -> None:
    result = bed.declare({**way, "type": kind})
    assert (result.changed, result.action, result.writes, result.warning) == (False, "none", {}, "")


@by_every_way
def test_a_plain_lease_is_no_reservation_to_remove(bed: Bed, way: dict[str, Any]) -> None:
    bed.record(WANTED, OURS)
    result = bed.declare(way)
    assert (result.changed, result.writes) == (False, {})
    assert result.after == result.before


# --- reservations -----------------------------------------------------------------------------------------------------


@by_every_way
def test_a_reservation_goes_with_a_record_that_was_never_leased(bed: Bed, way: dict[str, Any]) -> None:
    bed.reserved_record(WANTED, OURS)
    result = bed.declare(way)
    assert (bed.holder(WANTED), bed.record_at(WANTED)) == (None, None)
    assert (result.changed, result.action, result.writes) == (True, "removed", {UNRESERVE: 1})


@by_every_way
def test_the_active_lease_of_a_reserved_client_stays(bed: Bed, way: dict[str, Any]) -> None:
    bed.record(WANTED, OURS, name="printer")
    bed.reserve(WANTED, OURS)
    result = bed.declare(way)
    record = bed.record_at(WANTED)
    assert bed.holder(WANTED) is None
    assert record is not None
    assert (record.name, record.client_id.hex(":")) == ("printer", OURS)
    assert record.expires != UNLEASED
    assert (result.action, result.writes) == ("removed", {UNRESERVE: 1})


def test_a_warning_says_that_the_lease_stays(bed: Bed) -> None:
    bed.record(WANTED, OURS)
    bed.reserve(WANTED, OURS)
    warning = bed.declare(BY_PAIR).warning
    assert all(part in warning for part in (OURS, WANTED, "expires"))


@by_every_way
def test_a_reservation_without_record_goes_although_the_server_answers_20013(bed: Bed, way: dict[str, Any]) -> None:
    bed.reserve(WANTED, OURS)
    result = bed.declare(way)
    assert bed.holder(WANTED) is None
    assert (result.changed, result.action, result.failure) == (True, "removed", "")


@by_every_way
@of_every_type
def test_absent_twice_changes_nothing_the_second_time(bed: Bed, way: dict[str, Any], kind: str) -> None:
    if kind == "reservation":
        bed.reserved_record(WANTED, OURS)
    else:
        bed.record(WANTED, OURS)
    assert bed.declare({**way, "type": kind}).changed
    result = bed.declare({**way, "type": kind})
    assert (result.changed, result.action, result.writes) == (False, "none", {})


@by_every_way
def test_a_removed_client_is_returned_as_it_was(bed: Bed, way: dict[str, Any]) -> None:
    bed.reserved_record(WANTED, OURS, name="printer", comment="d")
    client = bed.declare(way).client
    assert (client["ip_address"], client["mac_address"], client["scope"]) == (WANTED, OURS, HOME)
    assert (client["name"], client["description"], client["type"]) == ("printer", "d", "reservation")


def test_a_removed_client_has_no_after_in_the_diff(bed: Bed) -> None:
    bed.reserved_record(WANTED, OURS, name="printer")
    diff = bed.declare(BY_CLIENT).outcome.diff
    assert (diff["before"]["name"], diff["after"]) == ("printer", {})


def test_the_reservation_is_proven_immediately_before_it_is_removed(bed: Bed) -> None:
    bed.reserved_record(WANTED, OURS)
    seen: list[int] = []
    bed.sim.faults.add(UNRESERVE, before=lambda store: seen.append(store.counters[LIST]))
    bed.declare(BY_ADDRESS)
    assert seen == [2]


@by_every_way
def test_our_reservation_elsewhere_goes_only_by_client(bed: Bed, way: dict[str, Any]) -> None:
    bed.reserved_record(ELSEWHERE, OURS)
    result = bed.declare(way)
    assert result.changed == (way is BY_CLIENT)
    assert bed.holder(ELSEWHERE) == (None if way is BY_CLIENT else OURS)


def test_a_reservation_beside_a_lease_elsewhere_goes_and_the_lease_stays(bed: Bed) -> None:
    lease = bed.record(ELSEWHERE, OURS)
    bed.reserve(WANTED, OURS)
    result = bed.declare(BY_CLIENT)
    assert (bed.holder(WANTED), bed.record_at(ELSEWHERE)) == (None, lease)
    assert (result.action, result.client["ip_address"]) == ("removed", WANTED)


def test_a_reservation_outside_every_range_goes(bed: Bed) -> None:
    bed.reserved_record(OUTSIDE, OURS)
    assert bed.declare(BY_CLIENT).action == "removed"
    assert (bed.holder(OUTSIDE), bed.record_at(OUTSIDE)) == (None, None)


@pytest.mark.parametrize("state", [DECLINED, DOOMED])
def test_a_reservation_with_a_declined_or_doomed_record_goes(bed: Bed, state: int) -> None:
    bed.record(WANTED, OURS, state=state)
    bed.reserve(WANTED, OURS)
    assert bed.declare(BY_CLIENT).action == "removed"
    assert bed.holder(WANTED) is None


# --- leases -----------------------------------------------------------------------------------------------------------


@by_every_way
def test_a_lease_goes(bed: Bed, way: dict[str, Any]) -> None:
    bed.record(WANTED, OURS, name="laptop")
    result = bed.declare({**way, "type": "lease"})
    assert bed.record_at(WANTED) is None
    assert (result.action, result.writes) == ("removed", {DELETE: 1})
    assert (result.client["type"], result.client["lease_expires"]) == ("lease", LATER)


@by_every_way
def test_a_reserved_lease_is_not_removed_and_the_message_says_how(bed: Bed, way: dict[str, Any]) -> None:
    bed.record(WANTED, OURS)
    bed.reserve(WANTED, OURS)
    result = bed.declare({**way, "type": "lease"})
    assert (result.changed, result.action, result.writes) == (False, "none", {})
    assert all(part in result.failure for part in (OURS, WANTED, "state=absent", "type=reservation"))


def test_a_lease_elsewhere_goes_by_client_and_the_reservation_stays(bed: Bed) -> None:
    bed.record(ELSEWHERE, OURS)
    bed.reserve(WANTED, OURS)
    result = bed.declare({**BY_CLIENT, "type": "lease"})
    assert (bed.record_at(ELSEWHERE), bed.holder(WANTED)) == (None, OURS)
    assert result.client["ip_address"] == ELSEWHERE


@pytest.mark.parametrize("lease", [{"expires": PAST}, {"state": DECLINED}, {"state": DOOMED}, {"expires": UNLEASED}])
def test_a_lease_in_whatever_state_goes(bed: Bed, lease: dict[str, Any]) -> None:
    bed.record(WANTED, OURS, **lease)
    assert bed.declare({**BY_CLIENT, "type": "lease"}).action == "removed"
    assert bed.record_at(WANTED) is None


# --- strangers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lease", [{}, {"expires": PAST}, {"state": DECLINED}, {"state": DOOMED}])
@of_every_type
def test_a_stranger_at_the_address_of_a_pair_is_left_alone(bed: Bed, lease: dict[str, Any], kind: str) -> None:
    bed.record(WANTED, STRANGER, **lease)
    result = bed.declare({**BY_PAIR, "type": kind})
    assert (result.changed, result.writes, result.failure) == (False, {}, "")
    assert all(part in result.warning for part in (WANTED, STRANGER))


@pytest.mark.parametrize("record", [True, False])
@of_every_type
def test_a_strangers_reservation_at_the_address_of_a_pair_is_left_alone(bed: Bed, record: bool, kind: str) -> None:
    if record:
        bed.record(WANTED, STRANGER)
    bed.reserve(WANTED, STRANGER)
    result = bed.declare({**BY_PAIR, "type": kind})
    assert (result.changed, result.writes) == (False, {})
    assert result.after == result.before
    assert STRANGER in result.warning


@pytest.mark.parametrize("reserved", [True, False])
@of_every_type
def test_a_warning_says_where_the_client_of_a_pair_is(bed: Bed, reserved: bool, kind: str) -> None:
    bed.record(ELSEWHERE, OURS)
    if reserved:
        bed.reserve(ELSEWHERE, OURS)
    result = bed.declare({**BY_PAIR, "type": kind})
    assert (result.changed, result.writes) == (False, {})
    assert all(part in result.warning for part in (OURS, ELSEWHERE, WANTED))


def test_a_warning_names_both_where_address_and_client_are_apart(bed: Bed) -> None:
    bed.record(WANTED, STRANGER)
    bed.reserved_record(ELSEWHERE, OURS)
    warning = bed.declare(BY_PAIR).warning
    assert all(part in warning for part in (OURS, ELSEWHERE, WANTED, STRANGER))


@by_every_way
def test_absent_fails_where_a_stranger_lies_at_our_reserved_address(bed: Bed, way: dict[str, Any]) -> None:
    bed.record(WANTED, STRANGER, name="laptop")
    bed.reserve(WANTED, OURS)
    result = bed.declare(way)
    assert (result.changed, result.writes) == (False, {})
    assert result.after == result.before
    assert all(part in result.failure for part in (WANTED, STRANGER, "laptop"))


def test_our_lease_at_an_address_reserved_for_a_stranger_is_not_removed(bed: Bed) -> None:
    bed.record(WANTED, OURS)
    bed.reserve(WANTED, STRANGER)
    result = bed.declare({**BY_CLIENT, "type": "lease"})
    assert result.writes == {}
    assert STRANGER in result.failure


# --- several scopes ---------------------------------------------------------------------------------------------------


@of_every_type
def test_a_client_in_several_scopes_fails_without_scope_and_the_message_lists_them(bed: Bed, kind: str) -> None:
    for ip in (WANTED, THERE):
        bed.record(ip, OURS)
        if kind == "reservation":
            bed.reserve(ip, OURS)
    result = bed.declare({**BY_CLIENT, "type": kind})
    assert (result.changed, result.writes) == (False, {})
    assert all(part in result.failure for part in (OURS, HOME, OTHER, WANTED, THERE, "scope"))


@of_every_type
def test_a_client_in_several_scopes_goes_from_the_named_one(bed: Bed, kind: str) -> None:
    for ip in (WANTED, THERE):
        bed.record(ip, OURS, expires=LATER if kind == "lease" else UNLEASED)
        if kind == "reservation":
            bed.reserve(ip, OURS)
    result = bed.declare({**BY_CLIENT, "type": kind, "scope": OTHER})
    assert result.action == "removed"
    assert bed.record_at(THERE) is None
    assert result.after[HOME] == result.before[HOME]


def test_a_client_of_the_other_scope_is_found_without_scope(bed: Bed) -> None:
    bed.reserved_record(THERE, OURS)
    assert bed.declare(BY_CLIENT).client["scope"] == OTHER
    assert bed.holder(THERE) is None


def test_a_client_is_not_looked_for_outside_the_named_scope(bed: Bed) -> None:
    bed.reserved_record(THERE, OURS)
    result = bed.declare({**BY_CLIENT, "scope": HOME})
    assert (result.changed, bed.holder(THERE)) == (False, OURS)


# --- there and back ---------------------------------------------------------------------------------------------------


@by_every_way
def test_a_client_that_this_module_reserved_leaves_nothing_behind(bed: Bed, way: dict[str, Any]) -> None:
    clean = bed.sim.snapshot()
    bed.declare(ours(name="printer", description="d"))
    bed.declare(way)
    assert bed.sim.snapshot() == clean


def test_a_removed_lease_keeps_no_claim_on_the_address(bed: Bed) -> None:
    bed.declare(ours(type="lease", lease_expires="never"))
    record = bed.record_at(WANTED)
    assert record is not None
    assert record.expires == expiry("never")
    bed.declare({**BY_ADDRESS, "type": "lease"})
    assert bed.declare(ours(mac=STRANGER)).changes[0] == (CREATE, WANTED)
