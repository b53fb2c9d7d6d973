# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds over everything that can be there, whatever is declared: all situations times all declarations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ansible_collections.msrpc.dhcp.tests.simulator.server import Simulator
from ansible_collections.msrpc.dhcp.tests.simulator.site import Settings
from ansible_collections.msrpc.dhcp.tests.unit.fixtures import (
    DECLINED,
    DOOMED,
    ELSEWHERE,
    GET,
    HOME,
    LATER,
    OURS,
    PAST,
    STRANGER,
    THERE,
    UNLEASED,
    WALK,
    WANTED,
    Bed,
    Result,
    ours,
    site,
)

Situation = Callable[[Bed], object]


def both(*situations: Situation) -> Situation:
    """One after the other."""

    def prepare(bed: Bed) -> None:
        for each in situations:
            each(bed)

    return prepare


SITUATIONS: dict[str, Situation] = {
    "nothing": lambda bed: None,
    "own_lease": lambda bed: bed.record(WANTED, OURS),
    "own_expired_lease": lambda bed: bed.record(WANTED, OURS, expires=PAST),
    "own_declined_lease": lambda bed: bed.record(WANTED, OURS, state=DECLINED),
    "own_doomed_lease": lambda bed: bed.record(WANTED, OURS, state=DOOMED),
    "own_record_without_reservation": lambda bed: bed.record(WANTED, OURS, expires=UNLEASED),
    "own_reservation": lambda bed: bed.reserved_record(WANTED, OURS),
    "own_leased_reservation": lambda bed: bed.reserved_record(WANTED, OURS, expires=LATER),
    "own_declined_reservation": lambda bed: bed.reserved_record(WANTED, OURS, state=DECLINED),
    "own_reservation_without_name": lambda bed: bed.reserved_record(WANTED, OURS, name=None),
    "own_reservation_without_record": lambda bed: bed.reserve(WANTED, OURS),
    "own_lease_elsewhere": lambda bed: bed.record(ELSEWHERE, OURS),
    "own_declined_lease_elsewhere": lambda bed: bed.record(ELSEWHERE, OURS, state=DECLINED),
    "own_reservation_elsewhere": lambda bed: bed.reserved_record(ELSEWHERE, OURS),
    "own_reservation_elsewhere_without_record": lambda bed: bed.reserve(ELSEWHERE, OURS),
    "reserved_beside_own_lease": both(lambda bed: bed.record(ELSEWHERE, OURS), lambda bed: bed.reserve(WANTED, OURS)),
    "lease_here_reserved_elsewhere": both(
        lambda bed: bed.record(WANTED, OURS), lambda bed: bed.reserve(ELSEWHERE, OURS)
    ),
    "own_lease_reserved_for_a_stranger": both(
        lambda bed: bed.record(WANTED, OURS), lambda bed: bed.reserve(WANTED, STRANGER)
    ),
    "strangers_lease": lambda bed: bed.record(WANTED, STRANGER),
    "strangers_expired_lease": lambda bed: bed.record(WANTED, STRANGER, expires=PAST),
    "strangers_declined_lease": lambda bed: bed.record(WANTED, STRANGER, state=DECLINED),
    "strangers_doomed_lease": lambda bed: bed.record(WANTED, STRANGER, state=DOOMED),
    "strangers_reservation": lambda bed: bed.reserved_record(WANTED, STRANGER),
    "strangers_reservation_without_record": lambda bed: bed.reserve(WANTED, STRANGER),
    "ours_over_a_strangers_lease": both(
        lambda bed: bed.record(WANTED, STRANGER), lambda bed: bed.reserve(WANTED, OURS)
    ),
    "lease_elsewhere_and_a_stranger_here": both(
        lambda bed: bed.record(ELSEWHERE, OURS), lambda bed: bed.record(WANTED, STRANGER)
    ),
    "in_another_scope": lambda bed: bed.reserved_record(THERE, OURS),
    "in_both_scopes": both(lambda bed: bed.reserved_record(THERE, OURS), lambda bed: bed.reserved_record(WANTED, OURS)),
}

DECLARED: dict[str, dict[str, Any]] = {
    "reservation": ours(name="printer", description="d"),
    "bare_reservation": ours(),
    "lease": ours(type="lease", name="printer", lease_expires=LATER),
    "no_reservation_at_the_address": {"ip_address": WANTED, "state": "absent"},
    "no_reservation_of_the_client": {"mac_address": OURS, "state": "absent"},
    "no_reservation_of_the_pair": ours(state="absent"),
    "no_lease_at_the_address": {"ip_address": WANTED, "state": "absent", "type": "lease"},
    "no_lease_of_the_client": {"mac_address": OURS, "state": "absent", "type": "lease"},
    "no_lease_of_the_pair": ours(state="absent", type="lease"),
}

