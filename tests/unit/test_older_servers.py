# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server of Windows Server 2008 R2, which answers every newer call with a fault that costs a new logon."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.msrpc.dhcp.tests.simulator.site import Failover, Range, address
from ansible_collections.msrpc.dhcp.tests.unit.fixtures import (
    BYSTANDER,
    CREATE,
    DOOMED,
    ELSEWHERE,
    FRIEND,
    HOME,
    OTHER,
    OURS,
    RESERVE,
    STRANGER,
    WALK,
    WANTED,
    Bed,
    ours,
)

FIRST, SECOND = "10.0.0.10", "10.0.0.11"
ANYWHERE: dict[str, Any] = {"mac_address": OURS, "scope": HOME}


@pytest.fixture(autouse=True)
def of_2008r2(bed: Bed) -> None:
    """The server has none of the calls that came later."""
    bed.sim.settings.generation = "2008r2"


def logons(bed: Bed) -> int:
    """How often the collection logged on: once, and once more after each fault."""
    return bed.sim.handshakes["logon"]


# --- what needs no newer call -----------------------------------------------------------------------------------------


def test_a_client_is_created_reserved_and_found_again(bed: Bed) -> None:
    first = bed.declare(ours(name="printer", description="d"))
    assert (first.failure, first.action, bed.holder(WANTED)) == ("", "created", OURS)
    second = bed.declare(ours(name="printer", description="d"))
    assert (second.changed, second.writes) == (False, {})


def test_a_client_is_renamed(bed: Bed) -> None:
    bed.reserved_record(WANTED, OURS, name="old")
    assert bed.declare(ours(name="new")).client["name"] == "new"


def test_a_lease_is_made_and_removed(bed: Bed) -> None:
    assert bed.declare(ours(type="lease")).action == "created"
    assert bed.declare(ours(type="lease", state="absent")).action == "removed"
    assert bed.record_at(WANTED) is None


def test_a_reservation_is_removed(bed: Bed) -> None:
    bed.reserved_record(WANTED, OURS)
    result = bed.declare(ours(state="absent"))
    assert (result.failure, result.action, bed.holder(WANTED)) == ("", "removed", None)


def test_a_lease_in_the_way_is_evicted(bed: Bed) -> None:
    bed.record(WANTED, STRANGER)
    result = bed.declare(ours(on_conflict="evict_lease"), displaces=[STRANGER])
    assert (result.failure, result.action, bed.holder(WANTED)) == ("", "replaced", OURS)


def test_a_reservation_in_the_way_is_replaced(bed: Bed) -> None:
    bed.reserved_record(WANTED, STRANGER, name="printer")
    result = bed.declare(ours(on_conflict="replace"), displaces=[STRANGER])
    assert (result.failure, result.client["name"], bed.holder(WANTED)) == ("", "printer", OURS)


def test_a_client_is_moved(bed: Bed) -> None:
    bed.reserved_record(ELSEWHERE, OURS, name="printer")
    result = bed.declare(ours(on_conflict="replace"))
    assert (result.failure, result.action, bed.holder(ELSEWHERE), bed.holder(WANTED)) == ("", "moved", None, OURS)


def test_two_clients_swap_their_addresses(bed: Bed) -> None:
    bed.reserved_record(WANTED, OURS)
    bed.reserved_record(ELSEWHERE, FRIEND)
    result = bed.declare(ours(ELSEWHERE), ours(WANTED, FRIEND), on_conflict="replace")
    assert (result.failure, bed.holder(ELSEWHERE), bed.holder(WANTED)) == ("", OURS, FRIEND)


def test_many_clients_are_declared_and_found_again(bed: Bed) -> None:
    clients = [ours(f"10.0.0.{100 + number}", f"00:1c:25:81:00:{number:02x}") for number in range(40)]
    assert set(bed.declare(*clients).actions) == {"created"}
    assert bed.declare(*clients).writes == {}


def test_what_is_not_listed_is_purged(bed: Bed) -> None:
    result = bed.declare(ours(), single=False, scope=HOME, purge=True, displaces=[BYSTANDER])
    assert (result.failure, [each["ip_address"] for each in result.outcome.purged]) == ("", ["10.0.0.99"])


