# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clients that are declared without an address: the one that they have, else the next free one of their scope."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.msrpc.dhcp.plugins.module_utils import _converge
from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible import options
from ansible_collections.msrpc.dhcp.plugins.module_utils._converge import Outcome, converge
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.desired import resolve
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.items import Item
from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import DhcpError, InvalidInput
from ansible_collections.msrpc.dhcp.tests.simulator.server import Simulator
from ansible_collections.msrpc.dhcp.tests.simulator.site import Failover, Range, Site, address, reservation, scope
from ansible_collections.msrpc.dhcp.tests.simulator.store import Store
from ansible_collections.msrpc.dhcp.tests.unit.fixtures import (
    CREATE,
    DECLINED,
    DELETE,
    DOOMED,
    FRIEND,
    GET,
    HOME,
    NOW,
    OTHER,
    OURS,
    RESERVE,
    SET,
    STRANGER,
    UNRESERVE,
    Bed,
    ours,
    parameters,
)

FIRST, SECOND, THIRD = "10.0.0.10", "10.0.0.11", "10.0.0.12"
FREE = "R_DhcpV4GetFreeIPAddress"
PARTNER = "R_DhcpV4FailoverGetScopeRelationship"
NEITHER = "02:00:00:00:00:02"
ANYWHERE: dict[str, Any] = {"mac_address": OURS, "scope": HOME}

both_codes = pytest.mark.parametrize("code", [20013, 20014])


def friend(number: int) -> str:
    return f"00:1c:25:81:00:{number:02x}"


def shrink(bed: Bed, last: str) -> None:
    """Leave the scope a range from the first address to this one."""
    bed.sim.scope(HOME).ranges[:] = [Range(start=address(FIRST), end=address(last))]


def related(bed: Bed, subnet: str = HOME) -> None:
    """Put a scope into a failover relationship."""
    bed.sim.store.failover.append(
        Failover(
            name="pair",
            primary_server=address("192.0.2.1"),
            secondary_server=address("192.0.2.2"),
            primary_server_name="dhcp1.example.com",
            secondary_server_name="dhcp2.example.com",
            scopes=(address(subnet),),
        )
    )


# --- the client's own address -----------------------------------------------------------------------------------------


def test_the_own_reservation_is_kept_and_nothing_is_written(bed: Bed) -> None:
    bed.reserved_record("10.0.0.77", OURS)
    result = bed.declare(ANYWHERE)
    assert (result.changed, result.action, result.client["ip_address"]) == (False, "none", "10.0.0.77")
    assert (result.writes, result.counters[FREE]) == ({}, 0)


def test_the_own_reservation_comes_before_the_own_lease(bed: Bed) -> None:
    bed.record("10.0.0.60", OURS)
    bed.reserve("10.0.0.77", OURS)
    result = bed.declare(ANYWHERE)
    assert (result.changed, result.client["ip_address"]) == (False, "10.0.0.77")


def test_the_own_lease_becomes_reserved_where_it_is(bed: Bed) -> None:
    lease = bed.record("10.0.0.60", OURS)
    result = bed.declare(ANYWHERE)
    assert (result.changed, result.action, result.client["ip_address"]) == (True, "updated", "10.0.0.60")
    assert (result.changes, bed.record_at("10.0.0.60")) == ([(RESERVE, "10.0.0.60")], lease)


def test_the_own_lease_is_all_that_a_lease_asks_for(bed: Bed) -> None:
    bed.record("10.0.0.60", OURS)
    result = bed.declare({**ANYWHERE, "type": "lease"})
    assert (result.changed, result.action, result.client["ip_address"]) == (False, "none", "10.0.0.60")


def test_the_own_reservation_does_not_become_a_lease(bed: Bed) -> None:
    bed.reserved_record("10.0.0.77", OURS)
    result = bed.declare({**ANYWHERE, "type": "lease"})
    assert "reserved for" in result.failure
    assert result.writes == {}


