# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A client that is to be present, over everything that can be there already."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.msrpc.dhcp.tests.simulator.site import NEVER
from ansible_collections.msrpc.dhcp.tests.unit.fixtures import (
    ACTIVE,
    CREATE,
    DECLINED,
    DOOMED,
    ELSEWHERE,
    FRIEND,
    HOME,
    LATER,
    LIST,
    OTHER,
    OURS,
    OUTSIDE,
    PAST,
    RESERVE,
    SET,
    STRANGER,
    THERE,
    UNLEASED,
    WANTED,
    Bed,
    expiry,
    ours,
)

STRANGERS: list[dict[str, Any]] = [
    {"state": ACTIVE},
    {"state": ACTIVE, "expires": PAST},
    {"state": DECLINED},
    {"state": DOOMED},
]
STRANGER_IDS = ["active", "expired", "declined", "doomed"]


# --- a new client -----------------------------------------------------------------------------------------------------


def test_a_new_reservation_is_created_first_and_then_reserved(bed: Bed) -> None:
    result = bed.declare(ours(name="printer", description="first floor"))
    assert result.changes == [(CREATE, WANTED), (RESERVE, WANTED)]
    assert (result.changed, result.action) == (True, "created")


def test_a_new_reservation_has_a_record_without_expiry(bed: Bed) -> None:
    bed.declare(ours(name="printer", description="first floor"))
    record = bed.record_at(WANTED)
    assert record is not None
    assert (record.name, record.comment, record.expires) == ("printer", "first floor", UNLEASED)
    assert bed.holder(WANTED) == OURS


def test_a_new_reservation_is_for_dhcp_clients(bed: Bed) -> None:
    bed.declare(ours())
    assert bed.sim.scope(HOME).reservations[WANTED].allowed_client_types == 1


def test_a_new_reservation_is_returned_as_it_is_stored(bed: Bed) -> None:
    result = bed.declare(ours(name="printer", description="first floor"))
    assert result.client == {
        "ip_address": WANTED,
        "mac_address": OURS,
        "client_id": OURS.replace(":", ""),
        "scope": HOME,
        "name": "printer",
        "description": "first floor",
        "type": "reservation",
        "lease_expires": None,
        "active_until": None,
        "action": "created",
        "pending": [],
    }


def test_a_new_client_has_no_before_in_the_diff(bed: Bed) -> None:
    diff = bed.declare(ours(name="printer")).outcome.diff
    assert diff["before"] == {}
    assert (diff["after"]["ip_address"], diff["after"]["name"]) == (WANTED, "printer")


def test_ranges_and_reservations_are_read_before_the_first_write(bed: Bed) -> None:
    seen: list[int] = []
    bed.sim.faults.add(CREATE, before=lambda store: seen.append(store.counters[LIST]))
    bed.declare(ours())
    assert seen == [2]


def test_a_new_lease_never_expires_unless_told_so(bed: Bed) -> None:
    result = bed.declare(ours(type="lease"))
    record = bed.record_at(WANTED)
    assert record is not None
    assert record.expires == NEVER
    assert result.changes == [(CREATE, WANTED)]
    assert (result.client["type"], result.client["lease_expires"]) == ("lease", "never")


def test_a_new_lease_expires_when_declared(bed: Bed) -> None:
    result = bed.declare(ours(type="lease", lease_expires="2099-01-01T02:00:00+02:00"))
    record = bed.record_at(WANTED)
    assert record is not None
    assert record.expires == expiry(LATER)
    assert result.client["lease_expires"] == LATER


def test_a_client_identifier_that_is_no_mac_is_stored_bare(bed: Bed) -> None:
    result = bed.declare({"ip_address": WANTED, "client_id": "ff00112233000200000ab1"})
    record = bed.record_at(WANTED)
    assert record is not None
    assert record.client_id.hex() == "ff00112233000200000ab1"
    assert (result.client["mac_address"], result.client["client_id"]) == (None, "ff00112233000200000ab1")


