# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ``on_conflict`` removes and what it does not, and what the declared client takes over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.msrpc.dhcp.tests.simulator.site import OptionValue, Record, Reservation, client_id, option
from ansible_collections.msrpc.dhcp.tests.unit.fixtures import (
    CREATE,
    DECLINED,
    DELETE,
    DOOMED,
    ELSEWHERE,
    FRIEND,
    HOME,
    LATER,
    OPTIONS,
    OURS,
    OUTSIDE,
    PAST,
    RESERVE,
    SET_OPTIONS,
    STRANGER,
    THERE,
    UNLEASED,
    UNRESERVE,
    WANTED,
    Bed,
    Result,
    ours,
)

THIRD = "10.0.0.40"
FREE = "10.0.0.50"
BOOT = option(67, "string", "boot/image")
DNS = option(81, "dword", 23)
# Values of every kind of class, of several elements, and of types that nobody looks into.
VALUES = (
    BOOT,
    DNS,
    option(6, "ip_address", "10.0.0.2", "10.0.0.3"),
    option(43, "binary", "0102ff"),
    option(15, "string", "lab.example", user_class="thin clients"),
    option(1, "word", 7, 8, vendor_class="Acme phones"),
    option(2, "byte", 5, vendor_class="Acme phones", user_class="thin clients"),
)


def reserved(
    bed: Bed, ip: str, mac: str, *values: OptionValue, types: int = 1, leased: str | int = UNLEASED, **more: Any
) -> None:
    """Somebody's reservation with its record and its option values."""
    bed.sim.store.define(*values)
    bed.record(ip, mac, **{"expires": leased, "name": "old", "comment": "old comment", **more})
    bed.reserve(ip, mac, options=values, allowed_client_types=types)


def reservation_at(bed: Bed, ip: str) -> Reservation | None:
    return bed.sim.scope(HOME).reservations.get(ip)


def texts(bed: Bed, ip: str) -> tuple[str | None, str | None]:
    """Name and description of the record at an address."""
    found = bed.record_at(ip)
    return (None, None) if found is None else (found.name, found.comment)


def values_at(bed: Bed, ip: str) -> frozenset[OptionValue]:
    found = reservation_at(bed, ip)
    return frozenset() if found is None else frozenset(found.options)


def in_place(bed: Bed, ip: str, mac: str) -> bool:
    """Whether a client has the address, record and reservation."""
    found = bed.record_at(ip)
    return bed.holder(ip) == mac and found is not None and found.client_id == client_id(mac)


def everything_else(result: Result, *places: str) -> tuple[dict[int, Record | Reservation], ...]:
    """What was there and what is there, without some addresses; equal only if not one octet differs."""
    left: list[dict[int, Record | Reservation]] = []
    for snapshot in (result.before, result.after):
        for scope in snapshot.values():
            left += [{key: each for key, each in scope.records.items() if _dotted(key) not in places}]
            left += [{key: each for key, each in scope.reservations.items() if _dotted(key) not in places}]
    half = len(left) // 2
    assert left[:half] == left[half:]
    return tuple(left[:half])


def _dotted(number: int) -> str:
    return ".".join(str(octet) for octet in number.to_bytes(4, "big"))


REPLACE = ours(on_conflict="replace")
EVICT = ours(on_conflict="evict_lease", name="printer", description="hall")

Situation = Callable[[Bed], object]
STRANGERS: dict[str, Situation] = {
    "active": lambda bed: bed.record(WANTED, STRANGER),
    "expired": lambda bed: bed.record(WANTED, STRANGER, expires=PAST),
    "declined": lambda bed: bed.record(WANTED, STRANGER, state=DECLINED),
    "doomed": lambda bed: bed.record(WANTED, STRANGER, state=DOOMED),
    "never_leased": lambda bed: bed.record(WANTED, STRANGER, expires=UNLEASED),
}
every_stranger = pytest.mark.parametrize("prepare", STRANGERS.values(), ids=STRANGERS)
both_policies = pytest.mark.parametrize("policy", ["evict_lease", "replace"])


