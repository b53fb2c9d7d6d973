# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many clients as one declaration: order, duplicates, partial failures, and what it costs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import InvalidInput
from ansible_collections.msrpc.dhcp.tests.simulator.server import Simulator
from ansible_collections.msrpc.dhcp.tests.simulator.site import Settings, Site, record, reservation, scope
from ansible_collections.msrpc.dhcp.tests.simulator.store import Store
from ansible_collections.msrpc.dhcp.tests.unit.fixtures import (
    CREATE,
    DELETE,
    ELSEWHERE,
    FRIEND,
    GET,
    HOME,
    LATER,
    LIST,
    OTHER,
    OURS,
    RESERVE,
    SCOPE,
    SCOPES,
    SET,
    STRANGER,
    THERE,
    UNLEASED,
    UNRESERVE,
    WALK,
    WANTED,
    Bed,
    expiry,
    ours,
)

OUT: dict[str, Any] = {"ip_address": WANTED, "mac_address": FRIEND, "state": "absent"}
IN: dict[str, Any] = ours()
MANY = 2000


def crowd(count: int) -> list[dict[str, Any]]:
    """So many clients of 10.8.0.0/16."""
    return [
        {"ip_address": f"10.8.{number // 200 + 1}.{number % 200 + 1}", "mac_address": f"00001c{number:06x}"}
        | {"name": f"client-{number}", "description": f"number {number}"}
        for number in range(count)
    ]


@pytest.fixture(params=["unique", "bare"])
def hall(request: pytest.FixtureRequest) -> Iterator[Bed]:
    """A server with one large scope, for both forms of identifiers."""
    with Simulator(Site(scopes=(scope("10.8.0.0", 16),), settings=Settings(id_form=request.param))) as simulator:
        yield Bed(simulator)


# --- order ------------------------------------------------------------------------------------------------------------


def test_results_come_in_the_order_of_the_input(bed: Bed) -> None:
    bed.reserved_record(ELSEWHERE, FRIEND)
    result = bed.declare(ours(THERE), {**OUT, "ip_address": ELSEWHERE}, ours())
    assert [client["ip_address"] for client in result.outcome.clients] == [THERE, ELSEWHERE, WANTED]
    assert result.actions == ["created", "removed", "created"]


@pytest.mark.parametrize("order", [(IN, OUT), (OUT, IN)], ids=["present_first", "absent_first"])
def test_an_absent_reservation_frees_its_address_for_a_present_client(bed: Bed, order: tuple[dict[str, Any]]) -> None:
    bed.reserved_record(WANTED, FRIEND)
    result = bed.declare(*order)
    assert (result.failure, bed.holder(WANTED)) == ("", OURS)
    assert result.changes[0] == (UNRESERVE, WANTED)
    assert {client["mac_address"]: client["action"] for client in result.outcome.clients} == {
        OURS: "created",
        FRIEND: "removed",
    }


def test_check_mode_foresees_an_address_that_the_list_frees(bed: Bed) -> None:
    bed.reserved_record(WANTED, FRIEND)
    foreseen = bed.declare(IN, OUT, check=True)
    assert (foreseen.failure, foreseen.actions) == ("", ["created", "removed"])
    assert foreseen.outcome.diff == bed.declare(IN, OUT).outcome.diff


def test_an_absent_reservation_without_record_frees_its_address(bed: Bed) -> None:
    bed.reserve(WANTED, FRIEND)
    assert bed.declare(IN, OUT).failure == ""
    assert bed.holder(WANTED) == OURS


def test_an_absent_lease_frees_its_address_for_a_reservation(bed: Bed) -> None:
    bed.record(WANTED, FRIEND)
    result = bed.declare(IN, {**OUT, "type": "lease"})
    assert (result.failure, result.changes[0], bed.holder(WANTED)) == ("", (DELETE, WANTED), OURS)


def test_an_absent_address_frees_itself_for_a_present_client(bed: Bed) -> None:
    bed.reserved_record(WANTED, FRIEND)
    assert bed.declare(IN, {"ip_address": WANTED, "state": "absent"}).failure == ""
    assert bed.holder(WANTED) == OURS