def test_an_identifier_that_looks_like_a_unique_id_of_another_scope_is_kept_whole(bed: Bed) -> None:
    identifier = "0001000a01001c2580a043"  # what 10.0.1.0 would put before our MAC
    assert bed.declare({"ip_address": WANTED, "client_id": identifier}).client["client_id"] == identifier
    assert not bed.declare({"ip_address": WANTED, "client_id": identifier}).writes


def test_the_scope_is_found_from_the_address(bed: Bed) -> None:
    assert bed.declare(ours(THERE)).client["scope"] == OTHER
    assert bed.holder(THERE) == OURS


# --- our own record or reservation is there already -------------------------------------------------------------------


def test_our_own_lease_at_the_address_is_reserved_and_keeps_its_expiry(bed: Bed) -> None:
    lease = bed.record(WANTED, OURS, name="printer")
    result = bed.declare(ours(name="printer"))
    assert result.changes == [(RESERVE, WANTED)]
    assert bed.record_at(WANTED) == lease
    assert (result.changed, result.action) == (True, "updated")


def test_the_lease_of_a_reserved_client_is_returned_as_active_until(bed: Bed) -> None:
    bed.record(WANTED, OURS)
    client = bed.declare(ours()).client
    assert (client["active_until"], client["lease_expires"], client["type"]) == (LATER, None, "reservation")


def test_our_own_reservation_without_record_gets_its_record(bed: Bed) -> None:
    bed.reserve(WANTED, OURS)
    result = bed.declare(ours(name="printer"))
    assert result.changes == [(CREATE, WANTED)]
    assert (result.action, result.client["name"]) == ("updated", "printer")


def test_our_own_reservation_with_everything_as_declared_needs_no_write(bed: Bed) -> None:
    bed.reserved_record(WANTED, OURS, name="printer", comment="x")
    result = bed.declare(ours(name="printer", description="x"))
    assert (result.changed, result.action, result.writes) == (False, "none", {})


def test_only_what_was_given_is_compared(bed: Bed) -> None:
    bed.reserved_record(WANTED, OURS, name="n", comment="c", client_type=3, mask=1, owner_address=9, status=4)
    assert bed.declare(ours()).writes == {}


def test_a_changed_description_leaves_everything_else_as_it_was(bed: Bed) -> None:
    bed.reserved_record(WANTED, OURS, name="printer", comment="old", expires=LATER, owner_address=0x0A000002)
    before = bed.record_at(WANTED)
    result = bed.declare(ours(description="new"))
    after = bed.record_at(WANTED)
    assert before is not None
    assert after is not None
    assert result.changes == [(SET, WANTED)]
    assert (after.name, after.comment, after.expires) == ("printer", "new", before.expires)
    assert (after.owner_address, after.client_id) == (before.owner_address, before.client_id)


def test_a_plain_lease_keeps_its_expiry_when_its_name_changes(bed: Bed) -> None:
    bed.record(WANTED, OURS, name="old")
    bed.declare(ours(type="lease", name="new"))
    record = bed.record_at(WANTED)
    assert record is not None
    assert (record.name, record.expires) == ("new", expiry(LATER))


@pytest.mark.parametrize(("key", "field"), [("name", "name"), ("description", "comment")])
def test_an_empty_text_clears_and_leaves_the_other(bed: Bed, key: str, field: str) -> None:
    bed.reserved_record(WANTED, OURS, name="n", comment="c")
    assert bed.declare(ours(**{key: ""})).action == "updated"
    record = bed.record_at(WANTED)
    assert {name: getattr(record, name) for name in ("name", "comment")} == {"name": "n", "comment": "c", field: ""}


def test_the_diff_of_a_change_shows_both_sides(bed: Bed) -> None:
    bed.reserved_record(WANTED, OURS, name="printer", comment="old")
    diff = bed.declare(ours(description="new")).outcome.diff
    assert {key for key in diff["before"] if diff["before"][key] != diff["after"][key]} == {"description"}
    assert (diff["before"]["description"], diff["after"]["description"]) == ("old", "new")