def test_the_own_reservation_gets_a_new_name(bed: Bed) -> None:
    bed.reserved_record("10.0.0.77", OURS, name="old")
    result = bed.declare({**ANYWHERE, "name": "new"})
    assert (result.action, result.changes) == ("updated", [(SET, "10.0.0.77")])


def test_the_own_declined_record_is_made_active(bed: Bed) -> None:
    bed.record("10.0.0.60", OURS, state=DECLINED)
    result = bed.declare({**ANYWHERE, "type": "lease"})
    assert (result.action, result.changes) == ("updated", [(SET, "10.0.0.60")])


def test_an_address_in_another_scope_is_not_the_own_one(bed: Bed) -> None:
    bed.reserved_record("10.0.1.77", OURS)
    assert bed.declare(ANYWHERE).client["ip_address"] == FIRST


def test_a_lease_at_an_address_that_is_reserved_for_another_stays_and_another_address_is_reserved(bed: Bed) -> None:
    bed.record("10.0.0.60", OURS)
    bed.reserve("10.0.0.60", STRANGER)
    result = bed.declare({**ANYWHERE, "on_conflict": "replace"})
    assert (result.failure, result.client["ip_address"], bed.holder("10.0.0.60")) == ("", FIRST, STRANGER)
    assert "moves to its reservation" in result.warning


# --- the next free address --------------------------------------------------------------------------------------------


def test_the_lowest_free_address_is_created_and_reserved(bed: Bed) -> None:
    result = bed.declare({**ANYWHERE, "name": "printer", "description": "d"})
    assert (result.action, result.client["ip_address"], result.client["name"]) == ("created", FIRST, "printer")
    assert (result.changes, bed.holder(FIRST)) == ([(CREATE, FIRST), (RESERVE, FIRST)], OURS)


def test_a_lease_gets_the_lowest_free_address_too(bed: Bed) -> None:
    result = bed.declare({**ANYWHERE, "type": "lease"})
    assert (result.changes, result.client["lease_expires"]) == ([(CREATE, FIRST)], "never")


def test_a_second_run_is_idle(bed: Bed) -> None:
    bed.declare({**ANYWHERE, "name": "printer"})
    result = bed.declare({**ANYWHERE, "name": "printer"})
    assert (result.changed, result.writes, result.client["ip_address"]) == (False, {}, FIRST)


def test_records_are_skipped(bed: Bed) -> None:
    bed.record(FIRST, STRANGER)
    assert bed.declare(ANYWHERE).client["ip_address"] == SECOND


def test_exclusions_are_skipped(bed: Bed) -> None:
    bed.sim.scope(HOME).exclusions.append(Range(start=address(FIRST), end=address(SECOND)))
    assert bed.declare(ANYWHERE).client["ip_address"] == THIRD


def test_reservations_without_a_record_are_skipped(bed: Bed) -> None:
    bed.reserve(FIRST, STRANGER)
    assert bed.declare(ANYWHERE).client["ip_address"] == SECOND


def test_a_doomed_address_is_skipped_where_the_server_offers_it(bed: Bed) -> None:
    shrink(bed, SECOND)
    doomed = bed.record(FIRST, STRANGER, state=DOOMED)
    result = bed.declare(ANYWHERE)
    assert (result.client["ip_address"], bed.record_at(FIRST)) == (SECOND, doomed)


def test_a_doomed_address_is_no_free_one_even_if_it_is_the_last(bed: Bed) -> None:
    shrink(bed, FIRST)
    doomed = bed.record(FIRST, STRANGER, state=DOOMED)
    result = bed.declare({**ANYWHERE, "on_conflict": "evict_lease"})
    assert "no free address" in result.failure
    assert (result.writes, bed.record_at(FIRST)) == ({}, doomed)