def test_a_lease_that_stays_behind_its_reservation_still_holds_the_address(bed: Bed) -> None:
    bed.record(WANTED, FRIEND)
    bed.reserve(WANTED, FRIEND)
    result = bed.declare(IN, OUT)
    assert result.actions == ["none", "removed"]
    assert FRIEND in result.outcome.clients[0]["error"]
    assert bed.record_at(WANTED) is not None


def test_an_address_is_freed_although_the_connection_was_lost_before_the_removal(bed: Bed) -> None:
    bed.reserved_record(WANTED, FRIEND)
    bed.sim.faults.add(LIST, nth=3, drop="before")
    result = bed.declare(IN, OUT)
    assert (result.failure, result.actions, bed.holder(WANTED)) == ("", ["created", "removed"], OURS)


def test_a_client_whose_address_is_not_freed_fails_with_its_holder(bed: Bed) -> None:
    bed.reserved_record(WANTED, FRIEND, name="printer-3f")
    bed.sim.faults.add(UNRESERVE, status=87)
    result = bed.declare(IN, OUT)
    assert (result.changed, result.audit, result.actions) == (False, (), ["none", "none"])
    assert all(part in result.outcome.clients[0]["error"] for part in (FRIEND, "printer-3f", WANTED))
    assert "87" in result.outcome.clients[1]["error"]


def test_a_client_may_leave_one_scope_and_enter_another(bed: Bed) -> None:
    bed.reserved_record(THERE, OURS)
    result = bed.declare(ours(), {"mac_address": OURS, "scope": OTHER, "state": "absent"})
    assert result.actions == ["created", "removed"]
    assert (bed.holder(WANTED), bed.holder(THERE)) == (OURS, None)


def test_a_lease_whose_reservation_the_list_removes_has_its_declared_expiry_in_the_same_run(bed: Bed) -> None:
    bed.record(WANTED, OURS)
    bed.reserve(WANTED, OURS)
    clients = ({"ip_address": WANTED, "state": "absent"}, ours(type="lease", lease_expires=LATER))
    result = bed.declare(*clients)
    record = bed.record_at(WANTED)
    assert record is not None
    assert (record.expires, bed.holder(WANTED)) == (expiry(LATER), None)
    assert (result.failure, result.writes) == ("", {UNRESERVE: 1, SET: 1})
    assert bed.declare(*clients).writes == {}


# --- defaults of the task ---------------------------------------------------------------------------------------------


def test_options_of_the_task_are_defaults_of_the_items(bed: Bed) -> None:
    bed.record(ELSEWHERE, FRIEND)
    absent = {"mac_address": FRIEND, "state": "absent"}
    result = bed.declare(ours(), absent, scope=HOME, type="lease", name_policy="on_create")
    assert result.actions == ["created", "removed"]
    assert bed.holder(WANTED) is None


def test_an_empty_list_needs_no_call(bed: Bed) -> None:
    result = bed.declare(single=False)
    assert (result.changed, result.outcome.clients, bed.sim.calls, bed.sim.connections) == (False, [], 0, 0)


# --- duplicates -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("clients", "words"),
    [
        ([ours(), ours(mac=FRIEND)], ("clients[1].ip_address", WANTED, "clients[0]")),
        ([ours(), ours(ELSEWHERE)], ("clients[1].mac_address", OURS, "clients[0]")),
        ([ours(), ours(ELSEWHERE, "00-1C-25-80-A0-43")], ("clients[1].mac_address", OURS)),
        ([ours(), {"ip_address": ELSEWHERE, "client_id": "001c2580a043"}], ("clients[1]", OURS)),
        ([ours(), ours(state="absent")], ("clients[1].mac_address", OURS)),
        ([ours(), {"mac_address": OURS, "state": "absent"}], ("clients[1].mac_address", OURS)),
        ([ours(state="absent"), {"ip_address": WANTED, "state": "absent"}], ("clients[1].ip_address", WANTED)),
        ([ours(), ours(scope=HOME)], ("clients[1].ip_address", WANTED)),
        (
            [{"ip_address": WANTED, "client_id": "ab"}, {"ip_address": ELSEWHERE, "client_id": "AB"}],
            ("clients[1].client_id", "ab"),
        ),
    ],
)
def test_the_same_address_or_client_twice_is_refused_before_the_first_write(
    bed: Bed, clients: list[dict[str, Any]], words: tuple[str, ...]
) -> None:
    with pytest.raises(InvalidInput) as caught:
        bed.declare(*clients)
    assert all(word in str(caught.value) for word in words)
    assert bed.sim.writes == 0


