# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a list does not name is removed: only reservations, only of its scope, never more than allowed, always last."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import DhcpError, InvalidInput
from ansible_collections.msrpc.dhcp.tests.simulator.store import Store
from ansible_collections.msrpc.dhcp.tests.unit.fixtures import (
    BYSTANDER,
    CREATE,
    DELETE,
    ELSEWHERE,
    FRIEND,
    HOME,
    LIST,
    OTHER,
    OURS,
    RESERVE,
    SET,
    STRANGER,
    THERE,
    UNLEASED,
    UNRESERVE,
    WANTED,
    Bed,
    Result,
    ours,
)

OLD = "10.0.0.40"
OLDER = "10.0.0.41"
# The bystander's reservation in HOME, which no test's list names.
UNNAMED = "10.0.0.99"
SOMEBODY = "02:00:00:00:00:05"


def tidy(bed: Bed, *clients: dict[str, Any], **task: Any) -> Result:
    """Declare a list that is all that the scope is to reserve."""
    displaces = [BYSTANDER, STRANGER, SOMEBODY]
    return bed.declare(*clients, single=False, scope=HOME, purge=True, displaces=displaces, **task)


def purged(result: Result) -> list[str]:
    return [each["ip_address"] for each in result.outcome.purged]


# --- what goes --------------------------------------------------------------------------------------------------------


def test_a_reservation_that_is_not_listed_goes_with_its_record(bed: Bed) -> None:
    result = tidy(bed, ours())
    assert (result.failure, result.changed, purged(result)) == ("", True, [UNNAMED])
    assert (bed.holder(UNNAMED), bed.record_at(UNNAMED)) == (None, None)


def test_what_was_purged_is_returned_as_it_was(bed: Bed) -> None:
    (removed,) = tidy(bed, ours()).outcome.purged
    assert (removed["mac_address"], removed["name"], removed["description"]) == (BYSTANDER, "bystander", "not ours")
    assert (removed["action"], removed["type"], removed["scope"]) == ("removed", "reservation", HOME)


def test_what_is_purged_is_in_the_diff(bed: Bed) -> None:
    diff = tidy(bed, ours()).outcome.diff
    assert BYSTANDER in str(diff["before"])
    assert BYSTANDER not in str(diff["after"])


def test_without_purge_nothing_unlisted_goes(bed: Bed) -> None:
    result = bed.declare(ours(), single=False, scope=HOME)
    assert (result.outcome.purged, bed.holder(UNNAMED)) == ([], BYSTANDER)


def test_a_second_run_is_idle(bed: Bed) -> None:
    tidy(bed, ours(name="printer"))
    result = tidy(bed, ours(name="printer"))
    assert (result.changed, result.writes, result.outcome.purged) == (False, {}, [])


def test_leases_stay(bed: Bed) -> None:
    before = bed.sim.snapshot()[HOME].records
    after = tidy(bed, ours()).after[HOME].records
    neighbour = 0x0A000062
    assert after[neighbour] == before[neighbour]


def test_an_active_lease_stays_when_its_reservation_goes(bed: Bed) -> None:
    bed.record(OLD, STRANGER)
    bed.reserve(OLD, STRANGER)
    result = tidy(bed, ours())
    assert (bed.holder(OLD), bed.record_at(OLD) is not None) == (None, True)
    assert f"{STRANGER} at {OLD} in scope {HOME} stays until it expires" in result.warning


def test_a_reservation_without_a_record_goes(bed: Bed) -> None:
    bed.reserve(OLD, STRANGER)
    result = tidy(bed, ours())
    assert (result.failure, bed.holder(OLD), purged(result)) == ("", None, [OLD, UNNAMED])


def test_the_removals_come_last(bed: Bed) -> None:
    calls = [call for call, _address in tidy(bed, ours(), ours(ELSEWHERE, FRIEND)).changes]
    assert calls[:4] == [CREATE, RESERVE, CREATE, RESERVE]
    assert set(calls[4:]) == {UNRESERVE}


def test_more_removals_than_look_ups_pay_for_are_one_walk(bed: Bed) -> None:
    for number in range(30):
        bed.reserve(f"10.0.0.{100 + number}", f"02:00:00:00:01:{number:02x}")
    clients = [f"02:00:00:00:01:{number:02x}" for number in range(30)]
    result = bed.declare(ours(), single=False, scope=HOME, purge=True, purge_limit=50, displaces=[BYSTANDER, *clients])
    assert (result.failure, len(purged(result))) == ("", 31)