def must_be_idle(bed: Bed, *clients: dict[str, Any], **task: Any) -> None:
    """A second run changes nothing and sends no write."""
    again = bed.declare(*clients, **task)
    assert (again.failure, again.changed, again.writes) == ("", False, {})
    assert set(again.actions) == {"none"}


# --- another client's lease at the address ----------------------------------------------------------------------------


@both_policies
@every_stranger
def test_a_strangers_record_is_removed_and_the_client_reserved(bed: Bed, prepare: Situation, policy: str) -> None:
    prepare(bed)
    declared = {**EVICT, "on_conflict": policy}
    result = bed.declare(declared, displaces=[STRANGER])
    assert (result.failure, result.changed, result.action) == ("", True, "replaced")
    assert in_place(bed, WANTED, OURS)
    assert texts(bed, WANTED) == ("printer", "hall")
    assert result.writes == {DELETE: 1, CREATE: 1, RESERVE: 1}
    must_be_idle(bed, declared)


@every_stranger
def test_the_warning_says_that_the_machine_may_still_use_the_address(bed: Bed, prepare: Situation) -> None:
    prepare(bed)
    result = bed.declare(EVICT, displaces=[STRANGER])
    assert all(part in result.warning for part in (STRANGER, WANTED, "may still be using"))


@every_stranger
def test_everything_else_stays_as_it_was(bed: Bed, prepare: Situation) -> None:
    prepare(bed)
    bed.record(ELSEWHERE, FRIEND, state=DECLINED)
    everything_else(bed.declare(EVICT, displaces=[STRANGER]), WANTED)


@every_stranger
def test_without_leave_a_strangers_record_stays(bed: Bed, prepare: Situation) -> None:
    prepare(bed)
    result = bed.declare(ours())
    assert (result.changed, result.writes, result.after) == (False, {}, result.before)
    assert all(part in result.failure for part in (STRANGER, WANTED, "on_conflict=evict_lease"))


def test_an_evicted_record_passes_nothing_on(bed: Bed) -> None:
    bed.record(WANTED, STRANGER, name="theirs", comment="theirs")
    bed.declare(ours(on_conflict="evict_lease"), displaces=[STRANGER])
    assert texts(bed, WANTED) == (None, None)


def test_the_lease_of_a_stranger_can_be_evicted_for_a_lease(bed: Bed) -> None:
    bed.record(WANTED, STRANGER)
    declared = ours(type="lease", on_conflict="evict_lease", lease_expires=LATER)
    result = bed.declare(declared, displaces=[STRANGER])
    assert (result.action, bed.holder(WANTED)) == ("replaced", None)
    assert result.client["mac_address"] == OURS
    must_be_idle(bed, declared)


@pytest.mark.parametrize("kind", ["reservation", "lease"])
def test_a_lease_outside_every_range_is_not_evicted_since_it_might_not_come_back(bed: Bed, kind: str) -> None:
    bed.record(OUTSIDE, STRANGER)
    result = bed.declare(ours(OUTSIDE, type=kind, on_conflict="evict_lease"))
    assert (result.writes, "outside every range" in result.failure) == ({}, True)


@pytest.mark.parametrize("kind", ["reservation", "lease"])
def test_evict_lease_leaves_a_reservation_alone(bed: Bed, kind: str) -> None:
    reserved(bed, WANTED, STRANGER)
    result = bed.declare(ours(on_conflict="evict_lease", type=kind))
    assert (result.writes, result.after) == ({}, result.before)
    assert all(part in result.failure for part in (STRANGER, "never leased", "on_conflict=replace"))


def test_evict_lease_does_not_move_a_client(bed: Bed) -> None:
    reserved(bed, ELSEWHERE, OURS)
    result = bed.declare(ours(on_conflict="evict_lease"))
    assert (result.writes, result.after) == ({}, result.before)
    assert ELSEWHERE in result.failure


# --- another client's reservation at the address ----------------------------------------------------------------------