def test_addresses_behind_more_than_a_page_of_reservations_are_found() -> None:
    with Simulator(Site(scopes=(scope("10.8.0.0", 16),))) as simulator:
        bed = Bed(simulator)
        held = simulator.scope("10.8.0.0")
        first = held.ranges[0].start
        for number in range(1100):
            held.reservations.put(reservation(first + number, f"000001{number:06x}"))
        result = bed.declare({"mac_address": OURS, "scope": "10.8.0.0"})
        assert address(result.client["ip_address"]) == first + 1100
        assert result.counters[FREE] == 2


@pytest.mark.parametrize("code", [2, 259])
def test_a_scope_without_range_has_no_free_address(bed: Bed, code: int) -> None:
    bed.sim.settings.no_range_code = code
    bed.sim.scope(HOME).ranges.clear()
    result = bed.declare(ANYWHERE)
    assert "no free address" in result.failure
    assert (result.changed, result.writes) == (False, {})


@pytest.mark.parametrize("code", [20126, 2, 259])
def test_a_partial_list_is_used_whatever_code_comes_with_it(bed: Bed, code: int) -> None:
    bed.sim.settings.end_of_selection_code = code
    assert bed.declare(ANYWHERE).client["ip_address"] == FIRST


def test_a_full_scope_is_a_failure_that_names_the_scope(bed: Bed) -> None:
    shrink(bed, FIRST)
    bed.record(FIRST, STRANGER)
    result = bed.declare(ANYWHERE)
    assert [word for word in (OURS, HOME, "no free address") if word not in result.failure] == []
    assert (result.changed, result.writes, result.client["ip_address"]) == (False, {}, None)


def test_an_unknown_scope_is_a_failure_before_any_write(bed: Bed) -> None:
    with pytest.raises(InvalidInput, match=r"scope='10\.9\.0\.0'"):
        bed.declare({"mac_address": OURS, "scope": "10.9.0.0"})
    assert bed.sim.writes == 0


def test_an_inactive_scope_is_filled_with_a_warning(bed: Bed) -> None:
    bed.sim.scope(HOME).enabled = False
    result = bed.declare(ANYWHERE)
    assert result.action == "created"
    assert f"Scope {HOME} is not active" in result.warning


def test_an_inactive_scope_is_no_news_to_a_client_that_is_there(bed: Bed) -> None:
    bed.sim.scope(HOME).enabled = False
    bed.reserved_record(FIRST, OURS)
    assert bed.declare(ANYWHERE).warning == ""


def test_no_right_to_ask_for_free_addresses_is_a_failure_before_any_write(bed: Bed) -> None:
    bed.sim.faults.add(FREE, status=5)
    with pytest.raises(DhcpError, match="ERROR_ACCESS_DENIED"):
        bed.declare(ANYWHERE)
    assert bed.sim.writes == 0


# --- check mode -------------------------------------------------------------------------------------------------------


def test_check_mode_returns_the_candidate_and_says_that_it_is_not_held(bed: Bed) -> None:
    result = bed.declare(ANYWHERE, check=True)
    assert (result.changed, result.action, result.client["ip_address"]) == (True, "created", FIRST)
    assert f"{FIRST} in scope {HOME} is free now, but check mode does not hold it" in result.warning


def test_a_real_run_does_not_speak_of_check_mode(bed: Bed) -> None:
    assert "check mode" not in bed.declare(ANYWHERE).warning


def test_check_mode_of_an_own_address_has_nothing_to_hold(bed: Bed) -> None:
    bed.record("10.0.0.60", OURS)
    result = bed.declare(ANYWHERE, check=True)
    assert (result.action, result.client["ip_address"], result.warning) == ("updated", "10.0.0.60", "")


def test_check_mode_fails_where_the_scope_is_full(bed: Bed) -> None:
    shrink(bed, FIRST)
    bed.record(FIRST, STRANGER)
    result = bed.declare(ANYWHERE, check=True)
    assert "no free address" in result.failure
    assert "check mode" not in result.warning


def test_check_mode_and_the_run_after_it_agree(bed: Bed) -> None:
    clients = [{"mac_address": friend(number)} for number in range(3)]
    foreseen = bed.declare(*clients, scope=HOME, check=True)
    real = bed.declare(*clients, scope=HOME)
    assert foreseen.outcome.diff == real.outcome.diff
    assert [each["ip_address"] for each in foreseen.outcome.clients] == [FIRST, SECOND, THIRD]


