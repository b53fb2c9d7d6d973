# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run that died left half-done, the next one repairs or removes; and what a refused reservation leaves."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.msrpc.dhcp.tests.simulator.site import reservation
from ansible_collections.msrpc.dhcp.tests.unit.fixtures import (
    CREATE,
    DELETE,
    ELSEWHERE,
    HOME,
    LIST,
    OURS,
    OUTSIDE,
    RESERVE,
    SET,
    STRANGER,
    UNLEASED,
    UNRESERVE,
    WANTED,
    Bed,
    ours,
)

GONE: dict[str, Any] = {"mac_address": OURS, "state": "absent"}


# --- after the create -------------------------------------------------------------------------------------------------


def test_a_run_that_died_after_the_create_is_finished_by_the_next(bed: Bed) -> None:
    bed.record(WANTED, OURS, name="printer", expires=UNLEASED)
    result = bed.declare(ours(name="printer"))
    assert result.changes == [(RESERVE, WANTED)]
    assert (result.action, bed.holder(WANTED)) == ("updated", OURS)


def test_what_was_repaired_after_the_create_is_removed_with_its_record(bed: Bed) -> None:
    bed.record(WANTED, OURS, name="printer", expires=UNLEASED)
    bed.declare(ours(name="printer"))
    bed.declare(GONE)
    assert (bed.holder(WANTED), bed.record_at(WANTED)) == (None, None)


@pytest.mark.parametrize("pair", [{}, {"ip_address": WANTED}])
@pytest.mark.parametrize("kind", ["reservation", "lease"])
def test_absent_removes_what_a_run_left_that_died_after_the_create(bed: Bed, pair: dict[str, Any], kind: str) -> None:
    bed.record(WANTED, OURS, expires=UNLEASED)
    result = bed.declare({**GONE, **pair, "type": kind})
    assert (bed.record_at(WANTED), result.changes, result.action) == (None, [(DELETE, WANTED)], "removed")


# --- after the reservation, before the name ---------------------------------------------------------------------------


@pytest.mark.parametrize("place", [WANTED, OUTSIDE])
def test_a_run_that_died_before_the_name_is_finished_by_the_next(bed: Bed, place: str) -> None:
    bed.reserved_record(place, OURS, name=None)
    result = bed.declare(ours(place, name="printer", description="d"))
    record = bed.record_at(place)
    assert record is not None
    assert (record.name, record.comment, record.expires) == ("printer", "d", UNLEASED)
    assert (result.changes, result.action) == ([(SET, place)], "updated")


def test_a_run_that_died_before_the_name_is_finished_with_on_create_too(bed: Bed) -> None:
    bed.reserved_record(WANTED, OURS, name=None)
    assert bed.declare(ours(name="printer", name_policy="on_create")).client["name"] == "printer"


@pytest.mark.parametrize("place", [WANTED, OUTSIDE])
def test_absent_removes_what_a_run_left_that_died_before_the_name(bed: Bed, place: str) -> None:
    bed.reserved_record(place, OURS, name=None)
    result = bed.declare(GONE)
    assert (bed.record_at(place), bed.holder(place)) == (None, None)
    assert result.writes == {UNRESERVE: 1}


def test_a_record_that_was_cleaned_up_before_the_reservation_gets_its_name_in_the_same_run(bed: Bed) -> None:
    bed.sim.faults.add(RESERVE, before=lambda store: store.scope(HOME).records.__delitem__(WANTED))
    result = bed.declare(ours(name="printer"))
    record = bed.record_at(WANTED)
    assert record is not None
    assert (record.name, record.expires, bed.holder(WANTED)) == ("printer", UNLEASED, OURS)
    assert (result.failure, result.writes) == ("", {CREATE: 1, RESERVE: 1, SET: 1})


# --- a reservation that is refused after our own create ---------------------------------------------------------------


@pytest.mark.parametrize("code", [5, 87, 20018, 20022])
def test_a_refused_reservation_takes_our_record_away_again(bed: Bed, code: int) -> None:
    bed.sim.faults.add(RESERVE, status=code)
    result = bed.declare(ours(name="printer"))
    assert result.after == result.before
    assert result.changes == [(CREATE, WANTED), (DELETE, WANTED)]
    assert (result.changed, result.action) == (False, "none")
    assert all(part in result.failure for part in (WANTED, OURS, str(code), "removed again"))