def test_the_same_client_in_two_scopes_is_no_duplicate(bed: Bed) -> None:
    assert bed.declare(ours(), ours(THERE)).actions == ["created", "created"]


# --- failures of some -------------------------------------------------------------------------------------------------


def test_every_client_is_tried_and_the_task_fails_at_the_end(bed: Bed) -> None:
    bed.record(WANTED, STRANGER)
    result = bed.declare(ours(), ours(ELSEWHERE, FRIEND), ours(THERE, FRIEND))
    assert result.actions == ["none", "created", "created"]
    assert result.changed
    assert all(part in result.failure for part in ("1 of 3", STRANGER))


def test_only_failed_clients_have_an_error(bed: Bed) -> None:
    bed.record(WANTED, STRANGER)
    result = bed.declare(ours(), ours(ELSEWHERE, FRIEND))
    assert ["error" in client for client in result.outcome.clients] == [True, False]


def test_the_diff_has_the_clients_that_changed_by_address(bed: Bed) -> None:
    bed.reserved_record(ELSEWHERE, FRIEND, name="old")
    bed.reserved_record(THERE, FRIEND, name="same")
    diff = bed.declare(ours(), ours(ELSEWHERE, FRIEND, name="new"), ours(THERE, FRIEND, name="same")).outcome.diff
    assert (set(diff["before"]), set(diff["after"])) == ({ELSEWHERE}, {ELSEWHERE, WANTED})
    assert (diff["before"][ELSEWHERE]["name"], diff["after"][ELSEWHERE]["name"]) == ("old", "new")


@pytest.mark.parametrize("recipe", [{"status": 87}, {"fault": 0x6F7}, {"fault": 5}], ids=["status", "fault", "access"])
def test_clients_that_the_server_refuses_in_a_row_do_not_stop_the_others(bed: Bed, recipe: dict[str, int]) -> None:
    clients = [ours(f"10.0.0.{50 + number}", f"00:00:00:00:00:{number:02x}") for number in range(6)]
    bed.sim.faults.add(CREATE, times=4, **recipe)
    result = bed.declare(*clients)
    assert result.actions == ["none"] * 4 + ["created"] * 2
    assert result.writes == {CREATE: 6, RESERVE: 2}


def test_a_connection_that_dies_leaves_what_was_done_what_is_unknown_and_what_was_not_tried(bed: Bed) -> None:
    clients = [ours(f"10.0.0.{50 + number}", f"00:00:00:00:00:{number:02x}", type="lease") for number in range(8)]

    def die(store: Store) -> None:
        bed.sim.faults.add("bind", times=None, drop="before")

    bed.sim.faults.add(CREATE, nth=3, drop="after", before=die)
    result = bed.declare(*clients)
    errors = [client["error"] for client in result.outcome.clients]
    assert result.actions == ["created", "created", "unknown", "none", "none", "none", "none", "none"]
    assert result.changed
    assert "unknown" in errors[2]
    assert all("not tried" in error for error in errors[3:])
    assert result.writes == {CREATE: 3}


def test_a_server_that_is_gone_is_not_tried_for_each_of_many_clients(bed: Bed) -> None:
    clients = [ours(f"10.0.0.{50 + number}", f"00:00:00:00:00:{number:02x}") for number in range(40)]

    def die(store: Store) -> None:
        bed.sim.faults.add("bind", times=None, drop="before")

    bed.sim.faults.add(CREATE, drop="before", before=die)
    result = bed.declare(*clients)
    assert (result.changed, result.writes) == (False, {CREATE: 1})
    assert bed.sim.handshakes["bind"] < 6