# --- somebody else is faster ------------------------------------------------------------------------------------------


def taking(bed: Bed, ip: str, mac: str) -> Callable[[Store], None]:
    """Another client gets a lease."""

    def take(store: Store) -> None:
        del store
        bed.record(ip, mac)

    return take


@both_codes
def test_the_next_address_is_tried_where_another_client_was_faster(bed: Bed, code: int) -> None:
    bed.sim.settings.exists_code = code
    bed.sim.faults.add(CREATE, before=taking(bed, FIRST, STRANGER))
    bed.sim.faults.add(CREATE, nth=2, before=taking(bed, SECOND, NEITHER))
    result = bed.declare({**ANYWHERE, "name": "printer"})
    assert (result.failure, result.action, result.client["ip_address"]) == ("", "created", THIRD)
    assert (result.counters[CREATE], result.changes) == (3, [(CREATE, THIRD), (RESERVE, THIRD)])


@both_codes
@pytest.mark.parametrize("policy", ["evict_lease", "replace"])
def test_who_was_faster_is_never_removed(bed: Bed, code: int, policy: str) -> None:
    bed.sim.settings.exists_code = code
    bed.sim.faults.add(CREATE, before=taking(bed, FIRST, STRANGER))
    bed.sim.faults.add(CREATE, nth=2, before=taking(bed, SECOND, NEITHER))
    result = bed.declare({**ANYWHERE, "on_conflict": policy})
    assert (result.failure, result.client["ip_address"]) == ("", THIRD)
    assert not {DELETE, UNRESERVE} & set(result.writes)


def test_who_was_faster_and_is_gone_again_costs_one_address(bed: Bed) -> None:
    bed.sim.faults.add(CREATE, status=20013)
    result = bed.declare(ANYWHERE)
    assert (result.failure, result.client["ip_address"]) == ("", SECOND)


def test_a_lost_answer_to_a_create_that_was_too_late_leads_to_the_next_address(bed: Bed) -> None:
    bed.sim.faults.add(CREATE, drop="after", before=taking(bed, FIRST, STRANGER))
    result = bed.declare(ANYWHERE)
    assert (result.failure, result.client["ip_address"]) == ("", SECOND)


def test_a_lost_answer_to_a_create_that_took_effect_keeps_the_address(bed: Bed) -> None:
    bed.sim.faults.add(CREATE, drop="after")
    result = bed.declare(ANYWHERE)
    assert (result.failure, result.changed, result.client["ip_address"]) == ("", True, FIRST)
    assert result.counters[CREATE] == 1


def test_the_same_client_that_got_an_address_meanwhile_keeps_that_one(bed: Bed) -> None:
    bed.sim.faults.add(CREATE, before=taking(bed, "10.0.0.60", OURS))
    result = bed.declare(ANYWHERE)
    assert (result.failure, result.action, result.client["ip_address"]) == ("", "updated", "10.0.0.60")
    assert result.changes == [(RESERVE, "10.0.0.60")]


def test_the_same_client_that_was_reserved_meanwhile_needs_nothing(bed: Bed) -> None:
    bed.sim.faults.add(CREATE, before=lambda store: bed.reserved_record("10.0.0.60", OURS))
    result = bed.declare(ANYWHERE)
    assert (result.failure, result.changed, result.client["ip_address"]) == ("", False, "10.0.0.60")


def test_a_refusal_that_is_no_race_is_not_tried_elsewhere(bed: Bed) -> None:
    bed.sim.faults.add(CREATE, status=5, times=None)
    result = bed.declare(ANYWHERE)
    assert "ERROR_ACCESS_DENIED" in result.failure
    assert result.counters[CREATE] == 1


