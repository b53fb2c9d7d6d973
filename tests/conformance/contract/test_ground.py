# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What keeps the suite inside its scratch scope, tried on a simulator: no test here goes to a real server."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address
from typing import Any

import pytest

from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.model import ClientId, Scope
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.state import (
    Create,
    DeleteRecord,
    RemoveReservation,
    Reserve,
    SetRecord,
    Step,
)
from ansible_collections.msrpc.dhcp.tests.conformance.contract.ground import Escape, Ground, Unfit
from ansible_collections.msrpc.dhcp.tests.conformance.contract.places import (
    NEEDED,
    SCRATCH,
    SUBNET,
    real_place,
    simulated_place,
    site,
)
from ansible_collections.msrpc.dhcp.tests.simulator.server import Simulator
from ansible_collections.msrpc.dhcp.tests.simulator.site import Settings, record, reservation

OURS = "024d532d4400"
STRANGER = "020000000009"
HELD = "10.0.0.20"
HOLDER = ClientId(bytes.fromhex("020000000001"))


@pytest.fixture
def sim() -> Iterator[Simulator]:
    with Simulator(site(Settings())) as simulator:
        yield simulator


@pytest.mark.parametrize("kind", ["record", "reservation"])
def test_a_scope_with_somebody_in_it_is_refused_and_nothing_written(sim: Simulator, kind: str) -> None:
    scope = sim.scope(SUBNET)
    if kind == "record":
        scope.records.put(record("10.9.0.11", STRANGER))
    else:
        scope.reservations.put(reservation("10.9.0.11", STRANGER))
    with pytest.raises(Unfit, match=r"no scratch scope.*02:00:00:00:00:09 at 10\.9\.0\.11.*Nothing was changed"):
        Ground.claim(simulated_place(sim))
    assert sim.writes == 0


def test_a_scope_that_does_not_exist_is_refused(sim: Simulator) -> None:
    place = simulated_place(sim)
    with pytest.raises(Unfit, match=r"no scope 10\.8\.0\.0"):
        Ground.claim(
            type(place)(endpoint=place.endpoint, credentials=place.credentials, subnet=IPv4Address("10.8.0.0"))
        )


def test_a_scope_without_room_is_refused(sim: Simulator) -> None:
    sim.scope(SUBNET).ranges.clear()
    with pytest.raises(Unfit, match="has 0 addresses"):
        Ground.claim(simulated_place(sim))


def test_what_a_killed_run_left_is_removed(sim: Simulator) -> None:
    scope = sim.scope(SUBNET)
    scope.records.put(record("10.9.0.11", OURS))
    scope.reservations.put(reservation("10.9.0.11", OURS))
    scope.reservations.put(reservation("10.9.0.12", "024d532d4401"))
    assert Ground.claim(simulated_place(sim)).contents().ours() == []


def steps(scope: Scope, other: Scope) -> dict[str, Step]:
    """One of each kind that would leave the scratch scope or touch a stranger."""
    held: dict[str, Any] = {"scope": other, "address": IPv4Address(HELD), "client_id": HOLDER}
    free: dict[str, Any] = {"address": IPv4Address("10.0.0.30"), "client_id": ClientId(bytes.fromhex(OURS))}
    return {
        "create elsewhere": Create(scope=scope, **free),
        "create a stranger": Create(scope=scope, address=IPv4Address("10.9.0.11"), client_id=HOLDER),
        "reserve elsewhere": Reserve(scope=other, **free),
        "reserve for a stranger": Reserve(scope=scope, address=IPv4Address("10.9.0.11"), client_id=HOLDER),
        "change": SetRecord(**held, name="x"),
        "remove a reservation": RemoveReservation(**held),
        "delete": DeleteRecord(**held),
    }


@pytest.mark.parametrize(
    "name",
    [
        "create elsewhere",
        "create a stranger",
        "reserve elsewhere",
        "reserve for a stranger",
        "change",
        "remove a reservation",
        "delete",
    ],
)
def test_a_write_that_would_leave_the_scope_is_not_sent(sim: Simulator, name: str) -> None:
    ground = Ground.claim(simulated_place(sim))
    with ground.server() as server:
        other = server.scope(IPv4Address("10.0.0.0"))
        assert other is not None
        with pytest.raises(Escape):
            server.apply(steps(ground.scope, other)[name])
    assert sim.writes == 0


def test_a_change_elsewhere_is_noticed(sim: Simulator) -> None:
    ground = Ground.claim(simulated_place(sim))
    sim.scope("10.0.0.0").reservations.pop(HELD)
    with pytest.raises(AssertionError, match="reservations of scope"):
        ground.expect_others_unchanged(strict=False)


def test_a_lease_that_comes_elsewhere_is_no_business_of_a_real_servers_suite(sim: Simulator) -> None:
    ground = Ground.claim(simulated_place(sim))
    sim.scope("10.0.0.0").records.put(record("10.0.0.40", STRANGER))
    ground.expect_others_unchanged(strict=False)


def test_a_scratch_scope_without_a_server_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SCRATCH, SUBNET)
    for name in NEEDED:
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(Unfit, match=", ".join(NEEDED)):
        real_place()