def test_an_expiry_is_changed_when_declared(bed: Bed) -> None:
    bed.record(WANTED, OURS)
    result = bed.declare(ours(type="lease", lease_expires="never"))
    record = bed.record_at(WANTED)
    assert record is not None
    assert record.expires == NEVER
    assert (result.action, result.client["lease_expires"]) == ("updated", "never")


def test_an_expiry_that_is_not_given_is_not_touched(bed: Bed) -> None:
    bed.record(WANTED, OURS)
    assert bed.declare(ours(type="lease")).writes == {}


@pytest.mark.parametrize("state", [DECLINED, DOOMED])
@pytest.mark.parametrize("kind", ["reservation", "lease"])
def test_our_own_declined_or_doomed_record_is_made_active(bed: Bed, state: int, kind: str) -> None:
    bed.record(WANTED, OURS, state=state)
    if kind == "reservation":
        bed.reserve(WANTED, OURS)
    result = bed.declare(ours(type=kind))
    record = bed.record_at(WANTED)
    assert record is not None
    assert record.state == ACTIVE
    assert (result.action, result.changes) == ("updated", [(SET, WANTED)])


def test_our_own_declined_lease_is_reserved_and_made_active(bed: Bed) -> None:
    bed.record(WANTED, OURS, state=DECLINED)
    bed.declare(ours())
    record = bed.record_at(WANTED)
    assert record is not None
    assert (record.state, bed.holder(WANTED)) == (ACTIVE, OURS)


def test_dns_bits_of_the_state_do_not_make_a_record_inactive(bed: Bed) -> None:
    bed.reserved_record(WANTED, OURS, state=ACTIVE | 0x10 | 0x40)
    assert bed.declare(ours()).writes == {}


def test_type_lease_over_our_reservation_fails_and_says_how_to_remove_it(bed: Bed) -> None:
    bed.reserved_record(WANTED, OURS)
    result = bed.declare(ours(type="lease"))
    assert result.writes == {}
    assert all(word in result.failure for word in (WANTED, OURS, "state=absent", "type=reservation"))


# --- name_policy ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stored", ["Printer", "PRINTER.example.com"])
def test_a_name_that_the_client_completed_is_the_same_name(bed: Bed, stored: str) -> None:
    bed.reserved_record(WANTED, OURS, name=stored)
    result = bed.declare(ours(name="printer"))
    assert (result.writes, result.client["name"]) == ({}, stored)


@pytest.mark.parametrize("stored", ["printer2", "other.example.com", "printer-1.example.com"])
def test_another_name_is_set_right(bed: Bed, stored: str) -> None:
    bed.reserved_record(WANTED, OURS, name=stored)
    assert bed.declare(ours(name="printer")).client["name"] == "printer"


def test_a_declared_full_name_differs_from_a_short_one(bed: Bed) -> None:
    bed.reserved_record(WANTED, OURS, name="printer")
    assert bed.declare(ours(name="printer.example.com")).client["name"] == "printer.example.com"


def test_on_create_leaves_a_stored_name(bed: Bed) -> None:
    bed.reserved_record(WANTED, OURS, name="laptop")
    result = bed.declare(ours(name="printer", name_policy="on_create"))
    assert (result.writes, result.client["name"]) == ({}, "laptop")


@pytest.mark.parametrize("empty", ["", None])
def test_on_create_names_a_record_that_has_no_name(bed: Bed, empty: str | None) -> None:
    bed.reserved_record(WANTED, OURS, name=empty)
    assert bed.declare(ours(name="printer", name_policy="on_create")).client["name"] == "printer"


def test_on_create_names_a_new_record(bed: Bed) -> None:
    assert bed.declare(ours(name="printer", name_policy="on_create")).client["name"] == "printer"