def test_a_refusal_that_is_no_race_ends_the_search_after_one(bed: Bed) -> None:
    bed.sim.faults.add(CREATE, before=taking(bed, FIRST, STRANGER))
    bed.sim.faults.add(CREATE, nth=2, status=5, times=None)
    result = bed.declare(ANYWHERE)
    assert "ERROR_ACCESS_DENIED" in result.failure
    assert result.counters[CREATE] == 2


def test_a_server_that_refuses_every_address_is_given_up(bed: Bed) -> None:
    bed.sim.faults.add(CREATE, status=20013, times=None)
    result = bed.declare(ANYWHERE)
    assert result.failure
    assert (result.changed, result.counters[CREATE]) == (False, 65)


def test_a_refused_reservation_takes_the_record_back(bed: Bed) -> None:
    bed.sim.faults.add(RESERVE, status=5, times=None)
    result = bed.declare(ANYWHERE)
    assert "ERROR_ACCESS_DENIED" in result.failure
    assert (result.changed, bed.record_at(FIRST)) == (False, None)


def test_a_scope_that_fills_up_meanwhile_is_full(bed: Bed) -> None:
    shrink(bed, FIRST)
    bed.sim.faults.add(CREATE, before=taking(bed, FIRST, STRANGER))
    result = bed.declare(ANYWHERE)
    assert "no free address" in result.failure
    assert (result.changed, result.audit) == (False, ())


def test_an_error_while_looking_for_the_next_address_is_reported_as_it_is(bed: Bed) -> None:
    bed.sim.faults.add(CREATE, before=taking(bed, FIRST, STRANGER))
    # After the create its address is looked up, then its client, then the next candidate: that one fails.
    bed.sim.faults.add(CREATE, after=lambda store: bed.sim.faults.add(GET, nth=3, fault=0x1C00001A))
    result = bed.declare(ANYWHERE)
    assert OURS in result.failure
    assert "no free address" not in result.failure
    assert result.changed is False


def _declare(sim: Simulator, mac: str) -> Outcome:
    """A task of its own, with its own connection."""
    declared = options.declarations(parameters([{"mac_address": mac, "scope": HOME}], single=True), now=NOW)
    with Bed(sim).server() as server:
        return converge(server, declared, single=True, check_mode=False)


@both_codes
def test_of_five_tasks_for_three_addresses_exactly_three_succeed(bed: Bed, code: int) -> None:
    bed.sim.settings.exists_code = code
    shrink(bed, THIRD)
    before = bed.sim.snapshot()
    with ThreadPoolExecutor(5) as pool:
        outcomes = list(pool.map(lambda number: _declare(bed.sim, friend(number)), range(5)))
    lucky = [outcome for outcome in outcomes if outcome.failure is None]
    assert sorted(outcome.clients[0]["ip_address"] for outcome in lucky) == [FIRST, SECOND, THIRD]
    assert [outcome.changed for outcome in lucky] == [True] * 3
    others = [outcome for outcome in outcomes if outcome.failure is not None]
    assert ["no free address" in str(outcome.failure) for outcome in others] == [True] * 2
    assert [outcome.changed for outcome in others] == [False] * 2
    after = bed.sim.snapshot()[HOME]
    new = {address(FIRST), address(SECOND), address(THIRD)}
    assert set(after.records) - set(before[HOME].records) == new
    assert set(after.reservations) - set(before[HOME].reservations) == new
    stored = {record.client_id.hex(":") for where, record in after.records.items() if where in new}
    assert stored == {outcome.clients[0]["mac_address"] for outcome in lucky}


def test_five_tasks_for_the_same_client_agree_on_one_address(bed: Bed) -> None:
    with ThreadPoolExecutor(5) as pool:
        outcomes = list(pool.map(lambda number: _declare(bed.sim, OURS), range(5)))
    assert [outcome.failure for outcome in outcomes] == [None] * 5
    assert len({outcome.clients[0]["ip_address"] for outcome in outcomes}) == 1


# --- many -------------------------------------------------------------------------------------------------------------


