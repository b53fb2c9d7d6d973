# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is written for a client, what is not, and why: each rule for declared clients by a case of its own."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.desired import Declaration, resolve
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.items import Action, Client, ItemPlan
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.model import (
    NEVER,
    UNSET,
    AddressState,
    Expiry,
    NamePolicy,
    Record,
    Reservation,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.plan import plan
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.restore import undo
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.state import (
    Create,
    DeleteRecord,
    RemoveReservation,
    Reserve,
    SetRecord,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.view import view
from ansible_collections.msrpc.dhcp.tests.unit._domain.worlds import (
    CAMPUS,
    DESK,
    GATE,
    LAB,
    LAB_DESK,
    LATER,
    PAST,
    PHONE,
    PRINTER,
    SCOPES,
    SHELF,
    SOON,
    STRANGER,
    absent,
    absent_lease,
    listed,
    message_of,
    plan_all,
    plan_one,
    present,
    present_lease,
    record,
    reservation,
    site,
)

Declare = Callable[..., Declaration]

CREATE = Create(scope=CAMPUS, address=DESK, client_id=PRINTER)
RESERVE = Reserve(scope=CAMPUS, address=DESK, client_id=PRINTER)
ACTIVATE = SetRecord(scope=CAMPUS, address=DESK, client_id=PRINTER)
UNRESERVE = RemoveReservation(scope=CAMPUS, address=DESK, client_id=PRINTER)
DELETE = DeleteRecord(scope=CAMPUS, address=DESK, client_id=PRINTER)

UNUSABLE = [AddressState.DECLINED, AddressState.DOOMED]
EVERY_STATE = list(AddressState)
EVERY_EXPIRY = [UNSET, PAST, SOON, NEVER]


def held(
    *, name: str = "printer", description: str = "", expires: Expiry = UNSET, state: AddressState = AddressState.ACTIVE
) -> tuple[Record, Reservation]:
    """The printer at its desk, reserved."""
    return record(DESK, name=name, description=description, expires=expires, state=state), reservation(DESK)


def is_idle(item_plan: ItemPlan) -> bool:
    """Nothing to write, and nothing wrong."""
    return (item_plan.action, item_plan.steps, item_plan.error) == (Action.NONE, (), None)


# --- a new client -----------------------------------------------------------------------------------------------------


def test_a_new_client_is_created_before_it_is_reserved() -> None:
    assert plan_one(present(DESK)).steps == (CREATE, RESERVE)


def test_a_new_client_counts_as_created() -> None:
    assert plan_one(present(DESK)).action is Action.CREATED


def test_a_new_reserved_client_gets_name_and_description_with_its_record_which_has_no_expiry() -> None:
    create = plan_one(present(DESK, name="printer", description="2nd floor")).steps[0]
    assert create == Create(
        scope=CAMPUS, address=DESK, client_id=PRINTER, name="printer", description="2nd floor", expires=UNSET
    )


def test_a_new_client_gets_its_name_under_on_create_too() -> None:
    item_plan = plan_one(present(DESK, name="printer", name_policy=NamePolicy.ON_CREATE))
    assert item_plan.after is not None
    assert item_plan.after.name == "printer"


def test_a_new_client_is_before_nothing_and_after_a_reservation() -> None:
    item_plan = plan_one(present(DESK, name="printer"))
    assert (item_plan.before, item_plan.after) == (None, view(site(*held())[CAMPUS.address], DESK))


def test_a_new_client_has_nothing_pending_and_no_warning() -> None:
    item_plan = plan_one(present(DESK, name="printer"))
    assert (item_plan.pending, item_plan.warnings) == ((), ())


def test_in_the_second_range_of_a_scope_a_client_is_created_first_as_well() -> None:
    assert [type(step) for step in plan_one(present(SHELF)).steps] == [Create, Reserve]


def test_outside_every_range_the_client_is_reserved_first_and_described_after() -> None:
    assert plan_one(present(GATE, name="printer", description="gate")).steps == (
        Reserve(scope=CAMPUS, address=GATE, client_id=PRINTER),
        SetRecord(scope=CAMPUS, address=GATE, client_id=PRINTER, name="printer", description="gate"),
    )


@pytest.mark.parametrize("empty", [None, ""])
def test_outside_every_range_only_texts_that_say_something_are_written(empty: str | None) -> None:
    described = plan_one(present(GATE, name=empty, description="d"))
    named = plan_one(present(GATE, name="n", description=empty))
    assert described.steps[1:] == (SetRecord(scope=CAMPUS, address=GATE, client_id=PRINTER, description="d"),)
    assert named.steps[1:] == (SetRecord(scope=CAMPUS, address=GATE, client_id=PRINTER, name="n"),)


@pytest.mark.parametrize("text", [None, ""])
def test_outside_every_range_the_reservation_is_enough_for_a_client_without_texts(text: str | None) -> None:
    assert plan_one(present(GATE, name=text, description=text)).steps == (
        Reserve(scope=CAMPUS, address=GATE, client_id=PRINTER),
    )


def test_outside_every_range_the_forecast_has_the_name() -> None:
    item_plan = plan_one(present(GATE, name="printer"))
    assert item_plan.after is not None
    assert (item_plan.action, item_plan.after.name) == (Action.CREATED, "printer")


def test_a_new_lease_is_created_alone() -> None:
    item_plan = plan_one(present_lease(DESK, name="printer", description="2nd floor", expires=SOON))
    assert item_plan.steps == (
        Create(scope=CAMPUS, address=DESK, client_id=PRINTER, name="printer", description="2nd floor", expires=SOON),
    )


def test_a_new_lease_counts_as_created() -> None:
    assert plan_one(present_lease(DESK)).action is Action.CREATED


def test_a_new_lease_without_expiry_never_expires() -> None:
    assert plan_one(present_lease(DESK)).steps == (
        Create(scope=CAMPUS, address=DESK, client_id=PRINTER, expires=NEVER),
    )


def test_a_new_lease_outside_every_range_is_created_as_well() -> None:
    assert [type(step) for step in plan_one(present_lease(GATE)).steps] == [Create]


def test_a_client_without_mac_is_created_by_its_identifier() -> None:
    assert {step.client_id for step in plan_one(present(DESK, PHONE)).steps} == {PHONE}


def test_the_same_client_in_another_scope_does_not_matter() -> None:
    other = (record(LAB_DESK), reservation(LAB_DESK))
    assert plan_one(present(DESK), *other).steps == (CREATE, RESERVE)


# --- what is there already --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("expires", EVERY_EXPIRY, ids=str)
def test_a_reserved_client_with_a_record_is_present(expires: Expiry) -> None:
    assert is_idle(plan_one(present(DESK), *held(expires=expires)))


def test_a_present_client_is_the_same_before_and_after() -> None:
    item_plan = plan_one(present(DESK), *held(expires=SOON))
    assert item_plan.before == item_plan.after == view(site(*held(expires=SOON))[CAMPUS.address], DESK)


@pytest.mark.parametrize("expires", EVERY_EXPIRY, ids=str)
def test_a_lease_is_present_whatever_its_expiry(expires: Expiry) -> None:
    assert is_idle(plan_one(present_lease(DESK), record(DESK, expires=expires)))


def test_an_offered_lease_is_present() -> None:
    assert is_idle(plan_one(present_lease(DESK), record(DESK, state=AddressState.OFFERED)))


@pytest.mark.parametrize("name_policy", list(NamePolicy))
def test_a_name_that_was_left_out_is_not_touched(name_policy: NamePolicy) -> None:
    assert is_idle(plan_one(present(DESK, name_policy=name_policy), *held(name="other", description="other")))


@pytest.mark.parametrize("stored", ["printer", "PRINTER", "Printer.example.org"])
def test_the_same_name_in_another_form_is_no_change(stored: str) -> None:
    assert is_idle(plan_one(present(DESK, name="printer"), *held(name=stored)))


def test_a_different_name_is_set_right() -> None:
    item_plan = plan_one(present(DESK, name="plotter", description="2nd"), *held(description="2nd"))
    assert item_plan.steps == (SetRecord(scope=CAMPUS, address=DESK, client_id=PRINTER, name="plotter"),)


def test_setting_a_name_right_counts_as_updated() -> None:
    assert plan_one(present(DESK, name="plotter"), *held()).action is Action.UPDATED


def test_an_empty_name_clears() -> None:
    assert plan_one(present(DESK, name=""), *held()).steps == (
        SetRecord(scope=CAMPUS, address=DESK, client_id=PRINTER, name=""),
    )


def test_an_empty_description_clears() -> None:
    assert plan_one(present(DESK, description=""), *held(description="old")).steps == (
        SetRecord(scope=CAMPUS, address=DESK, client_id=PRINTER, description=""),
    )


def test_clearing_what_is_empty_is_no_change() -> None:
    assert is_idle(plan_one(present(DESK, name="", description=""), *held(name="")))


def test_a_different_description_is_set_right() -> None:
    assert plan_one(present(DESK, name="PRINTER", description="new"), *held(description="old")).steps == (
        SetRecord(scope=CAMPUS, address=DESK, client_id=PRINTER, description="new"),
    )


def test_descriptions_compare_with_case() -> None:
    assert not is_idle(plan_one(present(DESK, description="New"), *held(description="new")))


def test_a_description_is_set_right_under_on_create_too() -> None:
    item_plan = plan_one(present(DESK, description="new", name_policy=NamePolicy.ON_CREATE), *held(description="old"))
    assert item_plan.action is Action.UPDATED


@pytest.mark.parametrize("declared", ["plotter", ""])
def test_on_create_keeps_a_name_that_is_there(declared: str) -> None:
    assert is_idle(plan_one(present(DESK, name=declared, name_policy=NamePolicy.ON_CREATE), *held()))


def test_on_create_stores_a_name_where_there_is_none() -> None:
    item_plan = plan_one(present(DESK, name="printer", name_policy=NamePolicy.ON_CREATE), *held(name=""))
    assert item_plan.steps == (SetRecord(scope=CAMPUS, address=DESK, client_id=PRINTER, name="printer"),)


def test_on_create_has_nothing_to_clear() -> None:
    assert is_idle(plan_one(present(DESK, name="", name_policy=NamePolicy.ON_CREATE), *held(name="")))


def test_a_different_expiry_of_a_lease_is_set_right() -> None:
    item_plan = plan_one(present_lease(DESK, expires=LATER), record(DESK))
    assert item_plan.steps == (SetRecord(scope=CAMPUS, address=DESK, client_id=PRINTER, expires=LATER),)


def test_a_lease_can_be_made_to_last_for_ever() -> None:
    item_plan = plan_one(present_lease(DESK, expires=NEVER), record(DESK))
    assert item_plan.after is not None
    assert (item_plan.action, item_plan.after.lease_expires) == (Action.UPDATED, NEVER)


def test_a_lease_that_never_expires_can_get_an_end() -> None:
    assert plan_one(present_lease(DESK, expires=SOON), record(DESK, expires=NEVER)).action is Action.UPDATED


@pytest.mark.parametrize("ticks", [-9_999_999, 0, 9_999_999])
def test_an_expiry_is_compared_to_the_second(ticks: int) -> None:
    stored = Expiry(SOON.filetime + ticks)
    assert is_idle(plan_one(present_lease(DESK, expires=SOON), record(DESK, expires=stored)))


def test_a_lease_that_changes_is_shown_before_as_it_was() -> None:
    item_plan = plan_one(present_lease(DESK, expires=LATER), record(DESK))
    assert item_plan.before == view(site(record(DESK))[CAMPUS.address], DESK)


def test_all_differences_go_in_one_write() -> None:
    item_plan = plan_one(present_lease(DESK, name="a", description="b", expires=LATER), record(DESK))
    assert item_plan.steps == (
        SetRecord(scope=CAMPUS, address=DESK, client_id=PRINTER, name="a", description="b", expires=LATER),
    )


# --- what a crash left half-done --------------------------------------------------------------------------------------


def test_a_record_left_without_its_reservation_is_reserved() -> None:
    item_plan = plan_one(present(DESK, name="printer"), record(DESK, name="printer", expires=UNSET))
    assert (item_plan.action, item_plan.steps) == (Action.UPDATED, (RESERVE,))


def test_a_reservation_left_without_its_record_gets_one() -> None:
    item_plan = plan_one(present(DESK, name="printer", description="2nd"), reservation(DESK))
    assert item_plan.steps == (
        Create(scope=CAMPUS, address=DESK, client_id=PRINTER, name="printer", description="2nd"),
    )


def test_a_reservation_that_gets_its_record_counts_as_updated() -> None:
    assert plan_one(present(DESK), reservation(DESK)).action is Action.UPDATED


def test_a_reservation_that_gets_its_record_is_shown_before_without_one() -> None:
    item_plan = plan_one(present(DESK), reservation(DESK))
    assert item_plan.before == view(site(reservation(DESK))[CAMPUS.address], DESK)


def test_a_reservation_outside_every_range_gets_its_missing_record() -> None:
    assert [type(step) for step in plan_one(present(GATE), reservation(GATE)).steps] == [Create]


def test_a_nameless_record_of_a_reservation_gets_its_name() -> None:
    entries = (record(GATE, expires=UNSET), reservation(GATE))
    assert plan_one(present(GATE, name="printer"), *entries).steps == (
        SetRecord(scope=CAMPUS, address=GATE, client_id=PRINTER, name="printer"),
    )


# --- types ------------------------------------------------------------------------------------------------------------


def test_the_clients_own_lease_is_reserved() -> None:
    item_plan = plan_one(present(DESK), record(DESK))
    assert (item_plan.action, item_plan.steps) == (Action.UPDATED, (RESERVE,))


def test_the_clients_own_lease_outside_every_range_is_reserved() -> None:
    assert [type(step) for step in plan_one(present(GATE), record(GATE)).steps] == [Reserve]


def test_reserving_the_clients_own_lease_keeps_its_expiry() -> None:
    item_plan = plan_one(present(DESK, name="printer"), record(DESK, name="pc", expires=SOON))
    assert item_plan.after is not None
    assert item_plan.after.active_until == SOON


def test_reserving_the_clients_own_lease_sets_name_and_description_right() -> None:
    item_plan = plan_one(present(DESK, name="printer", description="2nd"), record(DESK, name="pc"))
    assert item_plan.steps == (
        RESERVE,
        SetRecord(scope=CAMPUS, address=DESK, client_id=PRINTER, name="printer", description="2nd"),
    )


def test_a_lease_over_the_clients_reservation_fails_and_says_how_to_remove_it() -> None:
    message = message_of(plan_one(present_lease(DESK), *held()))
    assert f"{DESK} in scope {CAMPUS} is reserved for {PRINTER}" in message
    assert "state=absent and type=reservation" in message


def test_a_lease_over_the_clients_reservation_without_record_fails() -> None:
    assert "type=lease does not undo" in message_of(plan_one(present_lease(DESK), reservation(DESK)))


@pytest.mark.parametrize("state", UNUSABLE)
def test_an_unusable_lease_of_the_client_is_made_active(state: AddressState) -> None:
    item_plan = plan_one(present_lease(DESK), record(DESK, state=state))
    assert (item_plan.action, item_plan.steps) == (Action.UPDATED, (ACTIVATE,))


@pytest.mark.parametrize("state", UNUSABLE)
def test_an_unusable_record_of_the_reserved_client_is_made_active(state: AddressState) -> None:
    item_plan = plan_one(present(DESK), *held(state=state))
    assert (item_plan.action, item_plan.steps) == (Action.UPDATED, (ACTIVATE,))


@pytest.mark.parametrize("state", UNUSABLE)
def test_an_unusable_lease_of_the_client_is_reserved_and_made_active(state: AddressState) -> None:
    assert plan_one(present(DESK), record(DESK, state=state)).steps == (RESERVE, ACTIVATE)


@pytest.mark.parametrize("state", UNUSABLE)
def test_on_create_keeps_the_name_of_a_record_that_is_made_active(state: AddressState) -> None:
    declaration = present(DESK, name="plotter", name_policy=NamePolicy.ON_CREATE)
    assert plan_one(declaration, *held(state=state)).steps == (ACTIVATE,)


# --- conflicts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("declare", [present, present_lease])
@pytest.mark.parametrize("state", EVERY_STATE)
@pytest.mark.parametrize("expires", EVERY_EXPIRY, ids=str)
def test_a_strangers_record_at_the_address_is_a_conflict_in_every_state(
    declare: Declare, state: AddressState, expires: Expiry
) -> None:
    entry = record(DESK, STRANGER, name="till", expires=expires, state=state)
    message = message_of(plan_one(declare(DESK), entry))
    shown = "without expiry" if expires == UNSET else f"expires {expires}"
    assert f"the lease of {STRANGER} (till) (state {state.name.lower()}, {shown})" in message


@pytest.mark.parametrize("declare", [present, present_lease])
def test_a_conflict_names_object_and_remedy(declare: Declare) -> None:
    message = message_of(plan_one(declare(DESK), record(DESK, STRANGER)))
    assert f"{DESK}" in message
    assert f"{PRINTER} in scope {CAMPUS}" in message
    assert "Remove that lease first" in message


def test_a_strangers_record_without_name_is_named_by_its_client_alone() -> None:
    message = message_of(plan_one(present(DESK), record(DESK, PHONE)))
    assert f"the lease of {PHONE.hex} (state active" in message


def test_a_conflict_shows_what_is_at_the_address_before_and_after() -> None:
    item_plan = plan_one(present(DESK), record(DESK, STRANGER))
    assert item_plan.before == item_plan.after == view(site(record(DESK, STRANGER))[CAMPUS.address], DESK)


@pytest.mark.parametrize("declare", [present, present_lease])
@pytest.mark.parametrize(
    ("expires", "lease"), [(UNSET, "never leased"), (SOON, f"leased until {SOON}"), (NEVER, "leased until never")]
)
def test_a_strangers_reservation_is_a_conflict_that_names_its_record(
    declare: Declare, expires: Expiry, lease: str
) -> None:
    entries = (record(DESK, STRANGER, name="till", expires=expires), reservation(DESK, STRANGER))
    message = message_of(plan_one(declare(DESK), *entries))
    assert f"reserved for {STRANGER} (till), state active, {lease}" in message


@pytest.mark.parametrize("declare", [present, present_lease])
def test_a_strangers_reservation_without_record_is_a_conflict(declare: Declare) -> None:
    message = message_of(plan_one(declare(DESK), reservation(DESK, STRANGER)))
    assert f"reserved for {STRANGER} (no record yet)" in message


@pytest.mark.parametrize("declare", [present, present_lease])
def test_a_strangers_reservation_over_the_clients_own_lease_is_a_conflict(declare: Declare) -> None:
    message = message_of(plan_one(declare(DESK), record(DESK), reservation(DESK, STRANGER)))
    assert f"reserved for {STRANGER}, while the lease of {PRINTER} (state active, expires {SOON}) is there" in message


@pytest.mark.parametrize("declare", [present, present_lease])
def test_the_clients_reservation_at_another_address_is_a_conflict_that_names_its_record(
    declare: Declare,
) -> None:
    entries = (record(SHELF, state=AddressState.DECLINED), reservation(SHELF))
    message = message_of(plan_one(declare(DESK), *entries))
    assert f"already reserved at {SHELF} (state declined, leased until {SOON})" in message


def test_the_clients_reservation_at_another_address_is_a_conflict_without_its_record() -> None:
    assert f"already reserved at {SHELF}, and" in message_of(plan_one(present(DESK), reservation(SHELF)))


def test_the_clients_reservation_elsewhere_is_not_told_to_have_a_strangers_record() -> None:
    entries = (reservation(SHELF), record(SHELF, STRANGER), record(DESK))
    assert f"already reserved at {SHELF}, and" in message_of(plan_one(present(DESK), *entries))


def test_the_clients_reservation_in_another_scope_is_no_conflict() -> None:
    assert plan_one(present(DESK), reservation(LAB_DESK)).error is None


@pytest.mark.parametrize("state", EVERY_STATE)
def test_a_lease_of_a_client_that_has_one_at_another_address_is_a_conflict(state: AddressState) -> None:
    message = message_of(plan_one(present_lease(DESK), record(SHELF, state=state)))
    assert f"the client has a lease (state {state.name.lower()}, expires {SOON}) at {SHELF}" in message


# --- on the network already, with a lease at another address ----------------------------------------------------------


@pytest.mark.parametrize("state", EVERY_STATE)
def test_a_reservation_is_added_beside_the_clients_lease(state: AddressState) -> None:
    item_plan = plan_one(present(DESK, name="printer"), record(SHELF, state=state))
    assert (item_plan.action, item_plan.steps) == (Action.CREATED, (RESERVE,))


def test_a_reservation_beside_a_lease_warns_that_the_client_moves() -> None:
    (warning,) = plan_one(present(DESK), record(SHELF)).warnings
    assert f"{PRINTER} still has a lease (state active, expires {SOON}) at {SHELF}" in warning
    assert f"it moves to its reservation at {DESK} when it renews" in warning


@pytest.mark.parametrize(
    ("name", "description", "pending"),
    [
        (None, None, ()),
        ("printer", None, ("name",)),
        (None, "2nd", ("description",)),
        ("printer", "2nd", ("name", "description")),
    ],
)
def test_beside_a_lease_what_was_given_is_pending(
    name: str | None, description: str | None, pending: tuple[str, ...]
) -> None:
    assert plan_one(present(DESK, name=name, description=description), record(SHELF)).pending == pending


def test_beside_a_lease_the_forecast_is_a_reservation_without_record() -> None:
    assert plan_one(present(DESK, name="printer"), record(SHELF)).after == view(
        site(reservation(DESK))[CAMPUS.address], DESK
    )


def test_as_long_as_the_client_has_not_moved_nothing_changes() -> None:
    item_plan = plan_one(present(DESK, name="printer"), record(SHELF), reservation(DESK))
    assert is_idle(item_plan)
    assert (item_plan.pending, len(item_plan.warnings)) == (("name",), 1)
    assert item_plan.before == item_plan.after == view(site(reservation(DESK))[CAMPUS.address], DESK)


def test_when_the_client_has_moved_its_name_is_stored() -> None:
    item_plan = plan_one(present(DESK, name="printer"), record(DESK, name="pc"), reservation(DESK))
    assert item_plan.steps == (SetRecord(scope=CAMPUS, address=DESK, client_id=PRINTER, name="printer"),)
    assert item_plan.pending == ()


def test_a_strangers_record_at_the_address_is_a_conflict_for_a_client_with_a_lease_elsewhere() -> None:
    assert f"the lease of {STRANGER}" in message_of(plan_one(present(DESK), record(SHELF), record(DESK, STRANGER)))


# --- reserved for our client, but the record is a stranger's ----------------------------------------------------------


@pytest.mark.parametrize("state", EVERY_STATE)
def test_a_strangers_record_under_our_reservation_is_not_written_to(state: AddressState) -> None:
    entries = (record(DESK, STRANGER, name="till", state=state), reservation(DESK))
    assert is_idle(plan_one(present(DESK, name="printer", description="2nd"), *entries))


def test_over_a_strangers_record_name_and_description_are_pending() -> None:
    entries = (record(DESK, STRANGER), reservation(DESK))
    assert plan_one(present(DESK, name="printer", description="2nd"), *entries).pending == ("name", "description")


def test_over_a_strangers_record_a_warning_names_the_holder() -> None:
    (warning,) = plan_one(present(DESK), record(DESK, STRANGER, name="till"), reservation(DESK)).warnings
    assert f"reserved for {PRINTER}, but the lease of {STRANGER} (till) (state active, expires {SOON})" in warning


def test_over_a_strangers_record_the_reservation_shows_none_of_its_fields() -> None:
    item_plan = plan_one(present(DESK), record(DESK, STRANGER, name="till"), reservation(DESK))
    assert item_plan.after == view(site(reservation(DESK))[CAMPUS.address], DESK)


def test_a_lease_under_our_reservation_is_refused_even_where_a_stranger_has_the_record() -> None:
    message = message_of(plan_one(present_lease(DESK), record(DESK, STRANGER), reservation(DESK)))
    assert f"is reserved for {PRINTER}" in message


@pytest.mark.parametrize("declaration", [absent(DESK), absent(client_id=PRINTER), absent(DESK, PRINTER)])
def test_absent_over_a_strangers_record_fails_and_names_the_holder(declaration: Declaration) -> None:
    message = message_of(plan_one(declaration, record(DESK, STRANGER, name="till"), reservation(DESK)))
    assert f"the lease of {STRANGER} (till) (state active, expires {SOON})" in message
    assert f"the reservation of {PRINTER} at {DESK}" in message


# --- absent, a reservation --------------------------------------------------------------------------------------------

BY_EACH_NAME = [absent(DESK), absent(client_id=PRINTER), absent(client_id=PRINTER, scope=CAMPUS), absent(DESK, PRINTER)]


@pytest.mark.parametrize("declaration", BY_EACH_NAME)
def test_a_reservation_is_removed_by_address_or_client_or_both(declaration: Declaration) -> None:
    item_plan = plan_one(declaration, *held())
    assert (item_plan.action, item_plan.steps, item_plan.warnings) == (Action.REMOVED, (UNRESERVE,), ())


@pytest.mark.parametrize("declaration", BY_EACH_NAME)
def test_a_reservation_without_record_is_removed(declaration: Declaration) -> None:
    item_plan = plan_one(declaration, reservation(DESK))
    assert (item_plan.steps, item_plan.warnings) == ((UNRESERVE,), ())


@pytest.mark.parametrize("declaration", BY_EACH_NAME)
def test_absent_twice_changes_nothing(declaration: Declaration) -> None:
    item_plan = plan_one(declaration)
    assert is_idle(item_plan)
    assert (item_plan.warnings, item_plan.before, item_plan.after) == ((), None, None)


@pytest.mark.parametrize("declaration", BY_EACH_NAME)
def test_the_lease_that_a_removed_reservation_left_stays(declaration: Declaration) -> None:
    assert is_idle(plan_one(declaration, record(DESK)))


def test_an_active_lease_stays_with_a_warning_when_its_reservation_goes() -> None:
    item_plan = plan_one(absent(DESK), *held(expires=SOON))
    assert item_plan.steps == (UNRESERVE,)
    assert f"The lease of {PRINTER} at {DESK} in scope {CAMPUS} stays until it expires" in item_plan.warnings[0]


def test_a_removed_client_is_shown_before_and_not_after() -> None:
    item_plan = plan_one(absent(DESK), *held(expires=SOON))
    assert (item_plan.before, item_plan.after) == (view(site(*held(expires=SOON))[CAMPUS.address], DESK), None)


def test_a_reservation_of_a_client_with_a_lease_elsewhere_goes_alone() -> None:
    item_plan = plan_one(absent(client_id=PRINTER), reservation(DESK), record(SHELF))
    assert (item_plan.steps, item_plan.warnings) == ((UNRESERVE,), ())


def test_an_absent_reservation_never_takes_a_strangers_lease() -> None:
    assert is_idle(plan_one(absent(DESK), record(DESK, STRANGER, expires=UNSET)))


@pytest.mark.parametrize("declaration", [absent(client_id=PRINTER), absent(DESK, PRINTER)])
def test_a_record_left_by_a_crash_goes_where_its_client_was_named(declaration: Declaration) -> None:
    item_plan = plan_one(declaration, record(DESK, expires=UNSET))
    assert (item_plan.action, item_plan.steps) == (Action.REMOVED, (DELETE,))


def test_a_record_without_expiry_does_not_go_for_its_address_alone() -> None:
    assert is_idle(plan_one(absent(DESK), record(DESK, expires=UNSET)))


def test_a_record_without_expiry_stays_where_the_address_is_reserved_for_another_client() -> None:
    entries = (record(DESK, expires=UNSET), reservation(DESK, STRANGER))
    assert is_idle(plan_one(absent(client_id=PRINTER), *entries))


# --- absent, a lease --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", EVERY_STATE)
@pytest.mark.parametrize("expires", EVERY_EXPIRY, ids=str)
@pytest.mark.parametrize(
    "declaration", [absent_lease(DESK), absent_lease(client_id=PRINTER), absent_lease(DESK, PRINTER)]
)
def test_a_lease_goes_whatever_its_state(declaration: Declaration, state: AddressState, expires: Expiry) -> None:
    item_plan = plan_one(declaration, record(DESK, state=state, expires=expires))
    assert (item_plan.action, item_plan.steps) == (Action.REMOVED, (DELETE,))


@pytest.mark.parametrize(
    "declaration", [absent_lease(DESK), absent_lease(client_id=PRINTER), absent_lease(DESK, PRINTER)]
)
def test_a_reserved_lease_fails_and_says_how(declaration: Declaration) -> None:
    message = message_of(plan_one(declaration, *held(expires=SOON)))
    assert f"reserved for {PRINTER} (printer), state active, leased until {SOON}" in message
    assert "Remove the reservation first, with state=absent and type=reservation" in message


def test_a_lease_at_an_address_that_is_reserved_for_another_client_fails() -> None:
    message = message_of(plan_one(absent_lease(DESK, PRINTER), record(DESK), reservation(DESK, STRANGER)))
    assert f"reserved for {STRANGER}" in message


def test_a_lease_away_from_the_clients_reservation_goes() -> None:
    item_plan = plan_one(absent_lease(client_id=PRINTER), reservation(DESK), record(SHELF))
    assert item_plan.steps == (DeleteRecord(scope=CAMPUS, address=SHELF, client_id=PRINTER),)


def test_a_reservation_without_record_is_no_lease() -> None:
    assert is_idle(plan_one(absent_lease(client_id=PRINTER), reservation(DESK)))


# --- absent, a pair, and several scopes -------------------------------------------------------------------------------


@pytest.mark.parametrize("declare", [absent, absent_lease])
def test_a_pair_that_is_none_says_where_both_are_and_removes_nothing(declare: Declare) -> None:
    item_plan = plan_one(declare(DESK, PRINTER), record(DESK, STRANGER), record(SHELF))
    assert is_idle(item_plan)
    assert item_plan.warnings == (
        f"{PRINTER} is not at {DESK}, so nothing was removed: {DESK} belongs to {STRANGER} (lease); "
        f"{PRINTER} is at {SHELF}.",
    )


def test_a_pair_whose_address_is_free_says_where_the_client_is_reserved() -> None:
    (warning,) = plan_one(absent(DESK, PRINTER), reservation(SHELF)).warnings
    assert warning.endswith(f"nothing was removed: {PRINTER} is at {SHELF}.")


def test_a_pair_whose_client_is_nowhere_says_who_has_the_address() -> None:
    (warning,) = plan_one(absent(DESK, PRINTER), reservation(DESK, STRANGER)).warnings
    assert warning.endswith(f"nothing was removed: {DESK} belongs to {STRANGER} (reservation).")


def test_a_pair_of_the_other_type_is_left_without_warning() -> None:
    item_plan = plan_one(absent(DESK, PRINTER), record(DESK))
    assert is_idle(item_plan)
    assert item_plan.warnings == ()


def test_a_reservation_in_several_scopes_fails_and_lists_them() -> None:
    message = message_of(plan_one(absent(client_id=PRINTER), *held(), reservation(LAB_DESK)))
    assert f"{DESK} (scope {CAMPUS}), {LAB_DESK} (scope {LAB})" in message
    assert str(PRINTER) in message


def test_a_lease_in_several_scopes_fails_and_lists_them() -> None:
    message = message_of(plan_one(absent_lease(client_id=PRINTER), record(DESK), record(LAB_DESK)))
    assert f"{DESK} (scope {CAMPUS}), {LAB_DESK} (scope {LAB})" in message


def test_a_client_with_a_reservation_in_one_scope_and_a_lease_in_another_is_ambiguous() -> None:
    message = message_of(plan_one(absent(client_id=PRINTER), *held(), record(LAB_DESK)))
    assert f"{DESK} (scope {CAMPUS}), {LAB_DESK} (scope {LAB})" in message


def test_a_client_without_reservation_but_with_leases_in_two_scopes_is_absent_already() -> None:
    assert is_idle(plan_one(absent(client_id=PRINTER), record(DESK), record(LAB_DESK)))


def test_that_a_server_will_refuse_an_address_outside_every_range_is_said_beforehand() -> None:
    assert "outside every range of scope 10.0.0.0" in plan_one(present(GATE)).warnings[0]


def test_of_several_scopes_the_given_one_is_meant() -> None:
    item_plan = plan_one(absent_lease(client_id=PRINTER, scope=LAB), record(DESK), record(LAB_DESK))
    assert item_plan.steps == (DeleteRecord(scope=LAB, address=LAB_DESK, client_id=PRINTER),)


def test_without_scope_a_client_is_found_in_the_scope_that_has_it() -> None:
    item_plan = plan_one(absent_lease(client_id=PRINTER), record(LAB_DESK))
    assert item_plan.steps == (DeleteRecord(scope=LAB, address=LAB_DESK, client_id=PRINTER),)


# --- a list is one declaration ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("reverse", [False, True])
def test_an_address_is_freed_before_it_is_given_to_another_client(*, reverse: bool) -> None:
    declarations = [present(DESK), absent(DESK, STRANGER)]
    entries = (record(DESK, STRANGER, expires=UNSET), reservation(DESK, STRANGER))
    plans = plan_all(declarations[::-1] if reverse else declarations, *entries)
    assert sorted(item_plan.action.value for item_plan in plans) == ["created", "removed"]


def test_an_address_freed_by_the_list_is_empty_before_the_new_client() -> None:
    taken, freed = plan_all([present(DESK), absent_lease(DESK)], record(DESK, STRANGER))
    assert (taken.before, taken.steps) == (None, (CREATE, RESERVE))
    assert freed.steps == (DeleteRecord(scope=CAMPUS, address=DESK, client_id=STRANGER),)


def test_an_address_whose_lease_stays_is_not_free() -> None:
    entries = (record(DESK, STRANGER, expires=SOON), reservation(DESK, STRANGER))
    taken, freed = plan_all([present(DESK), absent(DESK)], *entries)
    assert freed.action is Action.REMOVED
    assert f"the lease of {STRANGER} (state active, expires {SOON})" in message_of(taken)


def test_a_client_whose_reservation_the_list_removes_by_address_may_have_another_one() -> None:
    taken, freed = plan_all([present(DESK), absent(SHELF)], record(SHELF, expires=UNSET), reservation(SHELF))
    assert (taken.steps, freed.action) == ((CREATE, RESERVE), Action.REMOVED)


@pytest.mark.parametrize(
    ("declare", "declare_absent", "entries"),
    [
        (present, absent, held()),
        (present, absent_lease, held()),
        (present, absent, (reservation(DESK),)),
        (present_lease, absent_lease, (record(DESK),)),
    ],
)
def test_an_address_that_the_declared_client_has_already_is_not_freed_for_it(
    declare: Declare, declare_absent: Declare, entries: tuple[Record | Reservation, ...]
) -> None:
    freed = plan_all([declare_absent(DESK), declare(DESK)], *entries)[0]
    assert is_idle(freed)
    assert freed.before is freed.after is None


def test_sharing_an_address_changes_nothing_the_second_time() -> None:
    plans = plan_all([absent(DESK), present(DESK)], *held())
    assert all(is_idle(item_plan) for item_plan in plans)


def test_an_own_lease_is_not_deleted_to_reserve_its_address() -> None:
    freed, taken = plan_all([absent_lease(DESK), present(DESK)], record(DESK))
    assert is_idle(freed)
    assert taken.steps == (RESERVE,)


def test_a_reservation_goes_where_the_same_list_declares_the_clients_lease() -> None:
    freed, taken = plan_all([absent(DESK), present_lease(DESK)], *held(expires=SOON))
    assert freed.steps == (UNRESERVE,)
    assert is_idle(taken)


def test_an_address_is_freed_for_a_client_that_has_another_one() -> None:
    freed = plan_all([absent(DESK), present(DESK, STRANGER)], *held())[0]
    assert freed.steps == (UNRESERVE,)


def test_an_item_at_another_address_does_not_keep_an_absent_one() -> None:
    freed = plan_all([absent(DESK), present(SHELF)], *held())[0]
    assert freed.steps == (UNRESERVE,)


@pytest.mark.parametrize("reverse", [False, True])
def test_a_reservation_goes_before_the_lease_that_it_holds(*, reverse: bool) -> None:
    declarations = [absent(DESK), absent_lease(client_id=PRINTER)]
    plans = plan_all(declarations[::-1] if reverse else declarations, *held(expires=SOON))
    assert [item_plan.steps for item_plan in (plans[::-1] if reverse else plans)] == [(UNRESERVE,), (DELETE,)]


@pytest.mark.parametrize("reverse", [False, True])
def test_what_an_address_names_goes_before_what_an_identifier_names(*, reverse: bool) -> None:
    declarations = [absent(DESK), absent(client_id=PRINTER)]
    plans = plan_all(declarations[::-1] if reverse else declarations, *held())
    assert [item_plan.steps for item_plan in (plans[::-1] if reverse else plans)] == [(UNRESERVE,), ()]


def test_the_conflict_of_one_item_does_not_stop_the_others() -> None:
    failed, created = plan_all([present(DESK), present(SHELF, PHONE)], record(DESK, STRANGER))
    assert failed.error is not None
    assert (created.error, created.action) == (None, Action.CREATED)


def test_planning_leaves_what_was_read_as_it_was() -> None:
    world = site(*held())
    before = {address: state.copy() for address, state in world.items()}
    plan(resolve(listed([absent(DESK), present(DESK, PHONE)]), SCOPES), world)
    assert world == before


# --- what users see at an address -------------------------------------------------------------------------------------


def test_a_free_address_shows_nobody() -> None:
    assert view(site()[CAMPUS.address], DESK) is None


def test_a_lease_is_shown_with_its_expiry() -> None:
    assert view(site(record(DESK, name="pc", description="d"))[CAMPUS.address], DESK) == Client(
        scope=CAMPUS.address,
        address=DESK,
        client_id=PRINTER,
        type=present_lease(DESK).type,
        name="pc",
        description="d",
        lease_expires=SOON,
    )


def test_a_lease_without_expiry_is_shown_without() -> None:
    shown = view(site(record(DESK, expires=UNSET))[CAMPUS.address], DESK)
    assert shown is not None
    assert (shown.lease_expires, shown.active_until) == (None, None)


def test_a_reservation_is_shown_with_its_current_lease() -> None:
    assert view(site(*held(description="d", expires=NEVER))[CAMPUS.address], DESK) == Client(
        scope=CAMPUS.address,
        address=DESK,
        client_id=PRINTER,
        type=present(DESK).type,
        name="printer",
        description="d",
        active_until=NEVER,
    )


def test_a_reservation_that_was_never_leased_is_active_until_no_time() -> None:
    shown = view(site(*held())[CAMPUS.address], DESK)
    assert shown is not None
    assert (shown.name, shown.active_until, shown.lease_expires) == ("printer", None, None)


# --- taking back ------------------------------------------------------------------------------------------------------


def test_a_record_whose_reservation_was_refused_is_taken_back() -> None:
    state = site(record(DESK, expires=UNSET))[CAMPUS.address]
    assert undo([CREATE], state) == DELETE


def test_nothing_is_taken_back_where_nothing_was_created() -> None:
    state = site(record(DESK, expires=UNSET))[CAMPUS.address]
    assert undo([RESERVE], state) is None


@pytest.mark.parametrize(
    "entries",
    [
        (),
        (record(DESK, STRANGER, expires=UNSET),),
        (record(DESK, expires=SOON),),
        (record(DESK, expires=UNSET), reservation(DESK, STRANGER)),
        (record(DESK, expires=UNSET), reservation(DESK)),
    ],
    ids=["gone", "a stranger's", "leased by now", "reserved for a stranger", "reserved after all"],
)
def test_what_is_not_this_runs_bare_record_any_more_is_not_taken_back(
    entries: tuple[Record | Reservation, ...],
) -> None:
    assert undo([CREATE], site(*entries)[CAMPUS.address]) is None


@pytest.mark.parametrize("expires", [SOON, UNSET], ids=str)
def test_a_lease_is_not_taken_back(expires: Expiry) -> None:
    create = Create(scope=CAMPUS, address=DESK, client_id=PRINTER, expires=SOON)
    assert undo([create], site(record(DESK, expires=expires))[CAMPUS.address]) is None
