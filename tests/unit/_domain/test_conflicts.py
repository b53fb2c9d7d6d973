# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a plan removes for a declared client, and how it is put back: small cases, and thousands that nobody chose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from ipaddress import IPv4Address

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.items import (
    Action,
    ItemPlan,
    OnConflict,
    Present,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.model import (
    UNSET,
    ClientId,
    ClientType,
    OptionValues,
    Record,
    Reservation,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.plan import plan
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.restore import restore
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.state import (
    Create,
    DeleteRecord,
    RemoveReservation,
    Reserve,
    ScopeState,
    SetOptions,
    Step,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.view import view
from ansible_collections.msrpc.dhcp.tests.unit._domain.worlds import (
    CAMPUS,
    DESK,
    GATE,
    HALL,
    PHONE,
    PRINTER,
    ROOF,
    SHELF,
    SOON,
    STRANGER,
    record,
    reservation,
    site,
)

# No test of speed: a busy machine may take its time.
MANY = settings(deadline=None, max_examples=150, print_blob=True, suppress_health_check=[HealthCheck.too_slow])

FOURTH = ClientId.parse_mac("020000000004")
PLACES = [DESK, SHELF, HALL, ROOF]
CLIENTS = [PRINTER, STRANGER, PHONE, FOURTH]
Site = dict[IPv4Address, ScopeState]


def wanted(
    address: IPv4Address,
    client_id: ClientId,
    policy: OnConflict = OnConflict.REPLACE,
    kind: ClientType = ClientType.RESERVATION,
    index: int = 0,
) -> Present:
    return Present(
        index=index, scope=CAMPUS.address, address=address, client_id=client_id, on_conflict=policy, type=kind
    )


def options_of(client_id: ClientId) -> OptionValues:
    """Values that can be told from those of anybody else."""
    return OptionValues(entries=(client_id.hex,))


def with_options(found: Site) -> Site:
    """The site after every reservation's option values were read."""
    for state in found.values():
        for each in state.reservations:
            state.options[each.address] = options_of(each.client_id)
    return found


def applied(found: Site, steps: Sequence[Step]) -> Site:
    after = {address: state.copy() for address, state in found.items()}
    for step in steps:
        after[step.scope.address].advance(step)
    return after


def ordered(plans: Sequence[ItemPlan]) -> list[Step]:
    """All that frees before all that builds."""
    return [step for each in plans for step in each.frees] + [step for each in plans for step in each.builds]


def both(address: IPv4Address, client_id: ClientId) -> tuple[Record, Reservation]:
    """A reservation with its record, which was never leased."""
    return record(address, client_id, name=client_id.hex, expires=UNSET), reservation(address, client_id)


def shown(found: Site) -> dict[IPv4Address, ClientId]:
    """Who has which address of the campus."""
    holders = {address: view(found[CAMPUS.address], address) for address in CAMPUS.network.hosts()}
    return {address: held.client_id for address, held in holders.items() if held is not None and held.client_id}


# --- small cases ------------------------------------------------------------------------------------------------------


def test_a_swap_frees_both_addresses_before_it_builds() -> None:
    found = with_options(site(*both(DESK, PRINTER), *both(SHELF, STRANGER)))
    plans = plan([wanted(SHELF, PRINTER), wanted(DESK, STRANGER, index=1)], found)
    assert [len(each.frees) for each in plans] == [1, 1]
    assert shown(applied(found, ordered(plans))) == {SHELF: PRINTER, DESK: STRANGER}


def test_a_ring_takes_the_options_along() -> None:
    found = with_options(site(*both(DESK, PRINTER), *both(SHELF, STRANGER), *both(HALL, PHONE)))
    items = [wanted(SHELF, PRINTER), wanted(HALL, STRANGER, index=1), wanted(DESK, PHONE, index=2)]
    after = applied(found, ordered(plan(items, found)))[CAMPUS.address]
    assert after.options == {SHELF: options_of(PRINTER), HALL: options_of(STRANGER), DESK: options_of(PHONE)}


def test_a_chain_with_a_blocked_end_moves_nobody() -> None:
    found = with_options(site(*both(DESK, PRINTER), *both(SHELF, STRANGER), *both(HALL, PHONE)))
    items = [wanted(SHELF, PRINTER), wanted(HALL, STRANGER, OnConflict.FAIL, index=1)]
    assert [(each.steps, each.error is not None) for each in plan(items, found)] == [((), True), ((), True)]


def test_options_that_were_not_read_are_asked_for() -> None:
    (only,) = plan([wanted(DESK, PRINTER)], site(*both(DESK, STRANGER)))
    assert only.unread == (DESK,)


def test_nothing_is_asked_for_twice() -> None:
    (only,) = plan([wanted(DESK, PRINTER)], with_options(site(*both(DESK, STRANGER))))
    assert only.unread == ()


def test_a_client_that_came_later_is_not_removed() -> None:
    (first,) = plan([wanted(DESK, PRINTER)], with_options(site(*both(DESK, STRANGER))))
    (second,) = plan([first.settled], with_options(site(*both(DESK, PHONE))))
    assert (second.steps, second.error is not None) == ((), True)


def test_what_lies_outside_every_range_is_not_replaced() -> None:
    (only,) = plan([wanted(GATE, PRINTER)], with_options(site(*both(GATE, STRANGER))))
    assert (only.steps, "outside every range" in str(only.error)) == ((), True)


def test_a_record_that_reserving_makes_by_itself_needs_no_way_back() -> None:
    before = site(reservation(DESK, PRINTER))
    after = site(*both(DESK, PRINTER))
    assert restore(before, after, [(CAMPUS.address, DESK)], frozenset()).steps == ()


def test_a_record_that_was_made_anew_without_its_name_gets_it_back() -> None:
    before = site(reservation(DESK), record(DESK, name="printer", expires=UNSET))
    now = site(reservation(DESK), record(DESK, expires=UNSET))
    step = restore(before, now, [(CAMPUS.address, DESK)], frozenset()).steps[0]
    assert (type(step).__name__, getattr(step, "name", None)) == ("SetRecord", "printer")


def test_a_client_does_not_move_from_where_it_could_not_be_put_back() -> None:
    found = with_options(site(reservation(GATE), record(GATE, expires=UNSET)))
    assert "outside every range" in str(plan([wanted(DESK, PRINTER)], found)[0].error)


def test_what_a_stranger_has_taken_is_lost_and_left_alone() -> None:
    place = (CAMPUS.address, DESK)
    outcome = restore(site(*both(DESK, PRINTER)), site(record(DESK, STRANGER)), [place], frozenset())
    assert (outcome.steps, outcome.lost) == ((), (place,))


def test_option_values_that_are_missing_are_set_again() -> None:
    before, now = with_options(site(*both(DESK, PRINTER))), site(*both(DESK, PRINTER))
    (step,) = restore(before, now, [(CAMPUS.address, DESK)], frozenset()).steps
    assert step == SetOptions(scope=CAMPUS, address=DESK, client_id=PRINTER, options=options_of(PRINTER))


# --- everything else --------------------------------------------------------------------------------------------------


@st.composite
def sites(draw: st.DrawFn) -> Site:
    """Four places and four clients: reservations anywhere, records anywhere, one a client and one a place."""
    reserved = dict(zip(PLACES, draw(st.permutations(CLIENTS)), strict=True))
    resident = dict(zip(PLACES, draw(st.permutations(CLIENTS)), strict=True))
    entries: list[Record | Reservation] = []
    together = draw(st.booleans())
    for place in PLACES:
        client = reserved[place] if together else resident[place]
        if draw(st.booleans()):
            entries.append(reservation(place, reserved[place]))
        if draw(st.booleans()):
            expires = draw(st.sampled_from([UNSET, SOON]))
            entries.append(record(place, client, name=client.hex, expires=expires))
    return with_options(site(*entries))


@st.composite
def lists(draw: st.DrawFn, policies: Sequence[OnConflict] = tuple(OnConflict)) -> list[Present]:
    """Some of the clients, each at a place of its own."""
    clients, places = draw(st.permutations(CLIENTS)), draw(st.permutations(PLACES))
    size = draw(st.integers(1, 4))
    return [
        wanted(place, client, draw(st.sampled_from(policies)), draw(st.sampled_from(ClientType)), index)
        for index, (client, place) in enumerate(zip(clients[:size], places[:size], strict=True))
    ]


@settings(MANY)
@given(sites(), lists())
def test_an_item_with_an_error_has_no_steps(found: Site, items: list[Present]) -> None:
    assert all(each.steps == () and each.action is Action.NONE for each in plan(items, found) if each.error is not None)


@settings(MANY)
@given(sites(), lists())
def test_no_step_removes_what_its_item_may_not_remove(found: Site, items: list[Present]) -> None:
    state = found[CAMPUS.address]
    for each in plan(items, found):
        assert isinstance(each.item, Present)
        own, policy = each.item.client_id, each.item.on_conflict
        for step in each.frees:
            assert policy is not OnConflict.FAIL
            assert isinstance(step, (RemoveReservation, DeleteRecord))
            if policy is OnConflict.EVICT_LEASE:
                at_own_place = step.address == each.item.address
                assert at_own_place
                assert (step.client_id == own) == isinstance(step, RemoveReservation)
            elif step.client_id != own:
                assert step.address == each.item.address
            held = state.reservation_at(step.address) if isinstance(step, RemoveReservation) else None
            assert held is None or held.client_id == step.client_id


@settings(MANY)
@given(sites(), lists())
def test_a_client_that_fails_keeps_its_reservation(found: Site, items: list[Present]) -> None:
    plans = plan(items, found)
    after = applied(found, ordered(plans))[CAMPUS.address]
    for each in plans:
        own = found[CAMPUS.address].reservation_of(each.item.client_id or PRINTER)
        if each.error is not None and own is not None:
            assert after.reservation_at(own.address) == own


@settings(MANY)
@given(sites(), lists())
def test_a_second_run_is_idle(found: Site, items: list[Present]) -> None:
    after = applied(found, ordered(plan(items, found)))
    first = {each.item.index: each for each in plan(items, found)}
    for second in plan(items, after):
        if first[second.item.index].error is None:
            assert (second.steps, second.error) == ((), None)


@settings(MANY)
@given(sites(), lists(), st.data())
def test_the_order_of_the_list_does_not_matter(found: Site, items: list[Present], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(items))
    renumbered = [replace(item, index=index) for index, item in enumerate(shuffled)]
    one = {each.item.address: (each.action, each.error is None) for each in plan(items, found)}
    other = {each.item.address: (each.action, each.error is None) for each in plan(renumbered, found)}
    assert one == other


@settings(MANY)
@given(sites(), lists([OnConflict.REPLACE]))
def test_who_is_declared_without_error_has_its_place(found: Site, items: list[Present]) -> None:
    plans = plan(items, found)
    after = shown(applied(found, ordered(plans)))
    for each in plans:
        assert isinstance(each.item, Present)
        assert each.error is not None or after[each.item.address] == each.item.client_id


@settings(MANY)
@given(sites(), lists([OnConflict.REPLACE, OnConflict.EVICT_LEASE]), st.data())
def test_from_any_step_on_everything_can_be_put_back(found: Site, items: list[Present], data: st.DataObject) -> None:
    steps = ordered(plan(items, found))
    done = steps[: data.draw(st.integers(0, len(steps)))]
    now = applied(found, done)
    places = {(step.scope.address, step.address) for step in done}
    made = frozenset(
        ((step.scope.address, step.address), step.client_id) for step in done if isinstance(step, (Create, Reserve))
    )
    outcome = restore(found, now, places, made)
    back = applied(now, outcome.steps)
    assert outcome.lost == ()
    assert restore(found, back, places, made).steps == ()
    assert shown(back) == shown(found)
    assert back[CAMPUS.address].options == found[CAMPUS.address].options