def test_a_connection_that_comes_back_lets_the_rest_be_done(bed: Bed) -> None:
    clients = [ours(f"10.0.0.{50 + number}", f"00:00:00:00:00:{number:02x}") for number in range(4)]
    bed.sim.faults.add(CREATE, nth=2, drop="after")
    result = bed.declare(*clients)
    assert (result.failure, result.actions) == ("", ["created"] * 4)
    assert result.writes == {CREATE: 4, RESERVE: 4}


def test_a_read_before_a_removal_that_fails_for_one_client_is_made_again(bed: Bed) -> None:
    bed.reserved_record(WANTED, OURS)
    bed.reserved_record(ELSEWHERE, FRIEND)
    bed.sim.faults.add(LIST, nth=2, drop="before")
    result = bed.declare(ours(state="absent"), ours(ELSEWHERE, FRIEND, state="absent"))
    assert (result.failure, result.actions) == ("", ["removed", "removed"])


# --- what it costs ----------------------------------------------------------------------------------------------------


def test_two_thousand_clients_take_two_writes_each_and_a_second_run_none(hall: Bed) -> None:
    clients = crowd(MANY)
    first = hall.declare(*clients)
    assert (first.failure, set(first.actions)) == ("", {"created"})
    assert first.writes == {CREATE: MANY, RESERVE: MANY}
    second = hall.declare(*clients)
    assert (second.changed, second.writes, set(second.actions)) == (False, {}, {"none"})
    pages = second.counters[WALK]
    assert 0 < pages < 10
    assert sum(second.counters.values()) <= pages + 4


def test_one_changed_description_among_two_thousand_is_one_write(hall: Bed) -> None:
    clients = crowd(MANY)
    for client in clients:
        hall.record(
            client["ip_address"],
            client["mac_address"],
            at="10.8.0.0",
            name=client["name"],
            comment=client["description"],
            expires=UNLEASED,
        )
        hall.sim.scope("10.8.0.0").reservations.put(reservation(client["ip_address"], client["mac_address"]))
    clients[1234]["description"] = "moved"
    foreseen = hall.declare(*clients, check=True)
    assert list(foreseen.outcome.diff["after"]) == [clients[1234]["ip_address"]]
    result = hall.declare(*clients)
    assert result.writes == {SET: 1}
    assert sum(result.counters.values()) <= result.counters[WALK] + 10


def test_two_clients_among_twenty_thousand_leases_are_looked_up_by_key(hall: Bed) -> None:
    where = hall.sim.scope("10.8.0.0")
    for number in range(20000):
        where.records.put(record(where.subnet + 0x4000 + number, b"\x02" + number.to_bytes(5, "big"), expires=LATER))
    result = hall.declare(*crowd(2))
    assert (result.failure, result.actions) == ("", ["created", "created"])
    assert (result.counters[WALK], result.counters[GET]) == (0, 6)


def test_scopes_that_are_named_need_no_list_of_scopes(bed: Bed) -> None:
    result = bed.declare(ours(scope=HOME))
    assert (result.counters[SCOPES], result.counters[SCOPE]) == (0, 1)


def test_only_the_scopes_concerned_are_read(bed: Bed) -> None:
    assert bed.declare(ours()).counters[SCOPE] == 1


@pytest.mark.parametrize(("count", "walks"), [(19, False), (20, True)])
def test_few_clients_are_looked_up_and_many_walked(bed: Bed, count: int, walks: bool) -> None:
    clients = [ours(f"10.0.0.{100 + number}", f"00:00:00:00:00:{number:02x}") for number in range(count)]
    result = bed.declare(*clients, check=True)
    assert (result.counters[WALK] > 0, result.counters[GET] > 0) == (walks, not walks)


def test_a_single_new_reservation_costs_a_handful_of_calls(bed: Bed) -> None:
    result = bed.declare(ours(name="printer"))
    assert sum(result.counters.values()) <= 11