@pytest.mark.parametrize("leased", [UNLEASED, LATER, PAST], ids=["never_leased", "leased", "expired"])
def test_a_replaced_reservation_keeps_what_was_not_declared_of_it(bed: Bed, leased: str | int) -> None:
    reserved(bed, WANTED, STRANGER, *VALUES, types=3, leased=leased)
    result = bed.declare(REPLACE, displaces=[STRANGER])
    assert (result.failure, result.changed, result.action) == ("", True, "replaced")
    assert in_place(bed, WANTED, OURS)
    assert texts(bed, WANTED) == ("old", "old comment")
    assert values_at(bed, WANTED) == frozenset(VALUES)
    found = reservation_at(bed, WANTED)
    assert found is not None
    assert found.allowed_client_types == 3
    must_be_idle(bed, REPLACE)


def test_a_replaced_reservation_takes_a_declared_name_and_an_emptied_description(bed: Bed) -> None:
    reserved(bed, WANTED, STRANGER, BOOT)
    declared = {**REPLACE, "name": "new", "description": ""}
    bed.declare(declared, displaces=[STRANGER])
    name, description = texts(bed, WANTED)
    assert (name, description or "") == ("new", "")
    assert values_at(bed, WANTED) == {BOOT}


def test_options_are_read_before_anything_is_removed_and_only_once_needed(bed: Bed) -> None:
    bed.reserved_record(WANTED, OURS)
    assert bed.declare(REPLACE).counters[OPTIONS] == 0


def test_a_leased_record_of_the_old_client_is_deleted_by_its_unique_id(bed: Bed) -> None:
    reserved(bed, WANTED, STRANGER, leased=LATER)
    result = bed.declare(REPLACE, displaces=[STRANGER])
    assert result.changes[:2] == [(UNRESERVE, WANTED), (UNRESERVE, WANTED)]
    assert result.changes[2] == (DELETE, WANTED)
    assert "may still be using" in result.warning
    assert result.writes == {UNRESERVE: 1, DELETE: 1, CREATE: 1, RESERVE: 1}


def test_a_reservation_that_was_never_leased_is_replaced_without_a_warning(bed: Bed) -> None:
    reserved(bed, WANTED, STRANGER)
    assert bed.declare(REPLACE, displaces=[STRANGER]).warning == ""


def test_a_reservation_without_record_is_replaced(bed: Bed) -> None:
    bed.sim.store.define(BOOT)
    bed.reserve(WANTED, STRANGER, options=(BOOT,))
    result = bed.declare(REPLACE, displaces=[STRANGER])
    assert (result.failure, result.action) == ("", "replaced")
    assert in_place(bed, WANTED, OURS)
    assert values_at(bed, WANTED) == {BOOT}


def test_replacing_touches_nothing_else(bed: Bed) -> None:
    reserved(bed, WANTED, STRANGER, *VALUES, leased=LATER)
    reserved(bed, ELSEWHERE, FRIEND, BOOT, leased=LATER)
    everything_else(bed.declare(REPLACE, displaces=[STRANGER]), WANTED)


def test_our_own_lease_at_an_address_reserved_for_a_stranger_stays_under_the_new_reservation(bed: Bed) -> None:
    bed.record(WANTED, OURS)
    bed.sim.store.define(BOOT)
    bed.reserve(WANTED, STRANGER, options=(BOOT,))
    result = bed.declare(REPLACE, displaces=[STRANGER])
    assert (result.failure, result.action) == ("", "replaced")
    assert in_place(bed, WANTED, OURS)
    assert values_at(bed, WANTED) == {BOOT}
    must_be_idle(bed, REPLACE)


def test_our_own_unleased_record_at_an_address_reserved_for_a_stranger_is_made_again(bed: Bed) -> None:
    bed.record(WANTED, OURS, expires=UNLEASED)
    bed.reserve(WANTED, STRANGER)
    result = bed.declare(REPLACE, displaces=[STRANGER])
    assert (result.failure, in_place(bed, WANTED, OURS)) == ("", True)


def test_replace_takes_both_a_strangers_reservation_and_a_third_ones_lease_under_it(bed: Bed) -> None:
    bed.record(WANTED, FRIEND)
    bed.reserve(WANTED, STRANGER)
    result = bed.declare(REPLACE, displaces=[STRANGER, FRIEND])
    assert (result.failure, in_place(bed, WANTED, OURS)) == ("", True)
    assert FRIEND in result.warning
    must_be_idle(bed, REPLACE)


