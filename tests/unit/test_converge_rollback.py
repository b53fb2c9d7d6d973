# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A replacement, a move or a swap that fails half-way: nothing is lost, and what is reported is what is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from ansible_collections.msrpc.dhcp.tests.simulator.site import OptionValue, client_id, option, record
from ansible_collections.msrpc.dhcp.tests.simulator.store import ScopeSnapshot, Store
from ansible_collections.msrpc.dhcp.tests.unit.fixtures import (
    CREATE,
    DELETE,
    ELSEWHERE,
    FRIEND,
    HOME,
    LATER,
    LIST,
    OURS,
    RESERVE,
    SET_OPTIONS,
    STRANGER,
    THERE,
    UNLEASED,
    UNRESERVE,
    WALK,
    WANTED,
    Bed,
    Result,
    declared_part,
    ours,
)

THIRD = "10.0.0.40"
INTRUDER = "02:00:00:00:00:77"
BOOT = option(67, "string", "boot/image")
CLASSED = option(1, "word", 7, 8, vendor_class="Acme phones", user_class="thin clients")


@dataclass(frozen=True, kw_only=True)
class Plot:
    """What is there, what is declared, and the writes that this takes, in order."""

    prepare: Callable[[Bed], object]
    clients: tuple[dict[str, Any], ...]
    writes: tuple[str, ...]
    displaces: tuple[str, ...] = ()

    def declare(self, bed: Bed, **more: Any) -> Result:
        return bed.declare(*self.clients, displaces=self.displaces, **more)


def settle(bed: Bed, ip: str, mac: str, name: str, *values: OptionValue, leased: str | int = UNLEASED) -> None:
    """A reservation with its record and its option values."""
    bed.sim.store.define(*values)
    bed.record(ip, mac, name=name, comment=f"{name}'s", expires=leased)
    bed.reserve(ip, mac, options=values, allowed_client_types=3)


def over_a_lease(bed: Bed) -> None:
    bed.sim.store.define(BOOT)
    bed.record(WANTED, STRANGER)
    bed.reserve(WANTED, OURS, options=(BOOT,))


def three(bed: Bed) -> None:
    settle(bed, WANTED, OURS, "anna", BOOT)
    settle(bed, ELSEWHERE, FRIEND, "berta", CLASSED, leased=LATER)
    settle(bed, THIRD, STRANGER, "clara")


def two(bed: Bed) -> None:
    settle(bed, WANTED, OURS, "anna", BOOT)
    settle(bed, ELSEWHERE, FRIEND, "berta", CLASSED)


def at(ip: str, mac: str) -> dict[str, Any]:
    return {"ip_address": ip, "mac_address": mac, "on_conflict": "replace"}


MADE = (CREATE, RESERVE, SET_OPTIONS)
PLOTS = {
    "replace": Plot(
        prepare=lambda bed: settle(bed, WANTED, STRANGER, "old", CLASSED),
        clients=(ours(on_conflict="replace"),),
        writes=(UNRESERVE, *MADE),
        displaces=(STRANGER,),
    ),
    "replace_leased": Plot(
        prepare=lambda bed: settle(bed, WANTED, STRANGER, "old", BOOT, leased=LATER),
        clients=(ours(on_conflict="replace"),),
        writes=(UNRESERVE, DELETE, *MADE),
        displaces=(STRANGER,),
    ),
    "evict": Plot(
        prepare=lambda bed: bed.record(WANTED, STRANGER, comment="theirs"),
        clients=(ours(on_conflict="evict_lease", name="printer"),),
        writes=(DELETE, CREATE, RESERVE),
        displaces=(STRANGER,),
    ),
    "evict_under_own": Plot(
        prepare=over_a_lease,
        clients=(ours(on_conflict="evict_lease", name="printer"),),
        writes=(UNRESERVE, DELETE, *MADE),
        displaces=(STRANGER,),
    ),
    "move": Plot(
        prepare=lambda bed: settle(bed, ELSEWHERE, OURS, "mine", BOOT, leased=LATER),
        clients=(ours(on_conflict="replace"),),
        writes=(UNRESERVE, DELETE, *MADE),
    ),
    "move_lease": Plot(
        prepare=lambda bed: bed.record(ELSEWHERE, OURS, name="mine"),
        clients=(ours(on_conflict="replace"),),
        writes=(DELETE, CREATE, RESERVE),
    ),
    "swap": Plot(
        prepare=two,
        clients=(at(ELSEWHERE, OURS), at(WANTED, FRIEND)),
        writes=(UNRESERVE, UNRESERVE, *MADE, *MADE),
    ),
    "chain": Plot(
        prepare=two,
        clients=(at(ELSEWHERE, OURS), at(THIRD, FRIEND)),
        writes=(UNRESERVE, UNRESERVE, *MADE, *MADE),
    ),
    "ring": Plot(
        prepare=three,
        clients=(at(ELSEWHERE, OURS), at(THIRD, FRIEND), at(WANTED, STRANGER)),
        writes=(UNRESERVE, UNRESERVE, DELETE, UNRESERVE, *MADE, *MADE, CREATE, RESERVE),
    ),
}