# --- what is listed ---------------------------------------------------------------------------------------------------


def test_a_reservation_whose_client_is_listed_at_another_address_stays(bed: Bed) -> None:
    bed.reserved_record(OLD, OURS)
    result = tidy(bed, ours(on_conflict="fail"))
    assert result.failure
    assert (bed.holder(OLD), result.outcome.purged) == (OURS, [])


def test_a_client_that_moves_is_moved_and_not_purged(bed: Bed) -> None:
    bed.reserved_record(OLD, OURS)
    result = tidy(bed, ours(on_conflict="replace"))
    assert (result.action, purged(result)) == ("moved", [UNNAMED])


def test_a_replaced_holder_is_replaced_and_not_purged(bed: Bed) -> None:
    bed.reserved_record(WANTED, STRANGER)
    result = tidy(bed, ours(on_conflict="replace"))
    assert (result.action, purged(result), bed.holder(WANTED)) == ("replaced", [UNNAMED], OURS)


def test_a_client_without_declared_address_is_listed_by_its_identifier(bed: Bed) -> None:
    bed.reserved_record(OLD, OURS)
    result = tidy(bed, {"mac_address": OURS})
    assert (result.failure, bed.holder(OLD), purged(result)) == ("", OURS, [UNNAMED])


def test_an_allocated_client_is_not_purged(bed: Bed) -> None:
    result = tidy(bed, {"mac_address": OURS})
    assert (result.action, bed.holder("10.0.0.10"), purged(result)) == ("created", OURS, [UNNAMED])


def test_a_declared_lease_lists_the_reservation_at_its_address(bed: Bed) -> None:
    bed.reserved_record(WANTED, STRANGER)
    result = tidy(bed, ours(type="lease"))
    assert result.failure
    assert (bed.holder(WANTED), result.outcome.purged) == (STRANGER, [])


def test_an_absent_item_is_removed_as_an_item_and_counts_for_nothing(bed: Bed) -> None:
    bed.reserved_record(OLD, OURS)
    result = tidy(bed, {"mac_address": OURS, "state": "absent"}, purge_limit=1)
    assert (result.failure, result.actions, purged(result)) == ("", ["removed"], [UNNAMED])


def test_an_absent_lease_lists_nothing(bed: Bed) -> None:
    bed.reserve(OLD, STRANGER)
    result = tidy(bed, {"ip_address": ELSEWHERE, "state": "absent", "type": "lease"})
    assert purged(result) == [OLD, UNNAMED]


# --- what stops it ----------------------------------------------------------------------------------------------------


def test_nothing_is_purged_where_an_item_cannot_be_planned(bed: Bed) -> None:
    bed.record(WANTED, STRANGER)
    result = tidy(bed, ours(), ours(ELSEWHERE, FRIEND))
    assert "1 of 2 clients failed" in result.failure
    assert (result.actions, result.outcome.purged, bed.holder(UNNAMED)) == (["none", "created"], [], BYSTANDER)


def test_nothing_is_purged_where_a_client_gets_no_address(bed: Bed) -> None:
    bed.sim.scope(HOME).ranges.clear()
    result = tidy(bed, {"mac_address": OURS})
    assert "no free address" in result.failure
    assert (result.writes, bed.holder(UNNAMED)) == ({}, BYSTANDER)


def test_nothing_is_purged_where_an_absent_item_fails(bed: Bed) -> None:
    bed.record(OLD, STRANGER)
    bed.reserve(OLD, OURS)
    result = tidy(bed, {"mac_address": OURS, "state": "absent"})
    assert STRANGER in result.failure
    assert (result.writes, bed.holder(UNNAMED)) == ({}, BYSTANDER)


@pytest.mark.parametrize("call", [CREATE, RESERVE])
def test_nothing_is_purged_where_a_write_fails(bed: Bed, call: str) -> None:
    bed.sim.faults.add(call, status=5, times=None)
    result = tidy(bed, ours())
    assert "ERROR_ACCESS_DENIED" in result.failure
    assert (UNRESERVE in result.writes, bed.holder(UNNAMED)) == (False, BYSTANDER)