def test_clients_with_an_address_come_first(bed: Bed) -> None:
    result = bed.declare({"mac_address": OURS}, ours(FIRST, FRIEND), scope=HOME)
    assert [each["ip_address"] for each in result.outcome.clients] == [SECOND, FIRST]
    assert [change for change in result.changes if change[0] == CREATE] == [(CREATE, FIRST), (CREATE, SECOND)]


@pytest.mark.parametrize("count", [5, 60])
def test_one_list_never_gives_one_address_twice(bed: Bed, count: int) -> None:
    result = bed.declare(*({"mac_address": friend(number)} for number in range(count)), scope=HOME)
    assert result.failure == ""
    assert [address(each["ip_address"]) for each in result.outcome.clients] == [
        address(FIRST) + number for number in range(count)
    ]


def test_a_list_that_is_too_long_for_the_scope_fills_it_and_fails(bed: Bed) -> None:
    shrink(bed, SECOND)
    result = bed.declare(*({"mac_address": friend(number)} for number in range(4)), scope=HOME)
    assert result.actions == ["created", "created", "none", "none"]
    assert "2 of 4 clients failed" in result.failure


def test_a_list_may_allocate_in_two_scopes(bed: Bed) -> None:
    result = bed.declare({"mac_address": OURS, "scope": HOME}, {"mac_address": OURS, "scope": OTHER})
    assert [each["ip_address"] for each in result.outcome.clients] == [FIRST, "10.0.1.10"]


def test_losing_one_race_in_a_list_gives_nobody_the_address_of_another(bed: Bed) -> None:
    bed.sim.faults.add(CREATE, nth=2, before=taking(bed, SECOND, STRANGER))
    result = bed.declare(*({"mac_address": friend(number)} for number in range(3)), scope=HOME)
    assert result.failure == ""
    assert [each["ip_address"] for each in result.outcome.clients] == [FIRST, "10.0.0.13", THIRD]


@pytest.mark.parametrize("named", [{"ip_address": FIRST}, {"mac_address": FRIEND}])
def test_an_address_that_an_absent_item_frees_serves_where_no_other_is_left(bed: Bed, named: dict[str, Any]) -> None:
    shrink(bed, FIRST)
    bed.reserved_record(FIRST, FRIEND)
    result = bed.declare({"mac_address": OURS}, {**named, "state": "absent"}, scope=HOME, displaces=[FRIEND])
    assert (result.failure, result.actions) == ("", ["created", "removed"])
    assert bed.holder(FIRST) == OURS


def test_an_address_that_a_move_frees_serves_where_no_other_is_left(bed: Bed) -> None:
    shrink(bed, SECOND)
    bed.reserved_record(FIRST, FRIEND)
    result = bed.declare({"mac_address": OURS}, ours(SECOND, FRIEND, on_conflict="replace"), scope=HOME)
    assert (result.failure, result.actions) == ("", ["created", "moved"])
    assert (bed.holder(FIRST), bed.holder(SECOND)) == (OURS, FRIEND)


def test_an_address_that_the_list_frees_outside_the_range_is_not_given_out(bed: Bed) -> None:
    shrink(bed, SECOND)
    bed.record(FIRST, STRANGER)
    bed.record(SECOND, NEITHER)
    bed.record("10.0.0.200", FRIEND)
    absent = {"ip_address": "10.0.0.200", "mac_address": FRIEND, "state": "absent", "type": "lease"}
    result = bed.declare({"mac_address": OURS}, absent, scope=HOME)
    assert "no free address" in result.failure
    assert result.actions == ["none", "removed"]


def test_an_excluded_address_that_the_list_frees_is_not_given_out(bed: Bed) -> None:
    shrink(bed, FIRST)
    bed.sim.scope(HOME).exclusions.append(Range(start=address(FIRST), end=address(FIRST)))
    bed.reserved_record(FIRST, FRIEND)
    result = bed.declare({"mac_address": OURS}, {"mac_address": FRIEND, "state": "absent"}, scope=HOME)
    assert "no free address" in result.failure