def test_unreadable_options_prevent_everything(bed: Bed) -> None:
    reserved(bed, WANTED, STRANGER, BOOT)
    bed.sim.faults.add(OPTIONS, times=None, status=20013)
    result = bed.declare(REPLACE)
    assert (result.changed, result.writes, result.after) == (False, {}, result.before)
    assert all(part in result.failure for part in (WANTED, "option values", "nothing was removed"))


@pytest.mark.parametrize("recipe", [{"fault": 5}, {"fault": 0x6F7}], ids=["access", "fault"])
def test_a_fault_on_reading_options_prevents_everything(bed: Bed, recipe: dict[str, int]) -> None:
    reserved(bed, WANTED, STRANGER, BOOT)
    bed.sim.faults.add(OPTIONS, times=None, **recipe)
    result = bed.declare(REPLACE)
    assert (result.changed, result.writes, result.after) == (False, {}, result.before)
    assert "nothing was removed" in result.failure


def test_an_address_outside_every_range_is_not_replaced_since_it_could_not_be_reserved_again(bed: Bed) -> None:
    reserved(bed, OUTSIDE, STRANGER, BOOT)
    result = bed.declare({**REPLACE, "ip_address": OUTSIDE})
    assert (result.writes, result.after) == ({}, result.before)
    assert all(part in result.failure for part in (OUTSIDE, "outside every range"))


def test_another_clients_reservation_gives_way_to_a_lease(bed: Bed) -> None:
    reserved(bed, WANTED, STRANGER, leased=LATER)
    declared = {**REPLACE, "type": "lease"}
    result = bed.declare(declared, displaces=[STRANGER])
    assert (result.failure, result.action, bed.holder(WANTED)) == ("", "replaced", None)
    assert result.client["mac_address"] == OURS
    must_be_idle(bed, declared)


def test_the_diff_shows_the_old_client_and_the_new_one(bed: Bed) -> None:
    reserved(bed, WANTED, STRANGER)
    diff = bed.declare(REPLACE, displaces=[STRANGER]).outcome.diff
    assert STRANGER in str(diff["before"])
    assert OURS in str(diff["after"])
    assert STRANGER not in str(diff["after"])


# --- a move -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("leased", [UNLEASED, LATER], ids=["never_leased", "leased"])
def test_a_moved_client_takes_everything_along(bed: Bed, leased: str | int) -> None:
    reserved(bed, ELSEWHERE, OURS, *VALUES, types=3, leased=leased)
    result = bed.declare(REPLACE)
    assert (result.failure, result.changed, result.action) == ("", True, "moved")
    assert in_place(bed, WANTED, OURS)
    assert (bed.holder(ELSEWHERE), bed.record_at(ELSEWHERE)) == (None, None)
    assert texts(bed, WANTED) == ("old", "old comment")
    assert values_at(bed, WANTED) == frozenset(VALUES)
    found = reservation_at(bed, WANTED)
    assert found is not None
    assert found.allowed_client_types == 3
    must_be_idle(bed, REPLACE)


def test_without_leave_a_client_is_not_moved(bed: Bed) -> None:
    reserved(bed, ELSEWHERE, OURS)
    result = bed.declare(ours())
    assert (result.writes, result.after) == ({}, result.before)
    assert all(part in result.failure for part in (ELSEWHERE, "on_conflict=replace"))


def test_a_moved_client_keeps_its_own_options_where_it_replaces_another(bed: Bed) -> None:
    reserved(bed, ELSEWHERE, OURS, BOOT, name="mine", comment="my comment")
    reserved(bed, WANTED, STRANGER, DNS)
    result = bed.declare(REPLACE, displaces=[STRANGER])
    assert (result.failure, result.action) == ("", "moved")
    assert texts(bed, WANTED) == ("mine", "my comment")
    assert values_at(bed, WANTED) == {BOOT}
    must_be_idle(bed, REPLACE)


