# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lost answers, RPC faults, refusals and lies of the server: what is reported is what is true."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import DhcpError
from ansible_collections.msrpc.dhcp.tests.simulator.site import NOBODY, READER
from ansible_collections.msrpc.dhcp.tests.simulator.store import Store
from ansible_collections.msrpc.dhcp.tests.unit.fixtures import (
    CREATE,
    DELETE,
    ELSEWHERE,
    GET,
    LIST,
    OURS,
    RESERVE,
    SET,
    UNRESERVE,
    WALK,
    WANTED,
    Bed,
    Result,
    ours,
)

GONE: dict[str, Any] = {"ip_address": WANTED, "mac_address": OURS, "state": "absent"}

# For each writing call what is there, and what is declared so that this call is the only write.
WRITINGS: dict[str, tuple[Callable[[Bed], object], dict[str, Any]]] = {
    CREATE: (lambda bed: None, ours(type="lease", name="printer")),
    RESERVE: (lambda bed: bed.record(WANTED, OURS), ours()),
    SET: (lambda bed: bed.reserved_record(WANTED, OURS, comment="old"), ours(description="new")),
    UNRESERVE: (lambda bed: bed.reserved_record(WANTED, OURS), GONE),
    DELETE: (lambda bed: bed.record(WANTED, OURS), {**GONE, "type": "lease"}),
}
ACTIONS = {CREATE: "created", RESERVE: "updated", SET: "updated", UNRESERVE: "removed", DELETE: "removed"}
IMPATIENT = 0.25  # seconds; only for answers that never come

every_writing = pytest.mark.parametrize("call", WRITINGS)
LOST_AFTER: dict[str, dict[str, Any]] = {
    "dropped": {"drop": "after"},
    "fault": {"fault_after": 0x6F7},
    "access_fault": {"fault_after": 5},
    "truncated": {"torn": "truncated"},
    "forged": {"forge": ("wrong_signature",)},
    "rubbish": {"stub": b"\x01\x02"},
}
LOST_BEFORE: dict[str, dict[str, Any]] = {"dropped": {"drop": "before"}, "fault": {"fault": 0x6F7}}


def _declare(bed: Bed, call: str, **more: Any) -> Result:
    prepare, declared = WRITINGS[call]
    prepare(bed)
    return bed.declare(declared, **more)


def _deaf(bed: Bed) -> Callable[[Store], None]:
    """From now on no read is answered."""

    def forget(store: Store) -> None:
        for call in (LIST, GET, WALK):
            bed.sim.faults.add(call, times=None, drop="before")

    return forget


# --- the answer is lost -----------------------------------------------------------------------------------------------


@every_writing
@pytest.mark.parametrize("recipe", LOST_AFTER.values(), ids=LOST_AFTER)
def test_a_write_that_took_effect_without_answer_is_found_by_reading(
    bed: Bed, call: str, recipe: dict[str, Any]
) -> None:
    bed.sim.faults.add(call, **recipe)
    result = _declare(bed, call)
    assert (result.failure, result.changed, result.action) == ("", True, ACTIONS[call])
    assert result.writes == {call: 1}


@every_writing
@pytest.mark.parametrize("recipe", LOST_BEFORE.values(), ids=LOST_BEFORE)
def test_a_write_that_took_no_effect_fails_and_is_not_sent_again(bed: Bed, call: str, recipe: dict[str, Any]) -> None:
    bed.sim.faults.add(call, **recipe)
    result = _declare(bed, call)
    assert result.after == result.before
    assert (result.changed, result.action, result.writes) == (False, "none", {call: 1})
    assert all(part in result.failure for part in (WANTED, OURS, call))


@every_writing
def test_silence_after_the_effect_is_found_by_reading(bed: Bed, call: str) -> None:
    bed.sim.faults.add(call, silent="after")
    result = _declare(bed, call, request_timeout=IMPATIENT)
    assert (result.failure, result.changed, result.writes) == ("", True, {call: 1})


def test_silence_before_the_effect_is_a_failure(bed: Bed) -> None:
    bed.sim.faults.add(CREATE, silent="before")
    result = _declare(bed, CREATE, request_timeout=IMPATIENT)
    assert (result.changed, result.audit) == (False, ())
    assert "no complete answer" in result.failure