def test_an_address_with_a_lease_that_outlives_its_reservation_is_not_freed(bed: Bed) -> None:
    shrink(bed, FIRST)
    bed.record(FIRST, FRIEND)
    bed.reserve(FIRST, FRIEND)
    result = bed.declare({"mac_address": OURS}, {"mac_address": FRIEND, "state": "absent"}, scope=HOME)
    assert "no free address" in result.failure


def test_free_addresses_are_preferred_to_one_that_the_list_frees(bed: Bed) -> None:
    bed.reserved_record(FIRST, FRIEND)
    result = bed.declare({"mac_address": OURS}, {"mac_address": FRIEND, "state": "absent"}, scope=HOME)
    assert result.outcome.clients[0]["ip_address"] == SECOND


def test_where_the_removal_fails_its_address_is_not_taken(bed: Bed) -> None:
    shrink(bed, FIRST)
    bed.reserved_record(FIRST, FRIEND)
    bed.sim.faults.add(UNRESERVE, status=5, times=None)
    result = bed.declare({"mac_address": OURS}, {"mac_address": FRIEND, "state": "absent"}, scope=HOME)
    assert "2 of 2 clients failed" in result.failure
    assert (bed.holder(FIRST), CREATE in result.writes) == (FRIEND, False)


def test_an_address_that_is_to_be_free_is_not_given_out(bed: Bed) -> None:
    result = bed.declare({"mac_address": OURS}, {"ip_address": FIRST, "state": "absent"}, scope=HOME)
    assert result.outcome.clients[0]["ip_address"] == SECOND


def test_a_lease_where_another_item_wants_to_be_gives_way(bed: Bed) -> None:
    bed.record(FIRST, OURS)
    result = bed.declare({"mac_address": OURS}, ours(FIRST, FRIEND), scope=HOME, on_conflict="evict_lease")
    assert result.failure == ""
    assert (bed.holder(FIRST), bed.holder(SECOND)) == (FRIEND, OURS)


def test_a_reservation_where_another_item_wants_to_be_moves_with_replace(bed: Bed) -> None:
    bed.reserved_record(FIRST, OURS, name="printer")
    result = bed.declare({"mac_address": OURS}, ours(FIRST, FRIEND), scope=HOME, on_conflict="replace")
    assert (result.failure, result.actions) == ("", ["moved", "created"])
    moved = bed.record_at(SECOND)
    assert (bed.holder(FIRST), moved is not None and moved.name) == (FRIEND, "printer")


def test_a_list_that_empties_an_address_for_one_client_while_another_one_would_keep_it_is_refused(bed: Bed) -> None:
    bed.reserved_record(FIRST, FRIEND, name="friend")
    clients = [{"mac_address": FRIEND}, ours(FIRST, OURS), {"ip_address": FIRST, "state": "absent"}]
    for order in (clients, clients[::-1]):
        declared = options.declarations(parameters(order, single=False, scope=HOME), now=NOW)
        with bed.server() as server, pytest.raises(InvalidInput, match=f"{FRIEND} has {FIRST}, which clients"):
            converge(server, declared, single=False, check_mode=False)
    assert bed.sim.writes == 0


class Counted(list[Item]):
    """Items that count how often somebody goes through them."""

    passes = 0

    def __iter__(self) -> Iterator[Item]:
        self.passes += 1
        return super().__iter__()