def test_nothing_is_purged_where_an_outcome_is_unknown(bed: Bed) -> None:
    bed.sim.faults.add(RESERVE, drop="after", after=lambda store: _unreachable(bed))
    result = tidy(bed, ours())
    assert (result.actions, bed.holder(UNNAMED)) == (["unknown"], BYSTANDER)


def _unreachable(bed: Bed) -> None:
    bed.sim.faults.add("bind", drop="before", times=None)


@pytest.mark.parametrize("check", [False, True])
def test_more_than_the_limit_is_refused_before_the_first_write(bed: Bed, check: bool) -> None:
    bed.reserve(OLD, STRANGER)
    with pytest.raises(DhcpError, match=r"would remove 2 reservations of scope 10\.0\.0\.0, but purge_limit is 1"):
        tidy(bed, ours(), purge_limit=1, check=check)
    assert (bed.sim.writes, bed.sim.audit) == (0, [])


def test_as_many_as_the_limit_are_removed(bed: Bed) -> None:
    bed.reserve(OLD, STRANGER)
    assert purged(tidy(bed, ours(), purge_limit=2)) == [OLD, UNNAMED]


def test_a_limit_of_zero_allows_a_complete_list(bed: Bed) -> None:
    result = tidy(bed, ours(), ours(UNNAMED, BYSTANDER), purge_limit=0)
    assert (result.failure, result.outcome.purged) == ("", [])


def test_the_limit_is_ten_unless_told_otherwise(bed: Bed) -> None:
    for number in range(10):
        bed.reserve(f"10.0.0.{100 + number}", f"02:00:00:00:01:{number:02x}")
    with pytest.raises(DhcpError, match="would remove 11 reservations"):
        tidy(bed, ours())


def test_check_mode_tells_what_would_be_purged_and_writes_nothing(bed: Bed) -> None:
    result = tidy(bed, ours(), check=True)
    assert (result.changed, purged(result), bed.holder(UNNAMED)) == (True, [UNNAMED], BYSTANDER)


def test_check_mode_and_the_run_after_it_agree(bed: Bed) -> None:
    bed.reserve(OLD, STRANGER)
    foreseen = tidy(bed, ours(), check=True)
    real = tidy(bed, ours())
    assert foreseen.outcome.diff == real.outcome.diff
    assert foreseen.outcome.purged == real.outcome.purged


# --- what is never touched --------------------------------------------------------------------------------------------


def test_other_scopes_are_never_touched(bed: Bed) -> None:
    bed.reserved_record(THERE, OURS)
    result = tidy(bed, ours())
    assert purged(result) == [UNNAMED]
    assert result.after[OTHER] == result.before[OTHER]


def test_an_unknown_scope_is_refused_before_any_write(bed: Bed) -> None:
    with pytest.raises(InvalidInput, match=r"10\.9\.0\.0"):
        bed.declare(ours("10.9.0.20"), single=False, scope="10.9.0.0", purge=True)
    assert bed.sim.writes == 0


def test_an_item_of_another_scope_is_refused_before_the_first_call(bed: Bed) -> None:
    with pytest.raises(InvalidInput, match=r"clients\[1\]\.scope='10\.0\.1\.0'"):
        tidy(bed, ours(), ours(THERE, FRIEND, scope=OTHER))
    assert bed.sim.calls == 0


@pytest.mark.parametrize("state", ["present", "absent"])
def test_an_address_of_another_scope_is_refused_before_any_write(bed: Bed, state: str) -> None:
    with pytest.raises(InvalidInput, match=r"clients\[1\]\.ip_address='10\.0\.1\.20'"):
        tidy(bed, ours(), ours(THERE, FRIEND, state=state))
    assert bed.sim.writes == 0


def test_a_reservation_over_a_strangers_lease_is_not_removed_but_reported(bed: Bed) -> None:
    stranger = bed.record(OLD, SOMEBODY, name="laptop")
    bed.reserve(OLD, STRANGER)
    result = tidy(bed, ours())
    assert [word for word in (OLD, SOMEBODY, "laptop") if word not in result.failure] == []
    assert (bed.holder(OLD), bed.record_at(OLD)) == (STRANGER, stranger)
    assert (result.changed, result.actions) == (True, ["created"])