def test_an_answer_past_the_deadline_is_found_by_reading(bed: Bed) -> None:
    bed.sim.faults.add(CREATE, delay=5.0)
    result = _declare(bed, CREATE, request_timeout=IMPATIENT)
    assert (result.failure, result.changed, result.action, result.writes) == ("", True, "created", {CREATE: 1})


def test_a_lost_answer_in_the_middle_of_two_writes_is_followed_by_the_second(bed: Bed) -> None:
    bed.sim.faults.add(CREATE, drop="after")
    result = bed.declare(ours(name="printer"))
    assert (result.failure, result.changed, result.action) == ("", True, "created")
    assert result.writes == {CREATE: 1, RESERVE: 1}


def test_a_lost_answer_to_our_create_that_is_found_as_it_was_sent_counts_as_changed(bed: Bed) -> None:
    bed.sim.faults.add(RESERVE, drop="after")
    bed.sim.faults.add(CREATE, drop="after")
    result = bed.declare(ours(name="printer"))
    assert (result.failure, result.changed, result.action) == ("", True, "created")


# --- and reading fails too --------------------------------------------------------------------------------------------


@every_writing
@pytest.mark.parametrize("recipe", [{"drop": "after"}, {"drop": "before"}, {"fault": 5}, {"fault_after": 0x6F7}])
def test_without_answer_and_without_reading_the_outcome_is_unknown(bed: Bed, call: str, recipe: dict[str, Any]) -> None:
    bed.sim.faults.add(call, before=_deaf(bed), **recipe)
    result = _declare(bed, call)
    assert (result.action, result.changed, result.writes) == ("unknown", False, {call: 1})
    assert all(part in result.failure for part in ("unknown", WANTED, OURS))


def test_what_was_acknowledged_before_an_unknown_write_counts_as_changed(bed: Bed) -> None:
    bed.sim.faults.add(RESERVE, drop="after", before=_deaf(bed))
    result = bed.declare(ours())
    assert (result.action, result.changed) == ("unknown", True)


def test_an_unknown_outcome_of_a_refused_reader_is_a_failure_too(bed: Bed) -> None:
    bed.sim.faults.add(CREATE, drop="after", before=lambda store: bed.sim.faults.add(LIST, times=None, status=5))
    result = _declare(bed, CREATE)
    assert (result.action, result.client["error"]) == ("unknown", result.failure)


@every_writing
def test_acknowledged_writes_that_cannot_be_read_back_fail_as_changed(bed: Bed, call: str) -> None:
    bed.sim.faults.add(call, before=_deaf(bed))
    result = _declare(bed, call)
    assert (result.changed, result.action) == (True, ACTIONS[call])
    assert "reading" in result.failure


# --- the server says one thing and does another -----------------------------------------------------------------------


@every_writing
def test_written_but_not_stored_is_a_failure(bed: Bed, call: str) -> None:
    bed.sim.faults.add(call, status=0)
    result = _declare(bed, call)
    assert result.writes == {call: 1}
    assert all(part in result.failure for part in (WANTED, OURS, "acknowledged"))


def test_a_name_that_the_create_lost_is_stored_in_the_same_run(bed: Bed) -> None:
    bed.sim.faults.add(CREATE, after=lambda store: bed.record(WANTED, OURS, name=None, expires=0))
    result = bed.declare(ours(name="printer"))
    record = bed.record_at(WANTED)
    assert record is not None
    assert (record.name, result.failure, result.action) == ("printer", "", "created")


def test_a_reservation_that_is_gone_again_is_a_failure(bed: Bed) -> None:
    bed.sim.faults.add(RESERVE, after=lambda store: store.scope("10.0.0.0").reservations.__delitem__(WANTED))
    result = bed.declare(ours())
    assert (result.changed, bed.holder(WANTED)) == (True, None)
    assert "acknowledged" in result.failure


def test_a_removed_reservation_that_is_still_there_after_20013_is_a_failure(bed: Bed) -> None:
    bed.sim.faults.add(UNRESERVE, status=20013)
    result = _declare(bed, UNRESERVE)
    assert (result.changed, result.action, bed.holder(WANTED)) == (False, "none", OURS)
    assert "20013" in result.failure


@pytest.mark.parametrize("kind", ["reservation", "lease"])
def test_20013_on_create_with_nothing_there_says_that_it_is_the_database(bed: Bed, kind: str) -> None:
    bed.sim.faults.add(CREATE, status=20013)
    result = bed.declare(ours(type=kind))
    assert (result.changed, result.audit, result.writes) == (False, (), {CREATE: 1})
    assert all(part in result.failure for part in (WANTED, OURS, "20013", "database"))