def test_a_move_over_a_strangers_lease_removes_it(bed: Bed) -> None:
    reserved(bed, ELSEWHERE, OURS, BOOT)
    bed.record(WANTED, STRANGER)
    result = bed.declare(REPLACE, displaces=[STRANGER])
    assert (result.failure, result.action) == ("", "moved")
    assert values_at(bed, WANTED) == {BOOT}
    assert in_place(bed, WANTED, OURS)


def test_a_reservation_with_a_strangers_record_at_it_is_not_moved(bed: Bed) -> None:
    bed.record(ELSEWHERE, STRANGER)
    bed.reserve(ELSEWHERE, OURS)
    result = bed.declare(REPLACE)
    assert (result.writes, result.after) == ({}, result.before)
    assert all(part in result.failure for part in (ELSEWHERE, STRANGER))


def test_a_moved_clients_unreadable_options_prevent_everything(bed: Bed) -> None:
    reserved(bed, ELSEWHERE, OURS, BOOT)
    bed.sim.faults.add(OPTIONS, times=None, status=5)
    result = bed.declare(REPLACE)
    assert (result.changed, result.writes, result.after) == (False, {}, result.before)


def test_an_own_lease_elsewhere_is_removed_first(bed: Bed) -> None:
    bed.record(ELSEWHERE, OURS, name="seen", comment="c")
    result = bed.declare(REPLACE)
    assert (result.failure, result.action) == ("", "moved")
    assert in_place(bed, WANTED, OURS)
    assert bed.record_at(ELSEWHERE) is None
    assert result.changes[0] == (DELETE, ELSEWHERE)
    must_be_idle(bed, REPLACE)


@pytest.mark.parametrize("policy", ["fail", "evict_lease"])
def test_without_replace_an_own_lease_elsewhere_stays_beside_the_reservation(bed: Bed, policy: str) -> None:
    bed.record(ELSEWHERE, OURS)
    before = bed.record_at(ELSEWHERE)
    result = bed.declare(ours(on_conflict=policy, name="printer"))
    assert (result.failure, result.client["pending"]) == ("", ["name"])
    assert bed.record_at(ELSEWHERE) == before


def test_a_new_device_that_has_a_lease_already_takes_over_the_name_of_the_one_it_replaces(bed: Bed) -> None:
    reserved(bed, WANTED, STRANGER, BOOT, name="till-3", comment="ground floor")
    bed.record(ELSEWHERE, OURS, name="NPI1234", comment=None)
    result = bed.declare(REPLACE, displaces=[STRANGER])
    assert result.failure == ""
    assert texts(bed, WANTED) == ("till-3", "ground floor")
    assert values_at(bed, WANTED) == {BOOT}
    assert bed.record_at(ELSEWHERE) is None
    must_be_idle(bed, REPLACE)


def test_an_own_lease_elsewhere_is_a_conflict_for_a_lease(bed: Bed) -> None:
    bed.record(ELSEWHERE, OURS)
    result = bed.declare(ours(type="lease"))
    assert (result.writes, result.after) == ({}, result.before)
    assert all(part in result.failure for part in (ELSEWHERE, "on_conflict=replace"))


def test_a_lease_is_moved_with_replace(bed: Bed) -> None:
    bed.record(ELSEWHERE, OURS, name="seen", comment="c")
    declared = {**REPLACE, "type": "lease"}
    result = bed.declare(declared)
    assert (result.failure, result.action) == ("", "moved")
    assert texts(bed, WANTED) == ("seen", "c")
    assert bed.record_at(ELSEWHERE) is None
    must_be_idle(bed, declared)


@pytest.mark.parametrize("ip", [WANTED, ELSEWHERE])
def test_a_lease_declared_for_a_reserved_client_fails_even_with_replace(bed: Bed, ip: str) -> None:
    reserved(bed, ip, OURS, BOOT)
    result = bed.declare({**REPLACE, "type": "lease"})
    assert (result.writes, result.after) == ({}, result.before)
    assert "Remove th" in result.failure


def test_a_lease_at_an_address_reserved_for_somebody_else_is_not_removed(bed: Bed) -> None:
    bed.record(ELSEWHERE, OURS)
    bed.reserve(ELSEWHERE, STRANGER)
    result = bed.declare(REPLACE)
    assert (result.failure, bed.holder(WANTED), bed.holder(ELSEWHERE)) == ("", OURS, STRANGER)
    assert result.writes == {RESERVE: 1}