def test_a_refusal_is_reported_with_its_code(bed: Bed) -> None:
    bed.sim.faults.add(RESERVE, status=20022)
    cause: BaseException | None = bed.declare(ours()).outcome.error
    while cause is not None and not hasattr(cause, "code"):
        cause = cause.__cause__
    assert getattr(cause, "code", None) == 20022


@pytest.mark.parametrize("recipe", [{"status": 5}, {"fault": 5}, {"drop": "before"}, {"status": 0}])
def test_a_record_that_could_not_be_removed_again_is_named(bed: Bed, recipe: dict[str, Any]) -> None:
    bed.sim.faults.add(RESERVE, status=87)
    bed.sim.faults.add(DELETE, **recipe)
    result = bed.declare(ours(name="printer"))
    assert bed.record_at(WANTED) is not None
    assert (result.changed, result.action) == (True, "created")
    assert all(part in result.failure for part in ("still there", WANTED))


def test_our_own_older_lease_stays_when_its_reservation_is_refused(bed: Bed) -> None:
    lease = bed.record(WANTED, OURS)
    bed.sim.faults.add(RESERVE, status=87)
    result = bed.declare(ours())
    assert (bed.record_at(WANTED), result.audit, result.changed) == (lease, (), False)


def test_a_record_without_reservation_of_an_earlier_run_stays_when_its_reservation_is_refused(bed: Bed) -> None:
    record = bed.record(WANTED, OURS, expires=UNLEASED)
    bed.sim.faults.add(RESERVE, status=87)
    assert bed.declare(ours()).audit == ()
    assert bed.record_at(WANTED) == record


def test_a_client_that_renewed_meanwhile_keeps_the_record_that_we_made(bed: Bed) -> None:
    bed.sim.faults.add(RESERVE, status=87, after=lambda store: bed.record(WANTED, OURS, name="alive"))
    result = bed.declare(ours(name="printer"))
    record = bed.record_at(WANTED)
    assert record is not None
    assert record.name == "alive"
    assert result.changed
    assert "still there" in result.failure


def test_a_reservation_for_a_stranger_that_came_between_leaves_our_record_and_says_so(bed: Bed) -> None:
    bed.sim.faults.add(CREATE, after=lambda store: bed.reserve(WANTED, STRANGER))
    result = bed.declare(ours(name="printer"))
    assert bed.holder(WANTED) == STRANGER
    assert result.changed
    assert all(part in result.failure for part in (STRANGER, WANTED, "still there"))


def test_a_reservation_of_ours_elsewhere_that_came_between_takes_our_record_away_again(bed: Bed) -> None:
    theirs = reservation(ELSEWHERE, OURS)
    bed.sim.faults.add(CREATE, after=lambda store: store.scope(HOME).reservations.put(theirs))
    result = bed.declare(ours(name="printer"))
    assert bed.record_at(WANTED) is None
    assert (result.changed, bed.holder(ELSEWHERE)) == (False, OURS)
    assert all(part in result.failure for part in (ELSEWHERE, "removed again"))


def test_a_reservation_without_answer_after_our_create_leaves_the_record_and_says_so(bed: Bed) -> None:
    bed.sim.faults.add(RESERVE, drop="before")
    result = bed.declare(ours(name="printer"))
    assert bed.record_at(WANTED) is not None
    assert (result.changed, result.action) == (True, "created")
    assert all(part in result.failure for part in ("still there", WANTED))


def test_what_was_left_is_said_where_reading_again_fails_too(bed: Bed) -> None:
    bed.sim.faults.add(RESERVE, status=87, after=lambda store: bed.sim.faults.add(LIST, status=5))
    result = bed.declare(ours(name="printer"))
    assert bed.record_at(WANTED) is not None
    assert (result.changed, result.action) == (True, "created")
    assert all(part in result.failure for part in ("87", "creation of the record"))
