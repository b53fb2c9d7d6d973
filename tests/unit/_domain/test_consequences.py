# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors that follow from others: as deciding again and again would find them, but without asking everybody again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from ipaddress import IPv4Network

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.msrpc.dhcp.plugins.module_utils._domain import consequences
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain import plan as planning
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.consequences import Consequences
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.items import (
    Absent,
    Conflict,
    Item,
    ItemPlan,
    OnConflict,
    Present,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.model import (
    UNSET,
    AddressRange,
    ClientId,
    ClientType,
    OptionValues,
    Record,
    Reservation,
    Scope,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.plan import Site, plan
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.present import Draft, build
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.state import ScopeState
from ansible_collections.msrpc.dhcp.tests.unit._domain.worlds import SOON

# No test of speed: a busy machine may take its time.
MANY = settings(deadline=None, max_examples=300, print_blob=True, suppress_health_check=[HealthCheck.too_slow])

HALL = Scope(network=IPv4Network("10.1.0.0/16"), name="hall")
PLACES = [HALL.address + 10 + number for number in range(8)]
CLIENTS = [ClientId(bytes([2, 0, 0, 0, 0, number])) for number in range(9)]


def client(number: int) -> ClientId:
    return ClientId(b"\x02\x00" + number.to_bytes(4, "big"))


def one_further(count: int, *, blocked: bool = True) -> tuple[list[Present], Site]:
    """So many reserved clients that all move one address further; where it is blocked, a stranger has the last one."""
    state = ScopeState(scope=HALL, ranges=(AddressRange(HALL.address, HALL.network.broadcast_address),))
    for number in range(count + blocked):
        address = HALL.address + 1 + number
        state.add_record(Record(address=address, client_id=client(number)))
        state.add_reservation(Reservation(address=address, client_id=client(number)))
    items = [
        Present(
            index=number,
            scope=HALL.address,
            address=HALL.address + 2 + number,
            client_id=client(number),
            on_conflict=OnConflict.FAIL if blocked and number == count - 1 else OnConflict.REPLACE,
        )
        for number in range(count)
    ]
    return items, {HALL.address: state}


def decided_again_and_again(items: Sequence[Item], site: Site) -> list[ItemPlan]:
    """The plain way: the whole list, each time without those that were stuck the time before."""
    errors: dict[int, Conflict] = {}
    while True:
        attempt = planning._Attempt(items, site, errors)
        decided = attempt.run()
        stuck = attempt.stuck()
        if not stuck:
            return decided
        errors |= stuck


def comparable(plans: Sequence[ItemPlan]) -> list[tuple[ItemPlan, str]]:
    return [(replace(each, error=None), str(each.error)) for each in plans]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Draft]:
    """Every question what is to be built, in the order in which it is asked."""
    asked: list[Draft] = []

    def counted(draft: Draft) -> ItemPlan:
        asked.append(draft)
        return build(draft)

    monkeypatch.setattr(consequences, "build", counted)
    monkeypatch.setattr(planning, "build", counted)
    return asked


def before_a_chain(length: int) -> tuple[list[Present], Site]:
    """A chain that moves, to whose first address a client goes; another one evicts that client's lease, and is stuck.

    What is stuck is the lease of a client that has one already, at an address that is reserved for somebody else.
    """
    items, site = one_further(length, blocked=False)
    state, evicting, evicted = site[HALL.address], client(length), client(length + 1)
    crowded, wanted = HALL.address + length + 10, HALL.address + length + 11
    state.add_reservation(Reservation(address=crowded, client_id=client(length + 2)))
    state.add_record(Record(address=crowded, client_id=evicting, expires=SOON))
    state.add_record(Record(address=wanted, client_id=evicted, expires=SOON))
    items.append(
        Present(
            index=length,
            scope=HALL.address,
            address=wanted,
            client_id=evicting,
            type=ClientType.LEASE,
            on_conflict=OnConflict.REPLACE,
        )
    )
    first = HALL.address + 1
    items.append(
        Present(
            index=length + 1,
            scope=HALL.address,
            address=first,
            client_id=evicted,
            on_conflict=OnConflict.EVICT_LEASE,
        )
    )
    return items, site


def test_an_error_beside_a_chain_that_moves_does_not_ask_along_the_chain(asked: list[Draft]) -> None:
    items, site = before_a_chain(50)
    assert list(Consequences(items, site, {}).errors()) == [50]
    assert 50 < len(asked) < 100


def test_an_error_beside_a_chain_that_moves_is_decided_as_by_asking_everybody_again() -> None:
    items, site = before_a_chain(10)
    assert comparable(plan(items, site)) == comparable(decided_again_and_again(items, site))


@pytest.mark.parametrize("length", [50, 100])
def test_a_stuck_chain_asks_each_client_a_few_times(length: int, asked: list[Draft]) -> None:
    items, site = one_further(length)
    assert all(each.error is not None for each in plan(items, site))
    assert length < len(asked) < 10 * length


def test_a_stuck_chain_is_decided_as_by_asking_everybody_again() -> None:
    items, site = one_further(20)
    assert comparable(plan(items, site)) == comparable(decided_again_and_again(items, site))


@st.composite
def sites(draw: st.DrawFn) -> Site:
    """Most clients are reserved with their record; leases lie anywhere, also at an address reserved for another."""
    state = ScopeState(scope=HALL, ranges=(AddressRange(PLACES[0], PLACES[-2]),))
    for number, holder in enumerate(draw(st.permutations(CLIENTS))[: len(PLACES)]):
        address, kind = PLACES[number], draw(st.integers(0, 7))
        if kind < 6:
            state.add_reservation(Reservation(address=address, client_id=holder))
            if draw(st.booleans()):
                state.options[address] = OptionValues(entries=(holder.hex,))
        if kind in {0, 1, 2, 3, 6}:
            expires = draw(st.sampled_from([UNSET, SOON]))
            state.add_record(Record(address=address, client_id=holder, name=holder.hex, expires=expires))
    for address in PLACES:
        guest = draw(st.sampled_from(CLIENTS))
        if state.record_at(address) is None and state.record_of(guest) is None and draw(st.booleans()):
            state.add_record(Record(address=address, client_id=guest, expires=SOON))
    return {HALL.address: state}


@st.composite
def lists(draw: st.DrawFn) -> list[Item]:
    places, clients = draw(st.permutations(PLACES)), draw(st.permutations(CLIENTS))
    items: list[Item] = []
    for number in range(draw(st.integers(2, len(PLACES)))):
        if draw(st.integers(0, 7)) == 0:
            kind = draw(st.sampled_from(ClientType))
            items.append(
                Absent(index=number, scope=HALL.address, address=places[number], client_id=None, type=kind),
            )
            continue
        items.append(
            Present(
                index=number,
                scope=HALL.address,
                address=places[number],
                client_id=clients[number],
                type=draw(st.sampled_from([ClientType.RESERVATION] * 3 + [ClientType.LEASE])),
                on_conflict=draw(st.sampled_from([OnConflict.REPLACE] * 4 + [OnConflict.EVICT_LEASE, OnConflict.FAIL])),
            )
        )
    return items


@settings(MANY)
@given(sites(), lists())
def test_every_list_is_decided_as_by_asking_everybody_again(site: Site, items: list[Item]) -> None:
    assert comparable(plan(items, site)) == comparable(decided_again_and_again(items, site))