# Every write of every plot, and which of its kind it is.
STEPS = [
    pytest.param(plot, call, plot.writes[:place].count(call) + 1, id=f"{name}-{place}-{call}")
    for name, plot in PLOTS.items()
    for place, call in enumerate(plot.writes)
]
every_step = pytest.mark.parametrize(("plot", "call", "nth"), STEPS)
every_plot = pytest.mark.parametrize("plot", PLOTS.values(), ids=PLOTS)

WITHOUT_EFFECT: dict[str, dict[str, Any]] = {
    "refused": {"status": 5},
    "fault": {"fault": 0x6F7},
    "dropped": {"drop": "before"},
}
WITH_EFFECT: dict[str, dict[str, Any]] = {
    "refused": {"status_after": 5},
    "fault": {"fault_after": 0x6F7},
    "dropped": {"drop": "after"},
    "truncated": {"torn": "truncated"},
}

Parts = dict[tuple[int, str], object]


def parts(snapshot: Mapping[str, ScopeSnapshot]) -> Parts:
    """What people said of everything that is there."""
    found: Parts = {}
    for scope in snapshot.values():
        found.update({(key, "record"): declared_part(each) for key, each in scope.records.items()})
        found.update({(key, "reservation"): declared_part(each) for key, each in scope.reservations.items()})
    return {key: part for key, part in found.items() if part is not None}


def told(result: Result) -> dict[str, dict[str, Any]]:
    """What the failed clients' results say that was there, by address."""
    return {old["ip_address"]: old for client in result.outcome.clients for old in client.get("before", ())}


def must_not_have_lost_anything(result: Result) -> None:
    """Whatever was there and is not any more has moved as declared, or is in the answer, whole."""
    after, known = parts(result.after), told(result)
    content = set(map(_comparable, after.values()))
    before = result.before[HOME]
    for (key, kind), old in parts(result.before).items():
        if after.get((key, kind)) == old or _comparable(old) in content:
            continue
        entry = known[".".join(str(octet) for octet in key.to_bytes(4, "big"))]
        reserved, held = before.reservations.get(key), before.records.get(key)
        if reserved is not None:
            assert entry["client_id"] == reserved.client_id.hex()
            assert entry["allowed_client_types"] == reserved.allowed_client_types
            assert {value["option_id"] for value in entry["options"]} == {each.option_id for each in reserved.options}
        if held is not None and (reserved is None or held.client_id == reserved.client_id):
            assert entry["client_id"] == held.client_id.hex()
            assert (entry["name"], entry["description"]) == (held.name or "", held.comment or "")


def _comparable(part: object) -> str:
    return repr(part)


def must_be_told_truly(bed: Bed, result: Result) -> None:
    """Who did not fail is where it was declared; who failed is where it was, unless the answer says otherwise."""
    at_first, now = result.before[HOME].reservations, result.after[HOME].reservations
    for client in result.outcome.clients:
        if "error" not in client:
            assert bed.holder(client["ip_address"]) == client["mac_address"]
        elif client["action"] == "none":
            mine = client_id(client["mac_address"])
            assert {key for key, each in at_first.items() if each.client_id == mine} == {
                key for key, each in now.items() if each.client_id == mine
            }


def must_be_reached(bed: Bed, plot: Plot, result: Result) -> None:
    """Every client is where it was declared, and nowhere else."""
    assert result.failure == ""
    for client in plot.clients:
        found = bed.record_at(client["ip_address"])
        assert bed.holder(client["ip_address"]) == client["mac_address"]
        assert found is not None
        assert found.client_id == client_id(client["mac_address"])


@every_plot
def test_the_writes_are_the_ones_that_are_disturbed_below(bed: Bed, plot: Plot) -> None:
    plot.prepare(bed)
    result = plot.declare(bed)
    assert result.failure == ""
    assert sorted(result.writes.items()) == sorted({call: plot.writes.count(call) for call in plot.writes}.items())


