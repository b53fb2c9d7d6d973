# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for every site and every list: checked with thousands that nobody thought of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from ipaddress import IPv4Address

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.desired import Declaration, relevant_scopes, resolve
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.items import Absent, Action, Item, ItemPlan, Present
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.model import (
    NEVER,
    UNSET,
    AddressState,
    ClientId,
    ClientType,
    Expiry,
    NamePolicy,
    Record,
    Scope,
    State,
    parse_address,
    parse_text,
    same_name,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.plan import plan
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.state import (
    Create,
    DeleteRecord,
    RemoveReservation,
    Reserve,
    ScopeState,
    SetRecord,
    Step,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.view import view
from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import InvalidInput
from ansible_collections.msrpc.dhcp.tests.unit._domain.worlds import (
    CAMPUS,
    LAB,
    LATER,
    LONG_AGO,
    LOOKALIKE,
    PAST,
    PHONE,
    PRINTER,
    SCOPES,
    SOON,
    STRANGER,
    Ledger,
    scope_of,
    site,
)

# Neither is a test of speed: a busy machine may take its time.
VALUES = settings(deadline=None, max_examples=100, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
DOMAIN = settings(VALUES, max_examples=60)

# --- random sites and lists -------------------------------------------------------------------------------------------

CLIENTS = [PRINTER, STRANGER, PHONE, LOOKALIKE, ClientId.parse_mac("020000000005")]
NAMES = ["", "pc", "PC.example.org", "till", "till.example.org"]
TEXTS = ["", "2nd floor", "Hall"]
EXPIRIES = [UNSET, PAST, SOON, LATER, NEVER]


@dataclass(frozen=True)
class Case:
    """A server's scopes, and a list that can be resolved in them."""

    ledger: Ledger
    items: Sequence[Item]


def owners(scope: Scope) -> st.SearchStrategy[dict[IPv4Address, ClientId]]:
    """Who has which address of a scope: an address has one client, a client one address."""
    pairs = st.tuples(st.sampled_from(list(scope.network.hosts())), st.sampled_from(CLIENTS))
    return st.lists(pairs, unique_by=(lambda pair: pair[0], lambda pair: pair[1]), max_size=5).map(dict)


def is_remnant(record: Record, reservations: dict[IPv4Address, ClientId]) -> bool:
    """A record that was never leased and that nothing reserves, of a client that is reserved elsewhere."""
    return record.expires == UNSET and record.address not in reservations and record.client_id in reservations.values()


@st.composite
def ledgers(draw: st.DrawFn) -> Ledger:
    ledger = Ledger()
    for scope in SCOPES.values():
        reservations = draw(owners(scope))
        # Half of the reservations have their record, as on a healthy server; the others fall where they may.
        residents = {place: client for place, client in reservations.items() if draw(st.booleans())}
        for place, client in draw(owners(scope)).items():
            if place not in residents and client not in residents.values():
                residents[place] = client
        for place, client in residents.items():
            record = Record(
                address=place,
                client_id=client,
                name=draw(st.sampled_from(NAMES)),
                description=draw(st.sampled_from(TEXTS)),
                expires=draw(st.sampled_from(EXPIRIES)),
                state=draw(st.sampled_from(AddressState)),
            )
            ledger.records[place] = record._replace(expires=SOON) if is_remnant(record, reservations) else record
        ledger.reservations.update(reservations)
    return ledger


@st.composite
def declarations(draw: st.DrawFn) -> Declaration:
    state, kind = draw(st.sampled_from(State)), draw(st.sampled_from(ClientType))
    scope = draw(st.sampled_from([CAMPUS, LAB]))
    address: IPv4Address | None = draw(st.sampled_from(list(scope.network.hosts())))
    client_id: ClientId | None = draw(st.sampled_from(CLIENTS))
    if state is State.ABSENT:
        address, client_id = draw(
            st.sampled_from([(address, None), (None, client_id), (address, client_id)]),
        )
    return Declaration(
        index=0,
        state=state,
        type=kind,
        scope=draw(st.sampled_from([None, scope.address])),
        address=address,
        client_id=client_id,
        name=draw(st.sampled_from([None, *NAMES])),
        description=draw(st.sampled_from([None, *TEXTS])),
        name_policy=draw(st.sampled_from(NamePolicy)),
        expires=draw(st.sampled_from([None, SOON, LATER, NEVER])) if kind is ClientType.LEASE else None,
    )


def without_duplicates(drawn: Sequence[Declaration]) -> list[Item]:
    """The items of a list from which each declaration is left out that the list would be refused for."""
    kept: list[Declaration] = []
    items: list[Item] = []
    for declaration in drawn:
        index = len(kept)
        candidate = [*kept, replace(declaration, index=index, place=f"clients[{index}].")]
        try:
            items = resolve(candidate, SCOPES)
        except InvalidInput:
            continue
        kept = candidate
    return items


CASES = st.builds(Case, ledgers(), st.lists(declarations(), min_size=1, max_size=7).map(without_duplicates))


def states(ledger: Ledger) -> dict[IPv4Address, ScopeState]:
    return site(*ledger.entries)


def planned(case: Case) -> list[ItemPlan]:
    return plan(case.items, states(case.ledger))


def carried_out(case: Case) -> Ledger:
    """The server after every step, in the plan's order. It refuses what a server refuses."""
    after = Ledger(dict(case.ledger.records), dict(case.ledger.reservations))
    for item_plan in planned(case):
        for step in item_plan.steps:
            after.apply(step)
    return after


def by_item(plans: Sequence[ItemPlan]) -> dict[Item, ItemPlan]:
    """Plans by their items, wherever these stood in the list."""
    return {replace(each.item, index=0, option=""): each for each in plans}


def renumbered(items: Sequence[Item]) -> list[Item]:
    return [replace(item, index=index, option=f"clients[{index}].") for index, item in enumerate(items)]


# --- a plan -----------------------------------------------------------------------------------------------------------


@settings(DOMAIN)
@given(CASES)
def test_every_item_gets_one_plan(case: Case) -> None:
    assert sorted(each.item.index for each in planned(case)) == [item.index for item in case.items]


@settings(DOMAIN)
@given(CASES)
def test_a_second_run_plans_no_step_and_changes_no_verdict(case: Case) -> None:
    first = {each.item.index: each for each in planned(case)}
    for second in plan(case.items, states(carried_out(case))):
        before = first[second.item.index]
        assert (second.steps, second.action) == ((), Action.NONE)
        assert str(second.error) == str(before.error)
        assert second.pending == before.pending


@settings(DOMAIN)
@given(CASES)
def test_what_check_mode_foresees_is_what_is_there_afterwards(case: Case) -> None:
    after = states(carried_out(case))
    for item_plan in planned(case):
        item = item_plan.item
        if isinstance(item, Present):
            assert item_plan.after == view(after[item.scope], item.address)
        else:
            assert item_plan.error is not None or item_plan.after is None


@settings(DOMAIN)
@given(CASES)
def test_what_was_there_before_is_what_the_server_holds(case: Case) -> None:
    before = states(case.ledger)
    freed = {step.address for each in planned(case) if isinstance(each.item, Absent) for step in each.steps}
    for item_plan in planned(case):
        if item_plan.before is None:
            continue
        assert item_plan.before.scope is not None
        assert item_plan.before.address is not None
        if item_plan.before.address not in freed:
            assert item_plan.before == view(before[item_plan.before.scope], item_plan.before.address)


@settings(DOMAIN)
@given(CASES)
def test_what_was_declared_is_what_is_there_afterwards(case: Case) -> None:
    after = states(carried_out(case))
    for item_plan in planned(case):
        item = item_plan.item
        if isinstance(item, Absent) or item_plan.error is not None:
            continue
        shown = view(after[item.scope], item.address)
        assert shown is not None
        assert (shown.client_id, shown.type) == (item.client_id, item.type)
        if item.name is not None and item.name_policy is NamePolicy.ALWAYS and "name" not in item_plan.pending:
            assert same_name(item.name, shown.name or "")
        if item.description is not None and "description" not in item_plan.pending:
            assert shown.description == item.description
        if item.expires is not None:
            assert shown.lease_expires == item.expires


@settings(DOMAIN)
@given(CASES)
def test_what_was_to_go_is_gone_unless_the_same_list_declares_it(case: Case) -> None:
    after = carried_out(case)
    declared = {(each.address, each.client_id) for each in case.items if isinstance(each, Present)}
    for item_plan in planned(case):
        item = item_plan.item
        if isinstance(item, Present) or item_plan.error is not None:
            continue
        entries = after.reservations if item.type is ClientType.RESERVATION else after.records
        for place in entries:
            holder = after.reservations.get(place) if item.type is ClientType.RESERVATION else None
            holder = holder or after.records[place].client_id
            named = item.address in (None, place) and item.client_id in (None, holder)
            in_scope = item.scope in (None, scope_of(place).address)
            assert not (named and in_scope) or (place, holder) in declared


@settings(DOMAIN)
@given(CASES)
def test_a_plan_has_steps_exactly_if_it_does_something(case: Case) -> None:
    for item_plan in planned(case):
        assert bool(item_plan.steps) == (item_plan.action is not Action.NONE)
        assert (item_plan.action is Action.REMOVED) <= isinstance(item_plan.item, Absent)


@settings(DOMAIN)
@given(CASES)
def test_an_item_with_an_error_writes_nothing_and_promises_nothing(case: Case) -> None:
    for item_plan in planned(case):
        if item_plan.error is not None:
            assert (item_plan.steps, item_plan.action, item_plan.pending) == ((), Action.NONE, ())


@settings(DOMAIN)
@given(CASES)
def test_no_step_goes_beyond_what_its_item_names(case: Case) -> None:
    for item_plan in planned(case):
        item = item_plan.item
        for step in item_plan.steps:
            assert item.scope in (None, step.scope.address)
            assert item.address in (None, step.address)
            assert item.client_id in (None, step.client_id)
            removes = isinstance(step, RemoveReservation | DeleteRecord)
            assert removes == isinstance(item, Absent)


@settings(DOMAIN)
@given(CASES)
def test_a_removal_names_a_client_that_lies_at_the_address(case: Case) -> None:
    for item_plan in planned(case):
        for step in item_plan.steps:
            if isinstance(step, RemoveReservation):
                assert case.ledger.reservations[step.address] == step.client_id
            elif isinstance(step, DeleteRecord):
                assert case.ledger.records[step.address].client_id == step.client_id


@settings(DOMAIN)
@given(CASES)
def test_a_lease_item_touches_no_reservation(case: Case) -> None:
    for item_plan in planned(case):
        if item_plan.item.type is ClientType.LEASE:
            assert not any(isinstance(step, Reserve | RemoveReservation) for step in item_plan.steps)


@settings(DOMAIN)
@given(CASES)
def test_foreign_records_are_untouched(case: Case) -> None:
    after = carried_out(case)
    touched = {(step.address, step.client_id) for each in planned(case) for step in each.steps}
    for place, record in case.ledger.records.items():
        if (place, record.client_id) not in touched:
            assert after.records.get(place) == record
    for place, holder in case.ledger.reservations.items():
        if (place, holder) not in touched:
            assert after.reservations.get(place) == holder


@settings(DOMAIN)
@given(CASES)
def test_a_client_that_no_item_names_loses_only_what_an_absent_address_names(case: Case) -> None:
    after = carried_out(case)
    clients = {item.client_id for item in case.items}
    freed = {item.address for item in case.items if isinstance(item, Absent) and item.client_id is None}
    for place, record in case.ledger.records.items():
        if record.client_id not in clients and place not in freed:
            assert after.records.get(place) == record


@settings(DOMAIN)
@given(CASES)
def test_what_a_present_client_has_is_never_taken_away(case: Case) -> None:
    after = carried_out(case)
    for item in case.items:
        if isinstance(item, Present) and case.ledger.reservations.get(item.address) == item.client_id:
            kept = after.reservations.get(item.address) == item.client_id
            assert kept or item.type is ClientType.LEASE


@settings(DOMAIN)
@given(CASES, st.data())
def test_the_order_of_the_list_does_not_matter(case: Case, data: st.DataObject) -> None:
    shuffled = renumbered(data.draw(st.permutations(case.items)))
    first, second = by_item(planned(case)), by_item(planned(Case(case.ledger, shuffled)))
    assert first.keys() == second.keys()
    for key, one in first.items():
        other = second[key]
        assert (one.action, one.steps, one.before, one.after) == (other.action, other.steps, other.before, other.after)
        assert (one.pending, one.warnings, str(one.error)) == (other.pending, other.warnings, str(other.error))
    assert carried_out(case) == carried_out(Case(case.ledger, shuffled))


@settings(DOMAIN)
@given(CASES)
def test_only_what_waits_for_a_record_is_pending(case: Case) -> None:
    after = carried_out(case)
    for item_plan in planned(case):
        item, pending = item_plan.item, item_plan.pending
        if isinstance(item, Absent) or item_plan.error is not None:
            assert pending == ()
            continue
        found = after.records.get(item.address)
        own = found is not None and found.client_id == item.client_id
        given_texts = [name for name in ("name", "description") if getattr(item, name) is not None]
        assert list(pending) == ([] if own else given_texts)
        assert own or item_plan.warnings


@settings(DOMAIN)
@given(CASES)
def test_a_step_foresees_what_the_server_makes_of_it(case: Case) -> None:
    working, ledger = states(case.ledger), Ledger(dict(case.ledger.records), dict(case.ledger.reservations))
    for item_plan in planned(case):
        for step in item_plan.steps:
            working[step.scope.address].advance(step)
            ledger.apply(step)
            assert working[step.scope.address].shows(step)
    assert working == states(ledger)


@settings(DOMAIN)
@given(CASES)
def test_a_run_that_died_after_any_step_is_finished_by_the_next(case: Case) -> None:
    steps: list[Step] = [step for each in planned(case) for step in each.steps]
    wanted = {
        (item_plan.item.index, item_plan.after)
        for item_plan in planned(case)
        if isinstance(item_plan.item, Present) and item_plan.error is None
    }
    for done in range(len(steps)):
        broken = Ledger(dict(case.ledger.records), dict(case.ledger.reservations))
        for step in steps[:done]:
            broken.apply(step)
        finished = carried_out(Case(broken, case.items))
        assert all(
            (item.index, view(states(finished)[item.scope], item.address)) in wanted
            for item in case.items
            if isinstance(item, Present) and any(item.index == index for index, _after in wanted)
        )


@settings(DOMAIN)
@given(CASES)
def test_a_created_record_is_reserved_exactly_where_it_was_declared_so(case: Case) -> None:
    for item_plan in planned(case):
        for step in item_plan.steps:
            if isinstance(step, Create):
                assert step.expires.is_unset == (item_plan.item.type is ClientType.RESERVATION)


@settings(DOMAIN)
@given(CASES)
def test_a_change_is_sent_only_for_something_that_differs(case: Case) -> None:
    for item_plan in planned(case):
        for step in item_plan.steps:
            found = case.ledger.records.get(step.address)
            if not isinstance(step, SetRecord) or found is None or found.client_id != step.client_id:
                continue
            sent = [step.name, step.description, step.expires]
            stored = [found.name, found.description, found.expires]
            differs = [new != old for new, old in zip(sent, stored, strict=True) if new is not None]
            assert all(differs)
            assert differs or found.state in (AddressState.DECLINED, AddressState.DOOMED)


@settings(DOMAIN)
@given(st.lists(declarations(), min_size=1, max_size=7))
def test_the_relevant_scopes_are_enough_to_resolve(drawn: list[Declaration]) -> None:
    items = without_duplicates(drawn)
    again = [
        replace(drawn[0], scope=item.scope, address=item.address, client_id=item.client_id, state=State.ABSENT)
        for item in items
    ]
    read = {address: SCOPES[address] for address in relevant_scopes(again, sorted(SCOPES))}
    assert {item.scope for item in items} - {None} <= read.keys()


# --- values -----------------------------------------------------------------------------------------------------------

IDENTIFIERS = st.binary(max_size=24).map(ClientId)
SUBNETS = st.integers(0, 0xFFFFFFFF).map(IPv4Address)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
MOMENTS = st.datetimes(
    datetime(2026, 1, 2),  # noqa: DTZ001 (hypothesis adds the zone)
    datetime(9999, 12, 30),  # noqa: DTZ001
    timezones=st.just(UTC),
)


@settings(VALUES)
@given(IDENTIFIERS, SUBNETS)
def test_a_unique_id_reads_as_its_identifier(client_id: ClientId, subnet: IPv4Address) -> None:
    assert ClientId.from_wire(client_id.unique_id(subnet), subnet) == client_id


@settings(VALUES)
@given(IDENTIFIERS, SUBNETS)
def test_a_bare_identifier_reads_as_itself_unless_it_has_this_scopes_prefix(
    client_id: ClientId, subnet: IPv4Address
) -> None:
    if not client_id.octets.startswith(ClientId(b"").unique_id(subnet)):
        assert ClientId.from_wire(client_id.octets, subnet) == client_id


@settings(VALUES)
@given(IDENTIFIERS, SUBNETS, SUBNETS)
def test_another_scopes_prefix_stays(client_id: ClientId, subnet: IPv4Address, other: IPv4Address) -> None:
    octets = client_id.unique_id(other)
    assert (ClientId.from_wire(octets, subnet) == ClientId(octets)) == (subnet != other)


@settings(VALUES)
@given(st.binary(min_size=6, max_size=6), st.booleans())
def test_all_forms_of_a_mac_agree(octets: bytes, upper: bool) -> None:
    forms = [octets.hex(":"), octets.hex("-"), octets.hex(".", 2), octets.hex()]
    parsed = {ClientId.parse_mac(form.upper() if upper else form) for form in forms}
    assert parsed == {ClientId(octets)} == {ClientId.parse_hex(octets.hex())}


@settings(VALUES)
@given(st.binary(min_size=1, max_size=40), st.sampled_from(["", ":", "-"]), st.booleans())
def test_all_forms_of_a_client_id_agree(octets: bytes, separator: str, upper: bool) -> None:
    text = octets.hex(separator) if separator else octets.hex()
    assert ClientId.parse_hex(text.upper() if upper else text) == ClientId(octets)


@settings(VALUES)
@given(st.binary(min_size=1, max_size=40))
def test_an_identifier_as_returned_is_accepted_as_input(octets: bytes) -> None:
    client_id = ClientId(octets)
    assert ClientId.parse_hex(client_id.hex) == client_id
    assert client_id.mac is None or ClientId.parse_mac(client_id.mac) == client_id


@settings(VALUES)
@given(MOMENTS)
def test_an_expiry_is_shown_as_the_moment_that_was_given(moment: datetime) -> None:
    assert str(Expiry.parse(moment.isoformat(), now=NOW)) == f"{moment:%Y-%m-%dT%H:%M:%SZ}"


@settings(VALUES)
@given(MOMENTS, st.integers(-14 * 60, 14 * 60))
def test_a_moment_is_the_same_in_every_time_zone(moment: datetime, minutes: int) -> None:
    elsewhere = moment.astimezone(timezone(timedelta(minutes=minutes)))
    assert Expiry.parse(elsewhere.isoformat(), now=NOW) == Expiry.parse(moment.isoformat(), now=NOW)


@settings(VALUES)
@given(st.integers(1, 0xFFFFFFFF_FFFFFFFF))
def test_every_number_of_a_server_can_be_shown(filetime: int) -> None:
    assert str(Expiry(filetime))


@settings(VALUES)
@given(MOMENTS)
def test_an_expiry_shown_and_declared_again_is_the_same_to_the_second(moment: datetime) -> None:
    expiry = Expiry.parse(moment.isoformat(), now=NOW)
    again = Expiry.parse(str(expiry), now=NOW)
    assert 0 <= expiry.filetime - again.filetime < 10_000_000


PARSERS: list[Callable[[str], object]] = [
    lambda text: ClientId.parse_mac(text, "option"),
    lambda text: ClientId.parse_hex(text, "option"),
    lambda text: Expiry.parse(text, now=LONG_AGO, option="option"),
    lambda text: parse_address(text, "option"),
    lambda text: parse_text(text, "option"),
]


@settings(VALUES)
@given(st.one_of(st.text(max_size=30), st.text("0123456789abcdefABCDEF:-. TZ+never\0\ud800", max_size=30)))
def test_any_text_is_parsed_or_refused_with_its_option(text: str) -> None:
    refusals = []
    for parse in PARSERS:
        try:
            parse(text)
        except InvalidInput as refused:
            refusals.append(str(refused))
    assert all(refusal.startswith(f"option={text!r}: ") for refusal in refusals)


LABELS = st.text("abcXYZ019-éß", min_size=1, max_size=8)


@settings(VALUES)
@given(st.text(max_size=12))
def test_a_name_is_the_same_as_itself(name: str) -> None:
    assert same_name(name, name)


@settings(VALUES)
@given(LABELS, st.lists(LABELS, max_size=3))
def test_a_name_without_dot_is_the_same_with_any_domain_behind_it(label: str, domain: list[str]) -> None:
    assert same_name(label, ".".join([label.upper(), *domain]))


@settings(VALUES)
@given(LABELS, st.lists(LABELS, min_size=1, max_size=3))
def test_a_declared_domain_has_to_be_stored(label: str, domain: list[str]) -> None:
    assert not same_name(".".join([label, *domain]), label)


@settings(VALUES)
@given(LABELS, LABELS)
def test_without_dots_only_case_may_differ(one: str, other: str) -> None:
    assert same_name(one, other) == same_name(other, one) == (one.casefold() == other.casefold())


@settings(VALUES)
@given(LABELS)
def test_an_empty_name_is_the_same_as_no_other(label: str) -> None:
    assert not same_name("", label)
    assert not same_name(label, "")