def test_being_reserved_in_another_scope_is_no_conflict(bed: Bed) -> None:
    bed.reserved_record(THERE, OURS, name="there")
    result = bed.declare(REPLACE)
    assert (result.failure, result.action, in_place(bed, WANTED, OURS)) == ("", "created", True)
    everything_else(result, WANTED)


def test_moving_touches_nothing_else(bed: Bed) -> None:
    reserved(bed, ELSEWHERE, OURS, *VALUES, leased=LATER)
    reserved(bed, THIRD, FRIEND, BOOT, leased=LATER)
    bed.reserved_record(THERE, OURS, name="there")
    everything_else(bed.declare(REPLACE), WANTED, ELSEWHERE)


# --- lists ------------------------------------------------------------------------------------------------------------

PEOPLE = {
    WANTED: (OURS, "anna", "annas desk", option(67, "string", "a")),
    ELSEWHERE: (FRIEND, "berta", "bertas desk", option(67, "string", "b", user_class="thin clients")),
    THIRD: (STRANGER, "clara", "claras desk", option(3, "word", 3, vendor_class="Acme phones")),
}


def settle(bed: Bed, *places: str, leased: str | int = UNLEASED) -> None:
    """Each of these addresses is reserved for its client, with name, description and options."""
    for place in places:
        mac, name, description, value = PEOPLE[place]
        reserved(bed, place, mac, value, leased=leased, name=name, comment=description)


def moved(pairs: dict[str, str]) -> list[dict[str, Any]]:
    """The clients of some addresses, declared at others."""
    return [{"ip_address": there, "mac_address": PEOPLE[here][0]} for here, there in pairs.items()]


def must_have_moved(bed: Bed, pairs: dict[str, str]) -> None:
    for here, there in pairs.items():
        mac, name, description, value = PEOPLE[here]
        assert in_place(bed, there, mac)
        assert texts(bed, there) == (name, description)
        assert values_at(bed, there) == {value}


SWAP = {WANTED: ELSEWHERE, ELSEWHERE: WANTED}
RING = {WANTED: ELSEWHERE, ELSEWHERE: THIRD, THIRD: WANTED}
CHAIN = {WANTED: ELSEWHERE, ELSEWHERE: THIRD, THIRD: FREE}
ROUTES = {"swap": SWAP, "ring": RING, "chain": CHAIN, "chain_backwards": dict(reversed(CHAIN.items()))}
every_route = pytest.mark.parametrize("pairs", ROUTES.values(), ids=ROUTES)


@every_route
@pytest.mark.parametrize("leased", [UNLEASED, LATER], ids=["never_leased", "leased"])
def test_clients_that_change_places_take_everything_along(bed: Bed, pairs: dict[str, str], leased: str | int) -> None:
    settle(bed, *pairs, leased=leased)
    result = bed.declare(*moved(pairs), on_conflict="replace")
    assert (result.failure, set(result.actions)) == ("", {"moved"})
    must_have_moved(bed, pairs)
    everything_else(result, *pairs, *pairs.values())
    must_be_idle(bed, *moved(pairs), on_conflict="replace")


@every_route
def test_check_mode_foresees_who_moves(bed: Bed, pairs: dict[str, str]) -> None:
    settle(bed, *pairs)
    foreseen = bed.declare(*moved(pairs), on_conflict="replace", check=True)
    done = bed.declare(*moved(pairs), on_conflict="replace")
    assert (foreseen.actions, foreseen.outcome.diff, foreseen.changed) == (
        done.actions,
        done.outcome.diff,
        done.changed,
    )


@pytest.mark.parametrize(("pairs", "stays"), [(SWAP, WANTED), (RING, ELSEWHERE), (CHAIN, THIRD)])
def test_if_one_of_them_may_not_move_nobody_does(bed: Bed, pairs: dict[str, str], stays: str) -> None:
    settle(bed, *pairs)
    clients = [
        {**client, "on_conflict": "fail" if client["mac_address"] == PEOPLE[stays][0] else "replace"}
        for client in moved(pairs)
    ]
    result = bed.declare(*clients)
    assert (result.changed, result.writes, result.after) == (False, {}, result.before)
    assert all("error" in client for client in result.outcome.clients)