def test_on_create_says_nothing_about_descriptions(bed: Bed) -> None:
    bed.reserved_record(WANTED, OURS, name="laptop", comment="old")
    client = bed.declare(ours(name="printer", description="new", name_policy="on_create")).client
    assert (client["name"], client["description"]) == ("laptop", "new")


def test_on_create_names_the_record_of_an_address_outside_the_ranges(bed: Bed) -> None:
    bed.sim.scope(HOME).ranges.clear()
    bed.reserve(WANTED, OURS)
    assert bed.declare(ours(name="printer", name_policy="on_create")).client["name"] == "printer"


# --- a stranger -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lease", STRANGERS, ids=STRANGER_IDS)
@pytest.mark.parametrize("kind", ["reservation", "lease"])
def test_a_strangers_record_is_a_conflict_and_stays(bed: Bed, lease: dict[str, Any], kind: str) -> None:
    bed.record(WANTED, STRANGER, name="laptop", **lease)
    result = bed.declare(ours(type=kind, name="printer"))
    assert result.writes == {}
    assert result.after == result.before
    assert (result.changed, result.action) == (False, "none")


@pytest.mark.parametrize(
    ("lease", "words"),
    list(
        zip(
            STRANGERS,
            [("active", LATER), ("active", PAST), ("declined", LATER), ("doomed", LATER)],
            strict=True,
        )
    ),
    ids=STRANGER_IDS,
)
def test_a_conflict_names_the_holder_its_kind_state_and_expiry(
    bed: Bed, lease: dict[str, Any], words: tuple[str, str]
) -> None:
    bed.record(WANTED, STRANGER, name="laptop", **lease)
    message = bed.declare(ours()).failure
    for part in (WANTED, OURS, STRANGER, "laptop", "lease", *words):
        assert part in message


@pytest.mark.parametrize("kind", ["reservation", "lease"])
def test_a_strangers_reservation_with_record_is_a_conflict(bed: Bed, kind: str) -> None:
    bed.reserved_record(WANTED, STRANGER, name="printer-3f")
    result = bed.declare(ours(type=kind))
    assert (result.writes, result.action) == ({}, "none")
    assert all(part in result.failure for part in (WANTED, STRANGER, "printer-3f", "reserved"))


@pytest.mark.parametrize("kind", ["reservation", "lease"])
def test_a_strangers_reservation_without_record_is_a_conflict_before_the_first_write(bed: Bed, kind: str) -> None:
    bed.reserve(WANTED, STRANGER)
    result = bed.declare(ours(type=kind))
    assert (result.writes, result.action) == ({}, "none")
    assert all(part in result.failure for part in (WANTED, STRANGER, "reserved"))


@pytest.mark.parametrize("kind", ["reservation", "lease"])
def test_our_lease_at_an_address_reserved_for_a_stranger_is_a_conflict(bed: Bed, kind: str) -> None:
    bed.record(WANTED, OURS)
    bed.reserve(WANTED, STRANGER)
    result = bed.declare(ours(type=kind, name="new"))
    assert result.writes == {}
    assert STRANGER in result.failure


# --- our reservation over a stranger's record (rule 10) ---------------------------------------------------------------


@pytest.mark.parametrize("lease", STRANGERS, ids=STRANGER_IDS)
def test_nothing_is_written_over_a_stranger_at_our_reserved_address(bed: Bed, lease: dict[str, Any]) -> None:
    bed.record(WANTED, STRANGER, name="laptop", **lease)
    bed.reserve(WANTED, OURS)
    result = bed.declare(ours(name="printer", description="d"))
    assert (result.changed, result.action, result.writes) == (False, "none", {})
    assert result.client["pending"] == ["name", "description"]
    assert STRANGER in result.warning


def test_a_reserved_client_without_its_record_has_no_name_to_return(bed: Bed) -> None:
    bed.record(WANTED, STRANGER, name="laptop")
    bed.reserve(WANTED, OURS)
    client = bed.declare(ours(name="printer")).client
    assert (client["mac_address"], client["type"], client["name"]) == (OURS, "reservation", None)


