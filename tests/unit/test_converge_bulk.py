# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many writes over several connections at once: the same outcome as over one, sooner."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest

from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.items import Absent, ItemPlan
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.model import ClientId, Scope
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.state import DeleteRecord, Step
from ansible_collections.msrpc.dhcp.plugins.module_utils._progress import Progress
from ansible_collections.msrpc.dhcp.plugins.module_utils._writing import independent
from ansible_collections.msrpc.dhcp.tests.simulator.server import Simulator
from ansible_collections.msrpc.dhcp.tests.simulator.site import Site, record, reservation, scope
from ansible_collections.msrpc.dhcp.tests.unit.fixtures import (
    CREATE,
    LIST,
    RESERVE,
    SCOPE,
    UNLEASED,
    UNRESERVE,
    Bed,
    Result,
)

COUNT = 60
CONNECTIONS = 4
HALL = "10.8.1.0"
ANNEX = "10.9.1.0"


def mac(number: int) -> str:
    return f"00:00:1c:00:00:{number:02x}"


def address(number: int, net: str = HALL) -> str:
    return f"{net.removesuffix('0')}{number + 10}"


def crowd(count: int = COUNT, net: str = HALL, **more: Any) -> list[dict[str, Any]]:
    """So many clients of a scope."""
    return [
        {"ip_address": address(number, net), "mac_address": mac(number), "name": f"client-{number}", **more}
        for number in range(count)
    ]


def hall(*, reserved: int = 0) -> Site:
    """Two scopes; in the first one so many clients are reserved already."""
    inhabitants = range(reserved)
    hall = scope(
        HALL,
        records=tuple(
            record(address(each), mac(each), name=f"client-{each}", expires=UNLEASED) for each in inhabitants
        ),
        reservations=tuple(reservation(address(each), mac(each)) for each in inhabitants),
    )
    return Site(scopes=(hall, scope(ANNEX)))


@pytest.fixture
def bed() -> Iterator[Bed]:
    with Simulator(hall()) as simulator:
        yield Bed(simulator)


@pytest.fixture
def full() -> Iterator[Bed]:
    with Simulator(hall(reserved=COUNT)) as simulator:
        yield Bed(simulator)


def logons(bed: Bed) -> int:
    return bed.sim.handshakes["logon"]


def summary(result: Result) -> dict[str, Any]:
    """All that users see of a run, and what it left behind."""
    outcome = result.outcome
    return {
        "changed": outcome.changed,
        "clients": outcome.clients,
        "diff": outcome.diff,
        "warnings": outcome.warnings,
        "failure": outcome.failure,
        "after": result.after,
        "counters": result.counters,
    }


# --- when -------------------------------------------------------------------------------------------------------------


def test_fifty_writes_go_over_several_connections(bed: Bed) -> None:
    bed.declare(*crowd(25), connections=CONNECTIONS)
    assert logons(bed) == CONNECTIONS


def test_fewer_writes_go_over_one_connection(bed: Bed) -> None:
    bed.declare(*crowd(24), connections=CONNECTIONS)
    assert logons(bed) == 1


def test_check_mode_needs_one_connection(bed: Bed) -> None:
    bed.declare(*crowd(), connections=CONNECTIONS, check=True)
    assert logons(bed) == 1


def test_a_second_run_needs_one_connection(full: Bed) -> None:
    assert full.declare(*crowd(), connections=CONNECTIONS).writes == {}
    assert logons(full) == 1


def test_several_scopes_are_walked_over_several_connections(bed: Bed) -> None:
    bed.declare(*crowd(20), *crowd(20, ANNEX), connections=CONNECTIONS, check=True)
    assert logons(bed) == 2


# --- the same as over one connection ----------------------------------------------------------------------------------


def rotated() -> list[dict[str, Any]]:
    """Every client of the hall moves to its neighbour's address, the last one to the first: one ring."""
    return [each | {"ip_address": address((number + 1) % COUNT)} for number, each in enumerate(crowd())]


def swapped() -> list[dict[str, Any]]:
    """The clients of the hall change places in pairs."""
    return [each | {"ip_address": address(number ^ 1)} for number, each in enumerate(crowd())]


def renewed() -> list[dict[str, Any]]:
    """Every address of the hall gets another client."""
    return [each | {"mac_address": f"02:00:00:00:00:{number:02x}"} for number, each in enumerate(crowd())]


TASKS: dict[str, Callable[[], list[dict[str, Any]]]] = {
    "removals": partial(crowd, state="absent"),
    "changes": partial(crowd, description="new"),
    "ring": rotated,
    "swaps": swapped,
    "replacements": renewed,
    "other_scope": partial(crowd, net=ANNEX),
}


def outcome(clients: list[dict[str, Any]], connections: int, **fault: Any) -> dict[str, Any]:
    with Simulator(hall(reserved=COUNT)) as simulator:
        if fault:
            simulator.faults.add(**fault)
        macs = [f"02:00:00:00:00:{number:02x}" for number in range(COUNT)] + [mac(number) for number in range(COUNT)]
        result = Bed(simulator).declare(*clients, connections=connections, displaces=macs, on_conflict="replace")
        return summary(result)


@pytest.mark.parametrize("task", TASKS)
def test_what_is_done_and_said_is_the_same_as_over_one_connection(task: str) -> None:
    over_one, over_several = outcome(TASKS[task](), 1), outcome(TASKS[task](), CONNECTIONS)
    # On each further connection that has something to write both interfaces answer a read first.
    further = over_several["counters"] - over_one["counters"]
    assert further[SCOPE] == further[LIST] < CONNECTIONS
    over_one["counters"] += further
    assert set(further) <= {SCOPE, LIST}
    assert over_several == over_one
    assert (over_one["failure"], over_one["changed"]) == (None, True)