def test_another_refusal_of_the_create_does_not_blame_the_database(bed: Bed) -> None:
    bed.sim.faults.add(CREATE, status=87)
    result = bed.declare(ours())
    assert "87" in result.failure
    assert "database" not in result.failure


@every_writing
@pytest.mark.parametrize("code", [87, 20005, 1722, 4711])
def test_a_refused_write_fails_with_its_code_and_changes_nothing(bed: Bed, call: str, code: int) -> None:
    bed.sim.faults.add(call, status=code)
    result = _declare(bed, call)
    assert (result.changed, result.action, result.writes) == (False, "none", {call: 1})
    assert all(part in result.failure for part in (WANTED, OURS, str(code), call))


# --- rights -----------------------------------------------------------------------------------------------------------


@every_writing
@pytest.mark.parametrize("how", ["status", "fault"])
def test_a_reader_is_told_that_writing_is_denied(bed: Bed, call: str, how: Any) -> None:
    bed.sim.settings.access_denied = how
    result = _declare(bed, call, username=READER)
    assert (result.changed, result.audit, result.action) == (False, (), "none")
    assert all(part in result.failure for part in (WANTED, OURS))
    assert "may not do this" in result.failure or "may lack the right" in result.failure
    assert "database" not in result.failure


@pytest.mark.parametrize("how", ["status", "fault"])
def test_a_reader_may_confirm_what_is_there(bed: Bed, how: Any) -> None:
    bed.sim.settings.access_denied = how
    bed.reserved_record(WANTED, OURS, name="printer")
    assert bed.declare(ours(name="printer"), username=READER).failure == ""


@pytest.mark.parametrize("how", ["status", "fault"])
def test_an_account_without_rights_fails_before_the_first_write(bed: Bed, how: Any) -> None:
    bed.sim.settings.access_denied = how
    with pytest.raises(DhcpError, match=r"may not do this|may lack the right"):
        bed.declare(ours(), username=NOBODY)
    assert bed.sim.writes == 0


@pytest.mark.parametrize("call", [LIST, GET])
def test_a_read_that_fails_before_the_first_write_is_an_error_and_no_outcome(bed: Bed, call: str) -> None:
    bed.sim.faults.add(call, drop="before")
    with pytest.raises(DhcpError, match="closed the connection"):
        bed.declare(ours())
    assert bed.sim.writes == 0


def test_a_connection_that_dies_on_the_read_before_a_write_is_opened_again(bed: Bed) -> None:
    bed.reserved_record(WANTED, OURS, comment="old")
    bed.sim.faults.add(GET, nth=2, drop="before")
    result = bed.declare(ours(description="new"))
    assert (result.failure, result.action, result.writes) == ("", "updated", {SET: 1})


def test_a_write_that_was_never_sent_is_not_tried_rather_than_unknown(bed: Bed) -> None:
    bed.record(WANTED, OURS, name="old")
    bed.sim.faults.add(GET, nth=2, drop="before", before=_deaf(bed))
    result = bed.declare(ours(type="lease", name="new"))
    assert (result.action, result.changed, result.writes) == ("none", False, {})
    assert "not tried" in result.failure


def test_a_lost_answer_about_one_client_does_not_stop_the_other(bed: Bed) -> None:
    bed.sim.faults.add(CREATE, drop="before")
    result = bed.declare(ours(), ours(ELSEWHERE, "00:1c:25:80:a0:44"))
    assert result.actions == ["none", "created"]
    assert "error" in result.outcome.clients[0]


@every_writing
def test_a_refused_write_that_took_effect_counts_as_changed(bed: Bed, call: str) -> None:
    bed.sim.faults.add(call, status_after=5)
    result = _declare(bed, call)
    assert (result.failure, result.changed, result.action) == ("", True, ACTIONS[call])


def test_a_record_whose_removal_could_not_be_read_back_is_not_said_to_be_left(bed: Bed) -> None:
    bed.sim.faults.add(RESERVE, status=5)
    bed.sim.faults.add(DELETE, before=_deaf(bed))
    result = bed.declare(ours())
    assert bed.record_at(WANTED) is None
    assert "is still there could not be read" in result.failure