def test_only_given_fields_are_pending(bed: Bed) -> None:
    bed.record(WANTED, STRANGER)
    bed.reserve(WANTED, OURS)
    assert bed.declare(ours(description="d")).client["pending"] == ["description"]


def test_the_name_is_stored_once_the_stranger_is_gone(bed: Bed) -> None:
    bed.record(WANTED, STRANGER)
    bed.reserve(WANTED, OURS)
    bed.declare(ours(name="printer"))
    del bed.sim.scope(HOME).records[WANTED]
    result = bed.declare(ours(name="printer"))
    assert (result.changed, result.client["name"], result.client["pending"]) == (True, "printer", [])


# --- our client elsewhere in the scope --------------------------------------------------------------------------------


def test_a_lease_elsewhere_is_no_conflict_for_a_reservation(bed: Bed) -> None:
    lease = bed.record(ELSEWHERE, OURS)
    result = bed.declare(ours(name="printer", description="d"))
    assert result.changes == [(RESERVE, WANTED)]
    assert bed.record_at(ELSEWHERE) == lease
    assert bed.record_at(WANTED) is None
    assert (result.changed, result.action, bed.holder(WANTED)) == (True, "created", OURS)


def test_a_lease_elsewhere_leaves_name_and_description_pending(bed: Bed) -> None:
    bed.record(ELSEWHERE, OURS)
    assert bed.declare(ours(name="printer", description="d")).client["pending"] == ["name", "description"]


def test_a_warning_says_that_the_client_moves_when_it_renews(bed: Bed) -> None:
    bed.record(ELSEWHERE, OURS)
    warning = bed.declare(ours()).warning
    assert all(part in warning for part in (OURS, ELSEWHERE, WANTED, "renews"))


def test_a_second_run_beside_a_lease_elsewhere_writes_nothing(bed: Bed) -> None:
    bed.record(ELSEWHERE, OURS)
    bed.declare(ours(name="printer"))
    result = bed.declare(ours(name="printer"))
    assert (result.changed, result.writes, result.action) == (False, {}, "none")
    assert result.client["pending"] == ["name"]
    assert "renews" in result.warning


def test_the_name_is_stored_once_the_client_has_moved(bed: Bed) -> None:
    bed.record(ELSEWHERE, OURS)
    bed.declare(ours(name="printer", description="d"))
    del bed.sim.scope(HOME).records[ELSEWHERE]
    bed.record(WANTED, OURS, name="own-name")
    result = bed.declare(ours(name="printer", description="d"))
    record = bed.record_at(WANTED)
    assert record is not None
    assert (record.name, record.comment, record.expires) == ("printer", "d", expiry(LATER))
    assert (result.changes, result.client["pending"], result.warning) == ([(SET, WANTED)], [], "")


def test_a_lease_elsewhere_is_a_conflict_for_a_lease(bed: Bed) -> None:
    bed.record(ELSEWHERE, OURS)
    result = bed.declare(ours(type="lease"))
    assert (result.writes, result.action) == ({}, "none")
    assert all(part in result.failure for part in (OURS, WANTED, ELSEWHERE))


@pytest.mark.parametrize("kind", ["reservation", "lease"])
def test_our_reservation_elsewhere_is_a_conflict(bed: Bed, kind: str) -> None:
    bed.reserved_record(ELSEWHERE, OURS)
    result = bed.declare(ours(type=kind))
    assert (result.writes, result.action) == ({}, "none")
    assert all(part in result.failure for part in (OURS, WANTED, ELSEWHERE, "reserved"))


def test_our_reservation_elsewhere_without_record_is_a_conflict(bed: Bed) -> None:
    bed.reserve(ELSEWHERE, OURS)
    result = bed.declare(ours())
    assert result.writes == {}
    assert ELSEWHERE in result.failure