def test_a_reservation_that_cannot_go_does_not_keep_the_others(bed: Bed) -> None:
    bed.record(OLD, SOMEBODY)
    bed.reserve(OLD, STRANGER)
    result = tidy(bed, ours())
    assert [(each["ip_address"], each["action"], "error" in each) for each in result.outcome.purged] == [
        (OLD, "none", True),
        (UNNAMED, "removed", False),
    ]


def test_a_client_that_came_there_since_is_not_touched(bed: Bed) -> None:
    def come(store: Store) -> None:
        del store.scope(HOME).records[UNNAMED]
        bed.record(UNNAMED, SOMEBODY)

    bed.sim.faults.add(RESERVE, after=come)
    result = tidy(bed, ours())
    assert SOMEBODY in result.failure
    assert (bed.holder(UNNAMED), UNRESERVE in result.writes) == (BYSTANDER, False)


# --- when things break ------------------------------------------------------------------------------------------------


def test_a_removal_without_answer_that_took_effect_is_reported_as_removed(bed: Bed) -> None:
    bed.sim.faults.add(UNRESERVE, drop="after")
    result = tidy(bed, ours())
    assert (result.failure, purged(result), bed.holder(UNNAMED)) == ("", [UNNAMED], None)
    assert result.counters[UNRESERVE] == 1


def test_lost_answers_that_a_reading_has_settled_do_not_stop_the_purge(bed: Bed) -> None:
    places = ((WANTED, OURS), (ELSEWHERE, FRIEND), (OLD, SOMEBODY))
    for place, client in places:
        bed.reserved_record(place, client, name="old")
    bed.sim.faults.add(SET, times=None, drop="after")
    result = tidy(bed, *(ours(place, client, name="new") for place, client in places))
    assert (result.failure, purged(result), bed.holder(UNNAMED)) == ("", [UNNAMED], None)


def test_a_removal_without_answer_that_took_no_effect_is_a_failure(bed: Bed) -> None:
    bed.sim.faults.add(UNRESERVE, drop="before")
    result = tidy(bed, ours())
    assert "without a verified answer" in result.failure
    assert (bed.holder(UNNAMED), result.outcome.purged[0]["action"]) == (BYSTANDER, "none")


def test_a_lost_connection_tells_what_was_done_and_what_was_not(bed: Bed) -> None:
    bed.reserved_record(OLD, STRANGER)
    bed.reserved_record(OLDER, SOMEBODY)
    bed.sim.faults.add(UNRESERVE, nth=2, drop="after", after=lambda store: _unreachable(bed))
    result = tidy(bed, ours())
    assert result.changed
    assert [(each["ip_address"], each["action"]) for each in result.outcome.purged] == [
        (OLD, "removed"),
        (OLDER, "unknown"),
        (UNNAMED, "none"),
    ]
    assert (bed.holder(OLD), bed.holder(UNNAMED)) == (None, BYSTANDER)


def test_a_removal_that_is_refused_is_reported_beside_those_that_were_done(bed: Bed) -> None:
    bed.reserve(OLD, STRANGER)
    bed.sim.faults.add(UNRESERVE, status=5)
    result = tidy(bed, ours())
    assert "ERROR_ACCESS_DENIED" in result.failure
    assert [(each["ip_address"], each["action"]) for each in result.outcome.purged] == [
        (OLD, "none"),
        (UNNAMED, "removed"),
    ]


def test_a_reservation_that_somebody_else_removes_first_is_no_failure(bed: Bed) -> None:
    def remove(store: Store) -> None:
        store.scope(HOME).reservations.pop(UNNAMED)
        store.scope(HOME).records.pop(UNNAMED)

    bed.sim.faults.add(RESERVE, after=remove)
    result = tidy(bed, ours())
    assert (result.failure, result.outcome.purged, result.action) == ("", [], "created")


def test_reservations_that_are_read_in_pages_are_all_seen(bed: Bed) -> None:
    bed.reserve(OLD, STRANGER)
    bed.sim.settings.elements_per_page = 1
    result = tidy(bed, ours())
    assert purged(result) == [OLD, UNNAMED]
    assert result.counters[LIST] > 6


def test_a_strangers_unreserved_record_is_never_deleted(bed: Bed) -> None:
    ghost = bed.record(OLD, STRANGER, expires=UNLEASED)
    result = tidy(bed, ours())
    assert (bed.record_at(OLD), DELETE in result.writes) == (ghost, False)