# --- free addresses ---------------------------------------------------------------------------------------------------


def test_the_lowest_free_address_is_found_without_asking(bed: Bed) -> None:
    result = bed.declare(ANYWHERE)
    assert (result.failure, result.client["ip_address"]) == ("", FIRST)
    assert result.changes == [(CREATE, FIRST), (RESERVE, FIRST)]


def test_a_second_run_is_idle(bed: Bed) -> None:
    bed.declare(ANYWHERE)
    result = bed.declare(ANYWHERE)
    assert (result.changed, result.writes, result.client["ip_address"]) == (False, {}, FIRST)


@pytest.mark.parametrize("state", [1, DOOMED])
def test_records_are_skipped(bed: Bed, state: int) -> None:
    bed.record(FIRST, STRANGER, state=state)
    assert bed.declare(ANYWHERE).client["ip_address"] == SECOND


def test_exclusions_are_skipped(bed: Bed) -> None:
    bed.sim.scope(HOME).exclusions.append(Range(start=address(FIRST), end=address("10.0.0.19")))
    assert bed.declare(ANYWHERE).client["ip_address"] == WANTED


def test_reservations_without_a_record_are_skipped(bed: Bed) -> None:
    bed.reserve(FIRST, STRANGER)
    assert bed.declare(ANYWHERE).client["ip_address"] == SECOND


def test_a_full_scope_is_a_failure(bed: Bed) -> None:
    bed.sim.scope(HOME).ranges[:] = [Range(start=address(FIRST), end=address(FIRST))]
    bed.reserve(FIRST, STRANGER)
    result = bed.declare(ANYWHERE)
    assert "no free address" in result.failure
    assert result.writes == {}


def test_a_lost_race_leads_to_the_next_address(bed: Bed) -> None:
    bed.sim.faults.add(CREATE, before=lambda store: bed.record(FIRST, STRANGER))
    result = bed.declare(ANYWHERE)
    assert (result.failure, result.client["ip_address"]) == ("", SECOND)


def test_one_walk_of_the_scope_serves_all_clients(bed: Bed) -> None:
    result = bed.declare({"mac_address": OURS}, {"mac_address": FRIEND}, scope=HOME)
    assert [each["ip_address"] for each in result.outcome.clients] == [FIRST, SECOND]
    assert result.counters[WALK] == 1


def test_check_mode_returns_the_candidate(bed: Bed) -> None:
    result = bed.declare(ANYWHERE, check=True)
    assert (result.client["ip_address"], "does not hold it" in result.warning) == (FIRST, True)


# --- what newer calls would tell --------------------------------------------------------------------------------------


def test_a_reservation_costs_one_fault_and_no_warning(bed: Bed) -> None:
    result = bed.declare(ours())
    assert (result.failure, result.warning, logons(bed)) == ("", "", 2)


def test_reservations_in_two_scopes_cost_one_fault(bed: Bed) -> None:
    result = bed.declare(ours(), ours("10.0.1.20", FRIEND))
    assert (result.failure, logons(bed)) == ("", 2)


def test_free_addresses_of_two_scopes_and_the_question_for_partners_cost_one_fault(bed: Bed) -> None:
    result = bed.declare({"mac_address": OURS, "scope": HOME}, {"mac_address": OURS, "scope": OTHER})
    assert (result.failure, result.actions, logons(bed)) == ("", ["created", "created"], 2)


def test_an_idle_run_costs_no_fault(bed: Bed) -> None:
    bed.reserved_record(WANTED, OURS)
    bed.declare(ours())
    assert logons(bed) == 1


def test_a_partner_that_the_server_cannot_know_is_not_named(bed: Bed) -> None:
    bed.sim.store.failover.append(Failover(name="pair", primary_server=1, secondary_server=2, scopes=(address(HOME),)))
    assert bed.declare(ours()).warning == ""


def test_a_connection_that_cannot_be_had_again_after_the_fault_writes_nothing(bed: Bed) -> None:
    bed.sim.faults.add("bind", nth=2, drop="before", times=None)
    result = bed.declare(ours())
    assert result.failure
    assert (result.changed, result.audit) == (False, ())