@pytest.mark.parametrize("kind", ["reservation", "lease"])
def test_a_stranger_at_the_address_beats_our_lease_elsewhere(bed: Bed, kind: str) -> None:
    bed.record(ELSEWHERE, OURS)
    bed.record(WANTED, STRANGER)
    result = bed.declare(ours(type=kind))
    assert result.writes == {}
    assert STRANGER in result.failure


def test_the_same_mac_in_another_scope_is_left_alone(bed: Bed) -> None:
    bed.reserved_record(THERE, OURS, name="there")
    result = bed.declare(ours(name="here"))
    assert result.action == "created"
    assert result.after[OTHER] == result.before[OTHER]


# --- an address outside every range -----------------------------------------------------------------------------------


@pytest.mark.parametrize("reading", ["subnet", "range"])
def test_an_address_outside_every_range_is_refused_and_nothing_is_stored(bed: Bed, reading: Any) -> None:
    bed.sim.settings.create_outside_range = reading
    result = bed.declare(ours(OUTSIDE, name="printer"))
    assert (result.writes, result.audit) == ({RESERVE: 1}, ())
    assert (result.changed, result.action) == (False, "none")
    assert OUTSIDE in result.failure
    assert "range" in result.failure


def test_the_refusal_of_an_address_outside_every_range_carries_the_servers_code(bed: Bed) -> None:
    cause = bed.declare(ours(OUTSIDE)).outcome.error
    assert cause is not None
    assert getattr(cause.__cause__, "code", None) == 20018


def test_a_server_that_reserves_outside_ranges_gets_name_and_description_after(bed: Bed) -> None:
    # A range that grows just in time stands for a server before 2008 R2, which takes any address.
    bed.sim.faults.add(RESERVE, before=lambda store: _widen(bed))
    result = bed.declare(ours(OUTSIDE, name="printer", description="d"))
    record = bed.record_at(OUTSIDE)
    assert record is not None
    assert (record.name, record.comment, record.expires) == ("printer", "d", UNLEASED)
    assert result.writes == {RESERVE: 1, SET: 1}
    assert (result.action, result.client["name"]) == ("created", "printer")


def test_without_name_a_reservation_outside_ranges_is_one_write(bed: Bed) -> None:
    bed.sim.faults.add(RESERVE, before=lambda store: _widen(bed))
    assert bed.declare(ours(OUTSIDE)).writes == {RESERVE: 1}


def test_a_lease_outside_every_range_is_created_where_the_server_takes_it(bed: Bed) -> None:
    assert bed.declare(ours(OUTSIDE, type="lease")).changes == [(CREATE, OUTSIDE)]


def test_a_lease_outside_every_range_fails_where_the_server_refuses_it(bed: Bed) -> None:
    bed.sim.settings.create_outside_range = "range"
    result = bed.declare(ours(OUTSIDE, type="lease"))
    assert (result.changed, result.audit) == (False, ())
    assert all(part in result.failure for part in (OUTSIDE, OURS, "87"))


def test_our_own_lease_outside_every_range_is_refused_a_reservation(bed: Bed) -> None:
    lease = bed.record(OUTSIDE, OURS)
    result = bed.declare(ours(OUTSIDE, name="new"))
    assert (result.changed, result.audit) == (False, ())
    assert bed.record_at(OUTSIDE) == lease


def _widen(bed: Bed) -> None:
    where = bed.sim.scope(HOME)
    where.ranges[0] = type(where.ranges[0])(start=where.subnet + 1, end=where.ranges[0].end)


# --- two clients that differ in nothing but their identifier ----------------------------------------------------------


def test_a_friend_beside_us_does_not_disturb(bed: Bed) -> None:
    bed.declare(ours(ELSEWHERE, FRIEND, name="printer"))
    result = bed.declare(ours(name="printer"))
    assert result.changes == [(CREATE, WANTED), (RESERVE, WANTED)]