@every_step
@pytest.mark.parametrize("recipe", WITH_EFFECT.values(), ids=WITH_EFFECT)
def test_a_write_that_took_effect_without_saying_so_is_found_and_the_rest_done(
    bed: Bed, plot: Plot, call: str, nth: int, recipe: dict[str, Any]
) -> None:
    plot.prepare(bed)
    bed.sim.faults.add(call, nth=nth, **recipe)
    must_be_reached(bed, plot, plot.declare(bed))


@every_step
@pytest.mark.parametrize("recipe", WITHOUT_EFFECT.values(), ids=WITHOUT_EFFECT)
def test_after_a_write_without_effect_everything_is_as_it_was(
    bed: Bed, plot: Plot, call: str, nth: int, recipe: dict[str, Any]
) -> None:
    plot.prepare(bed)
    bed.sim.faults.add(call, nth=nth, **recipe)
    result = plot.declare(bed)
    assert any(call in client.get("error", "") for client in result.outcome.clients)
    must_be_told_truly(bed, result)
    must_not_have_lost_anything(result)
    if plot is not PLOTS["chain"]:
        assert (parts(result.after), result.changed) == (parts(result.before), False)


@every_step
@pytest.mark.parametrize("recipe", WITHOUT_EFFECT.values(), ids=WITHOUT_EFFECT)
def test_the_next_run_reaches_what_a_disturbed_one_did_not(
    bed: Bed, plot: Plot, call: str, nth: int, recipe: dict[str, Any]
) -> None:
    plot.prepare(bed)
    bed.sim.faults.add(call, nth=nth, **recipe)
    plot.declare(bed)
    bed.sim.faults.clear()
    must_be_reached(bed, plot, plot.declare(bed))


@every_step
@pytest.mark.parametrize("recipe", WITHOUT_EFFECT.values(), ids=WITHOUT_EFFECT)
def test_what_cannot_be_put_back_either_is_in_the_answer(
    bed: Bed, plot: Plot, call: str, nth: int, recipe: dict[str, Any]
) -> None:
    plot.prepare(bed)
    bed.sim.faults.add(call, nth=nth, times=None, **recipe)
    result = plot.declare(bed)
    assert result.failure
    must_not_have_lost_anything(result)
    must_be_told_truly(bed, result)


@every_step
def test_an_answer_and_the_next_reading_lost_do_not_stop_it(bed: Bed, plot: Plot, call: str, nth: int) -> None:
    plot.prepare(bed)

    def lose_the_reading(store: Store) -> None:
        bed.sim.faults.add(LIST, drop="before")

    bed.sim.faults.add(call, nth=nth, drop="after", before=lose_the_reading)
    must_be_reached(bed, plot, plot.declare(bed))


@every_step
def test_a_server_that_is_gone_in_the_middle_leaves_everything_known(bed: Bed, plot: Plot, call: str, nth: int) -> None:
    plot.prepare(bed)

    def be_gone(store: Store) -> None:
        bed.sim.faults.add(times=None, drop="before")

    bed.sim.faults.add(call, nth=nth, drop="after", before=be_gone)
    result = plot.declare(bed)
    must_not_have_lost_anything(result)
    assert result.failure


@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("recipe", [{"status": 5}, {"drop": "before"}, {"drop": "after"}, {"fault": 0x6F7}])
def test_option_values_of_two_classes_are_stored_all_or_put_back(bed: Bed, nth: int, recipe: dict[str, Any]) -> None:
    settle(bed, WANTED, STRANGER, "old", BOOT, CLASSED)
    bed.sim.faults.add(SET_OPTIONS, nth=nth, **recipe)
    result = bed.declare(ours(on_conflict="replace"), displaces=[STRANGER])
    reserved = bed.sim.scope(HOME).reservations[WANTED]
    assert set(reserved.options) == {BOOT, CLASSED}
    assert reserved.client_id == client_id(STRANGER if result.failure else OURS)
    assert result.changed == (not result.failure)


@every_plot
def test_a_stranger_who_takes_the_freed_address_keeps_it(bed: Bed, plot: Plot) -> None:
    plot.prepare(bed)
    taken: list[str] = []

    def take(store: Store) -> None:
        place = plot.clients[0]["ip_address"]
        bed.sim.scope(HOME).records.put(record(place, INTRUDER, name="intruder", expires=LATER))
        taken.append(place)

    bed.sim.faults.add(CREATE, before=take)
    result = plot.declare(bed)
    (place,) = taken
    found = bed.record_at(place)
    assert found is not None
    assert found.client_id == client_id(INTRUDER)
    assert result.failure
    must_not_have_lost_anything(result)
    must_be_told_truly(bed, result)