def test_what_frees_an_address_comes_before_what_needs_it() -> None:
    with Simulator(hall(reserved=COUNT)) as simulator:
        result = Bed(simulator).declare(*rotated(), connections=CONNECTIONS, on_conflict="replace")
    calls = [call for call, _address in result.changes]
    assert CREATE not in calls[: calls.count(UNRESERVE)]


# --- when something goes wrong ----------------------------------------------------------------------------------------


def test_one_client_that_is_refused_does_not_stop_the_others(bed: Bed) -> None:
    bed.sim.faults.add(CREATE, nth=30, status=5)
    result = bed.declare(*crowd(), connections=CONNECTIONS)
    assert sorted(result.actions) == sorted(["created"] * (COUNT - 1) + ["none"])
    assert [("error" in client) for client in result.outcome.clients].count(True) == 1


def test_a_client_that_cannot_leave_keeps_its_place_from_the_one_that_waits_for_it(full: Bed) -> None:
    full.sim.faults.add(UNRESERVE, nth=1, status=5)
    result = full.declare(*swapped(), connections=CONNECTIONS, on_conflict="replace")
    failed = {number for number, client in enumerate(result.outcome.clients) if "error" in client}
    pair = min(failed)
    assert failed == {pair, pair ^ 1}
    assert {full.holder(address(each)) for each in failed} == {mac(each) for each in failed}


def test_an_answer_that_is_lost_is_found_by_reading(bed: Bed) -> None:
    bed.sim.faults.add(RESERVE, nth=20, drop="after")
    assert bed.declare(*crowd(), connections=CONNECTIONS).actions == ["created"] * COUNT


def test_a_write_that_is_lost_fails_its_client_alone(bed: Bed) -> None:
    bed.sim.faults.add(RESERVE, nth=20, drop="before")
    result = bed.declare(*crowd(), connections=CONNECTIONS)
    failed = [client["ip_address"] for client in result.outcome.clients if "error" in client]
    assert failed == [address(number) for number in range(COUNT) if bed.holder(address(number)) is None]
    assert len(failed) == 1


def test_a_server_that_goes_away_leaves_a_report_of_what_was_done(bed: Bed) -> None:
    bed.sim.faults.add(CREATE, nth=20, times=None, drop="before")
    result = bed.declare(*crowd(), connections=CONNECTIONS)
    created = {client["ip_address"] for client in result.outcome.clients if client["action"] == "created"}
    assert created == {address(number) for number in range(COUNT) if bed.record_at(address(number)) is not None}
    assert 0 < len(created) < COUNT


def test_after_the_server_is_gone_nothing_more_is_tried(bed: Bed) -> None:
    bed.sim.faults.add(CREATE, nth=20, times=None, drop="before")
    result = bed.declare(*crowd(), connections=CONNECTIONS)
    untried = [client for client in result.outcome.clients if "not tried" in client.get("error", "")]
    assert len(untried) > COUNT / 4


def test_connections_that_the_server_does_not_take_are_done_without(bed: Bed) -> None:
    bed.sim.faults.add("bind", nth=2, times=None, drop="before")
    assert bed.declare(*crowd(), connections=CONNECTIONS).actions == ["created"] * COUNT


def test_a_cut_of_every_connection_at_once_costs_no_client_that_was_not_written_at_that_moment(bed: Bed) -> None:
    bed.sim.faults.add(CREATE, nth=20, times=CONNECTIONS, drop="before")
    result = bed.declare(*crowd(), connections=CONNECTIONS)
    assert not [client for client in result.outcome.clients if "not tried" in client.get("error", "")]


def test_a_connection_that_cannot_be_had_is_not_waited_for_again() -> None:
    with Simulator(hall(reserved=COUNT)) as simulator:
        simulator.faults.add("bind", nth=2, times=None, drop="before")
        simulator.reset_counters()
        result = Bed(simulator).declare(*swapped(), connections=2, on_conflict="replace")
        assert (result.failure, simulator.handshakes["bind"]) == ("", 2)


# --- groups -----------------------------------------------------------------------------------------------------------


def work_of(*places: tuple[int, ...]) -> list[tuple[Progress, tuple[Step, ...]]]:
    """Items that write to these addresses, each for clients of those numbers."""
    network = Scope(network=IPv4Network(f"{HALL}/24"), name="")
    item = Absent(index=0, scope=IPv4Address(HALL), address=IPv4Address(address(0)), client_id=None)
    found = []
    for numbers in places:
        steps = tuple(
            DeleteRecord(scope=network, address=IPv4Address(address(each)), client_id=ClientId(bytes([each])))
            for each in numbers
        )
        found.append((Progress.of(ItemPlan(item=item, settled=item, frees=steps)), steps))
    return found


@pytest.mark.parametrize(
    ("places", "expected"),
    [
        ([(1,), (2,), (3,)], [[0], [1], [2]]),
        ([(1,), (2,), (1,)], [[0, 2], [1]]),
        ([(1, 2), (3, 4), (2, 3)], [[0, 1, 2]]),
        ([(1,), (), (2,)], [[0], [2]]),
        ([(1, 2), (2, 3), (3, 4), (4, 5)], [[0, 1, 2, 3]]),
    ],
)
def test_items_that_share_an_address_are_one_group_in_their_order(
    places: list[tuple[int, ...]], expected: list[list[int]]
) -> None:
    work = work_of(*places)
    order = {id(entry): index for index, (entry, _steps) in enumerate(work)}
    found = [[order[id(entry)] for entry, _steps in group] for group in independent(work)]
    assert sorted(found) == expected