SETTINGS = {
    "bare": Settings(id_form="bare", exists_code=20014, clients_per_page=1, elements_per_page=1, subnets_per_page=1),
    "strict": Settings(
        reservation_id_form="bare",
        remove_unrecognised="refuse",
        create_outside_range="range",
        empty_elements="no_more_items",
    ),
}

in_every_situation = pytest.mark.parametrize("prepare", SITUATIONS.values(), ids=SITUATIONS)
of_everything = pytest.mark.parametrize("declared", DECLARED.values(), ids=DECLARED)


def _answer(result: Result) -> dict[str, Any]:
    """What may not depend on how the answer was found."""
    outcome = result.outcome
    return {
        "changed": outcome.changed,
        "client": outcome.clients[-1],
        "warnings": outcome.warnings,
        "changes": result.changes,
    }


@of_everything
@in_every_situation
def test_check_mode_foresees_what_a_run_does(bed: Bed, prepare: Situation, declared: dict[str, Any]) -> None:
    prepare(bed)
    foreseen = bed.declare(declared, check=True)
    done = bed.declare(declared)
    assert (foreseen.changed, foreseen.actions, foreseen.outcome.diff, foreseen.failure) == (
        done.changed,
        done.actions,
        done.outcome.diff,
        done.failure,
    )


@of_everything
@in_every_situation
def test_a_second_run_sends_no_write(bed: Bed, prepare: Situation, declared: dict[str, Any]) -> None:
    prepare(bed)
    first = bed.declare(declared)
    second = bed.declare(declared)
    assert (second.changed, second.writes, second.actions) == (False, {}, ["none"])
    assert second.failure == first.failure


@pytest.mark.parametrize("kind", ["reservation", "lease"])
@in_every_situation
def test_a_second_run_returns_the_same_client(bed: Bed, prepare: Situation, kind: str) -> None:
    prepare(bed)
    first = bed.declare(ours(name="printer", type=kind)).client
    second = bed.declare(ours(name="printer", type=kind)).client
    assert {**second, "action": ""} == {**first, "action": ""}


@of_everything
@in_every_situation
def test_a_walk_finds_what_look_ups_find(bed: Bed, prepare: Situation, declared: dict[str, Any]) -> None:
    prepare(bed)
    others = [{"ip_address": f"10.0.0.{last}", "state": "absent"} for last in range(120, 145)]
    walked = bed.declare(*others, declared, check=True)
    looked_up = bed.declare(declared, single=False, check=True)
    assert walked.counters[WALK]
    assert looked_up.counters[GET]
    assert not looked_up.counters[WALK]
    assert _answer(walked) == _answer(looked_up)


@pytest.fixture(params=SETTINGS.values(), ids=list(SETTINGS))
def other(request: pytest.FixtureRequest) -> Iterator[Bed]:
    """The same site on a server that differs in what servers may differ in."""
    with Simulator(site(request.param)) as simulator:
        yield Bed(simulator)


@of_everything
@in_every_situation
def test_servers_that_differ_get_the_same_treatment(
    bed: Bed, other: Bed, prepare: Situation, declared: dict[str, Any]
) -> None:
    prepare(bed)
    prepare(other)
    assert _answer(other.declare(declared)) == _answer(bed.declare(declared))


@in_every_situation
def test_output_is_input(bed: Bed, prepare: Situation) -> None:
    prepare(bed)
    first = bed.declare(ours(name="printer", description="d"))
    returned = {key: value for key, value in first.client.items() if key not in _READ_ONLY}
    if not first.failure:
        second = bed.declare(returned, single=False)
        assert (second.changed, second.failure) == (False, "")


_READ_ONLY = ("action", "pending", "error", "active_until")


@in_every_situation
def test_present_and_then_absent_leaves_no_reservation_of_ours(bed: Bed, prepare: Situation) -> None:
    prepare(bed)
    bed.declare(ours(name="printer"))
    result = bed.declare(ours(state="absent"))
    assert result.failure or bed.holder(WANTED) != OURS


@in_every_situation
def test_another_scope_is_never_touched(bed: Bed, prepare: Situation) -> None:
    prepare(bed)
    before = bed.sim.snapshot()
    bed.declare(ours(name="printer"))
    bed.declare({"mac_address": OURS, "scope": HOME, "state": "absent"})
    bed.declare({"mac_address": OURS, "scope": HOME, "state": "absent", "type": "lease"})
    after = bed.sim.snapshot()
    assert after["10.0.1.0"] == before["10.0.1.0"]