def test_clients_that_keep_their_addresses_are_not_each_compared_to_all(
    bed: Bed, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists: list[Counted] = []

    def counted(*given: Any) -> Counted:
        lists.append(Counted(resolve(*given)))
        return lists[-1]

    monkeypatch.setattr(_converge, "resolve", counted)
    macs = [f"02:00:00:00:02:{number:02x}" for number in range(30)]
    for number, mac in enumerate(macs):
        bed.reserved_record(f"10.0.0.{number + 100}", mac)
    result = bed.declare(*({"mac_address": mac} for mac in macs), scope=HOME)
    assert (result.failure, result.changed) == ("", False)
    assert sum(each.passes for each in lists) < len(macs)


def test_a_reservation_where_another_item_wants_to_be_stays_without_replace(bed: Bed) -> None:
    bed.reserved_record(FIRST, OURS)
    result = bed.declare({"mac_address": OURS}, ours(FIRST, FRIEND), scope=HOME)
    assert "1 of 2 clients failed" in result.failure
    assert ("error" in result.outcome.clients[0], result.writes) == (False, {})


def test_an_absent_pair_of_another_client_does_not_move_who_is_at_its_address(bed: Bed) -> None:
    bed.reserved_record(FIRST, OURS)
    result = bed.declare({"mac_address": OURS}, ours(FIRST, FRIEND, state="absent"), scope=HOME, on_conflict="replace")
    assert (result.failure, result.writes, bed.holder(FIRST)) == ("", {}, OURS)


def test_a_lease_that_took_the_place_of_a_reservation_which_the_list_removes_is_kept_by_a_second_run(bed: Bed) -> None:
    bed.reserved_record(FIRST, OURS)
    clients = [{"mac_address": OURS, "type": "lease"}, {"ip_address": FIRST, "state": "absent"}]
    first = bed.declare(*clients, scope=HOME)
    second = bed.declare(*clients, scope=HOME)
    assert (first.failure, first.actions) == ("", ["created", "removed"])
    assert (second.failure, second.changed, second.writes) == ("", False, {})


def test_the_same_client_twice_is_refused(bed: Bed) -> None:
    with pytest.raises(InvalidInput, match="twice"):
        bed.declare({"mac_address": OURS}, {"mac_address": OURS}, scope=HOME)


# --- failover ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize("client", [ANYWHERE, ours(FIRST)])
def test_reserving_in_a_scope_with_a_failover_partner_names_it(bed: Bed, client: dict[str, Any], check: bool) -> None:
    related(bed)
    result = bed.declare(client, check=check)
    assert result.action == "created"
    named = (HOME, "pair", "dhcp2.example.com", "192.0.2.2")
    assert [word for word in named if word not in result.warning] == []


def test_a_secondary_server_names_the_primary_one(bed: Bed) -> None:
    related(bed)
    bed.sim.store.failover[0] = replace(bed.sim.store.failover[0], server_type=1)
    assert "dhcp1.example.com" in bed.declare(ours()).warning


def test_an_idle_run_does_not_warn_of_a_failover_partner(bed: Bed) -> None:
    related(bed)
    bed.declare(ours())
    result = bed.declare(ours())
    assert (result.warning, result.counters[PARTNER]) == ("", 0)


def test_a_lease_needs_no_warning_of_a_failover_partner(bed: Bed) -> None:
    related(bed)
    result = bed.declare(ours(type="lease"))
    assert (result.warning, result.counters[PARTNER]) == ("", 0)


@pytest.mark.parametrize("code", [20115, 20116])
def test_a_scope_without_relationship_has_no_warning(bed: Bed, code: int) -> None:
    bed.sim.settings.no_relationship_code = code
    related(bed, OTHER)
    assert bed.declare(ours()).warning == ""


def test_many_reservations_of_a_scope_are_one_question_and_one_warning(bed: Bed) -> None:
    related(bed)
    result = bed.declare(ours(), ours(FIRST, FRIEND))
    assert (result.counters[PARTNER], len(result.outcome.warnings)) == (1, 1)


@pytest.mark.parametrize(
    "trouble", [{"status": 5}, {"status": 31}, {"fault": 0x1C00001A}, {"drop": "before"}, {"stub": b"\x01"}]
)
def test_a_failover_partner_that_cannot_be_asked_for_stops_no_write(bed: Bed, trouble: dict[str, Any]) -> None:
    bed.sim.faults.add(PARTNER, **trouble)
    result = bed.declare(ours())
    assert (result.failure, result.action) == ("", "created")
    assert "failover partner could not be read" in result.warning