def test_whose_place_becomes_free_moves_although_the_one_behind_may_not(bed: Bed) -> None:
    settle(bed, *CHAIN)
    clients = [{**client, "on_conflict": "replace"} for client in moved(CHAIN)]
    clients[0]["on_conflict"] = "fail"
    result = bed.declare(*clients)
    assert result.actions == ["none", "moved", "moved"]
    assert in_place(bed, WANTED, OURS)
    must_have_moved(bed, {ELSEWHERE: THIRD, THIRD: FREE})


def test_a_swap_without_replace_changes_nothing(bed: Bed) -> None:
    settle(bed, *SWAP)
    result = bed.declare(*moved(SWAP))
    assert (result.changed, result.writes, result.after) == (False, {}, result.before)
    assert len(result.outcome.clients) == 2
    assert all("error" in client for client in result.outcome.clients)


def test_a_swap_is_planned_around_a_client_whose_options_cannot_be_read(bed: Bed) -> None:
    settle(bed, *SWAP)
    bed.sim.faults.add(OPTIONS, nth=2, times=None, status=5)
    result = bed.declare(*moved(SWAP), on_conflict="replace")
    assert (result.changed, result.writes, result.after) == (False, {}, result.before)


def test_a_holder_that_the_list_removes_is_no_conflict(bed: Bed) -> None:
    reserved(bed, WANTED, STRANGER, BOOT)
    clients = [ours(), {"mac_address": STRANGER, "state": "absent", "scope": HOME}]
    result = bed.declare(*clients)
    assert (result.failure, result.actions) == ("", ["created", "removed"])
    assert in_place(bed, WANTED, OURS)


def test_a_holder_that_the_list_removes_passes_nothing_on(bed: Bed) -> None:
    reserved(bed, WANTED, STRANGER, BOOT)
    result = bed.declare({**REPLACE, "state": "present"}, {"mac_address": STRANGER, "state": "absent", "scope": HOME})
    assert result.failure == ""
    assert texts(bed, WANTED) == (None, None)
    assert values_at(bed, WANTED) == frozenset()


def test_a_listed_holder_that_stays_is_not_replaced(bed: Bed) -> None:
    reserved(bed, WANTED, FRIEND, BOOT)
    result = bed.declare(REPLACE, {"ip_address": ELSEWHERE, "mac_address": FRIEND})
    assert (result.changed, result.after) == (False, result.before)
    assert "does not move away" in result.outcome.clients[0]["error"]


def test_in_a_list_only_the_conflicting_client_fails(bed: Bed) -> None:
    reserved(bed, WANTED, STRANGER)
    result = bed.declare(ours(), {"ip_address": ELSEWHERE, "mac_address": FRIEND})
    assert result.actions == ["none", "created"]
    assert in_place(bed, ELSEWHERE, FRIEND)


# --- reserved for us, but somebody else's record (rule 10) ------------------------------------------------------------


def over_a_strangers_lease(bed: Bed, *values: OptionValue) -> None:
    bed.sim.store.define(*values)
    bed.record(WANTED, STRANGER)
    bed.reserve(WANTED, OURS, options=values, allowed_client_types=3)


def test_a_record_under_our_own_reservation_is_not_touched_without_leave(bed: Bed) -> None:
    over_a_strangers_lease(bed, BOOT)
    result = bed.declare(ours(name="printer"))
    assert (result.failure, result.writes, result.client["pending"]) == ("", {}, ["name"])
    assert STRANGER in result.warning


@both_policies
def test_a_record_under_our_own_reservation_is_evicted_and_the_options_put_back(bed: Bed, policy: str) -> None:
    over_a_strangers_lease(bed, *VALUES)
    declared = {**EVICT, "on_conflict": policy}
    result = bed.declare(declared, displaces=[STRANGER])
    assert (result.failure, result.action) == ("", "replaced")
    assert in_place(bed, WANTED, OURS)
    assert texts(bed, WANTED) == ("printer", "hall")
    assert values_at(bed, WANTED) == frozenset(VALUES)
    found = reservation_at(bed, WANTED)
    assert found is not None
    assert found.allowed_client_types == 3
    must_be_idle(bed, declared)