def without_records(bed: Bed) -> None:
    """Two reservations of clients that are not on the network."""
    bed.sim.store.define(BOOT)
    bed.reserve(WANTED, OURS, options=(BOOT,))
    bed.reserve(ELSEWHERE, FRIEND)


def test_reservations_without_records_are_swapped(bed: Bed) -> None:
    without_records(bed)
    must_be_reached(bed, PLOTS["swap"], PLOTS["swap"].declare(bed))


@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("recipe", WITHOUT_EFFECT.values(), ids=WITHOUT_EFFECT)
def test_nothing_is_made_at_a_place_whose_holder_could_not_leave(bed: Bed, nth: int, recipe: dict[str, Any]) -> None:
    without_records(bed)
    bed.sim.faults.add(UNRESERVE, nth=nth, **recipe)
    result = PLOTS["swap"].declare(bed)
    kept = result.before[HOME].reservations
    assert (result.changed, result.after[HOME].reservations) == (False, kept)
    assert not [change for change in result.changes if change[0] == CREATE]


@every_plot
def test_only_what_was_removed_is_put_back(bed: Bed, plot: Plot) -> None:
    plot.prepare(bed)
    bed.sim.faults.add(RESERVE, status=5)
    result = plot.declare(bed)
    removed = {change.address for change in result.audit if change.call in (UNRESERVE, DELETE)}
    declared = {client["ip_address"] for client in plot.clients}
    assert {change.address for change in result.audit} <= removed | declared


def test_a_client_that_the_list_removes_does_not_come_back_for_a_failure(bed: Bed) -> None:
    settle(bed, WANTED, STRANGER, "old", BOOT, leased=LATER)
    bed.sim.faults.add(CREATE, status=5)
    result = bed.declare(
        ours(on_conflict="replace"),
        {"mac_address": STRANGER, "ip_address": WANTED, "state": "absent"},
    )
    assert result.actions == ["none", "removed"]
    assert bed.holder(WANTED) is None
    found = bed.record_at(WANTED)
    assert found is not None
    assert found.client_id == client_id(STRANGER)


def test_a_lease_that_cannot_be_made_again_does_not_cost_our_reservation(bed: Bed) -> None:
    bed.reserve(WANTED, OURS)
    bed.record(WANTED, STRANGER, name="seen")
    bed.sim.faults.add(CREATE, times=None, status=5)
    result = bed.declare(ours(on_conflict="evict_lease"), displaces=[STRANGER])
    assert bed.holder(WANTED) == OURS
    assert [each["mac_address"] for each in result.outcome.clients[0]["before"]] == [STRANGER, OURS]


@pytest.mark.parametrize("length", [30, 60])
def test_a_long_ring_goes_back_after_a_few_readings(bed: Bed, length: int) -> None:
    ring = [(f"10.0.0.{number + 100}", f"02:00:00:00:01:{number:02x}") for number in range(length)]
    for ip, mac in ring:
        bed.reserved_record(ip, mac)
    bed.sim.faults.add(CREATE, nth=length // 2, status=87)
    result = bed.declare(*(at(ring[number - 1][0], mac) for number, (_ip, mac) in enumerate(ring)))
    assert parts(result.after) == parts(result.before)
    assert all("was put back" in client["error"] for client in result.outcome.clients)
    assert result.counters[WALK] <= 6


def test_what_cannot_be_put_back_in_one_scope_does_not_hold_up_the_same_client_in_another(bed: Bed) -> None:
    for ip in (WANTED, THERE):
        bed.reserved_record(ip, STRANGER, name="old")
    bed.sim.faults.add(CREATE, nth=1, times=3, status=5)
    result = bed.declare(ours(on_conflict="replace"), ours(THERE, FRIEND, on_conflict="replace"), displaces=[STRANGER])
    assert [place for call, place in result.changes if call == RESERVE] == [THERE, WANTED]


def test_a_reservation_does_not_go_back_before_its_record(bed: Bed) -> None:
    settle(bed, WANTED, STRANGER, "old")
    bed.sim.faults.add(CREATE, nth=1, times=2, status=5)
    result = bed.declare(ours(on_conflict="replace"), displaces=[STRANGER])
    assert [call for call, _place in result.changes if call in MADE] == [CREATE, RESERVE]