def test_a_record_without_expiry_goes_with_our_own_reservation(bed: Bed) -> None:
    bed.record(WANTED, STRANGER, expires=UNLEASED)
    bed.reserve(WANTED, OURS)
    result = bed.declare(EVICT, displaces=[STRANGER])
    assert (result.failure, in_place(bed, WANTED, OURS)) == ("", True)
    must_be_idle(bed, EVICT)


def test_our_own_lease_elsewhere_stays_when_a_stranger_is_evicted_from_our_reservation(bed: Bed) -> None:
    over_a_strangers_lease(bed, BOOT)
    bed.record(ELSEWHERE, OURS)
    kept = bed.record_at(ELSEWHERE)
    result = bed.declare(EVICT, displaces=[STRANGER])
    assert (result.failure, result.client["pending"]) == ("", ["name", "description"])
    assert (bed.holder(WANTED), bed.record_at(WANTED), bed.record_at(ELSEWHERE)) == (OURS, None, kept)
    assert values_at(bed, WANTED) == {BOOT}


def test_unreadable_options_prevent_the_eviction_from_our_own_reservation(bed: Bed) -> None:
    over_a_strangers_lease(bed, BOOT)
    bed.sim.faults.add(OPTIONS, times=None, status=5)
    result = bed.declare(EVICT)
    assert (result.changed, result.writes, result.after) == (False, {}, result.before)


# --- check mode -------------------------------------------------------------------------------------------------------

CONFLICTS: dict[str, Situation] = {
    **STRANGERS,
    "reserved": lambda bed: reserved(bed, WANTED, STRANGER, *VALUES),
    "leased_reservation": lambda bed: reserved(bed, WANTED, STRANGER, BOOT, leased=LATER),
    "own_elsewhere": lambda bed: reserved(bed, ELSEWHERE, OURS, *VALUES),
    "own_leased_elsewhere": lambda bed: reserved(bed, ELSEWHERE, OURS, BOOT, leased=LATER),
    "own_lease_elsewhere": lambda bed: bed.record(ELSEWHERE, OURS),
    "rule_10": lambda bed: over_a_strangers_lease(bed, BOOT),
}


@pytest.mark.parametrize("kind", ["reservation", "lease"])
@pytest.mark.parametrize("policy", ["fail", "evict_lease", "replace"])
@pytest.mark.parametrize("prepare", CONFLICTS.values(), ids=CONFLICTS)
def test_check_mode_foresees_what_a_run_does(bed: Bed, prepare: Situation, policy: str, kind: str) -> None:
    prepare(bed)
    declared = ours(on_conflict=policy, type=kind, description="d")
    foreseen = bed.declare(declared, check=True)
    done = bed.declare(declared, displaces=[STRANGER])
    assert (foreseen.changed, foreseen.actions, foreseen.outcome.diff, foreseen.failure) == (
        done.changed,
        done.actions,
        done.outcome.diff,
        done.failure,
    )
    assert foreseen.outcome.warnings == done.outcome.warnings
    again = bed.declare(declared)
    assert (again.writes, again.failure) == ({}, done.failure)


def test_many_conflicts_are_solved_by_one_walk(bed: Bed) -> None:
    clients = []
    for number in range(25):
        ip, mac = f"10.0.0.{100 + number}", f"00:1c:25:80:b0:{number:02x}"
        reserved(bed, ip, f"02:00:00:00:01:{number:02x}", BOOT, leased=LATER)
        clients.append({"ip_address": ip, "mac_address": mac})
    result = bed.declare(
        *clients, on_conflict="replace", displaces=[f"02:00:00:00:01:{number:02x}" for number in range(25)]
    )
    assert (result.failure, set(result.actions)) == ("", {"replaced"})
    assert result.writes == {UNRESERVE: 25, DELETE: 25, CREATE: 25, RESERVE: 25, SET_OPTIONS: 25}
    must_be_idle(bed, *clients, on_conflict="replace")
