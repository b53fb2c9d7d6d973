# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""Decisions about clients that are to be gone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from ipaddress import IPv4Address

from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.items import (
    Absent,
    Action,
    Conflict,
    ItemPlan,
    Present,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.model import ClientType, Record, Reservation
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.sentences import foreign_record, reservation_text
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.state import (
    DeleteRecord,
    RemoveReservation,
    ScopeState,
    Step,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.view import view


def absent(item: Absent, site: Mapping[IPv4Address, ScopeState], heir: Present | None) -> ItemPlan:
    """Decide about one. ``heir`` is the item of the same list that declares a client at this item's address.

    The plan's ``settled`` is pinned to what is removed: who comes to that address afterwards is nobody's business here.
    """
    states = list(site.values()) if item.scope is None else [site[item.scope]]
    targets = [(state, target) for state in states if (target := _target(item, state)) is not None]
    if targets and item.scope is None:
        _refuse_ambiguity(item, states)
    if not targets:
        return ItemPlan(item=item, settled=item, warnings=_missed_pair(item, states))
    state, target = targets[0]
    if heir is not None and heir.client_id == target.client_id and _keeps(heir, item.type):
        return ItemPlan(item=item, settled=item)
    step, warnings = _removing(state, target)
    return ItemPlan(
        item=item,
        settled=replace(item, scope=state.scope.address, address=target.address, client_id=target.client_id),
        action=Action.REMOVED,
        frees=(step,),
        before=view(state, target.address),
        warnings=warnings,
    )


def _refuse_ambiguity(item: Absent, states: Sequence[ScopeState]) -> None:
    """A client that was named by its identifier alone must not be in more than one scope, in whatever way."""
    if item.client_id is None:
        return
    places = [
        f"{found.address} (scope {state.scope})"
        for state in states
        if (found := state.reservation_of(item.client_id) or state.record_of(item.client_id)) is not None
    ]
    if len(places) > 1:
        raise Conflict(
            f"{item.client_id} is in several scopes: {', '.join(places)}. Say with scope which one is meant."
        )


def _keeps(heir: Present, removed: ClientType) -> bool:
    """Whether an address is freed for a client that has it already: then nothing is left to remove.

    Only where a lease is declared the reservation of the same client still has to go.
    """
    return heir.type is removed or heir.type is ClientType.RESERVATION


def _target(item: Absent, state: ScopeState) -> Reservation | Record | None:
    """What of the asked type the item names in this scope: only what is both its address's and its client's."""
    reservation, record = _named(item, state)
    if item.type is ClientType.LEASE:
        return record
    if reservation is not None:
        return reservation
    # A record without expiry that nothing reserves is what a run leaves that died between create and reserve. It was
    # never leased; it goes only where the client was named, not for its address alone.
    if record is not None and item.client_id is not None and record.expires.is_unset:
        return None if state.reservation_at(record.address) is not None else record
    return None


def _named(item: Absent, state: ScopeState) -> tuple[Reservation | None, Record | None]:
    if item.address is not None:
        reservation, record = state.reservation_at(item.address), state.record_at(item.address)
    elif item.client_id is not None:
        reservation, record = state.reservation_of(item.client_id), state.record_of(item.client_id)
    else:
        return None, None
    if item.client_id is not None:
        reservation = reservation if reservation is not None and reservation.client_id == item.client_id else None
        record = record if record is not None and record.client_id == item.client_id else None
    return reservation, record


def _removing(state: ScopeState, target: Reservation | Record) -> tuple[Step, tuple[str, ...]]:
    record = state.record_at(target.address)
    if isinstance(target, Record):
        holder = state.reservation_at(target.address)
        if holder is not None:
            raise Conflict(
                f"Cannot remove the lease of {target.client_id} at {target.address} in scope {state.scope}: the "
                f"address is {reservation_text(state, holder)}. Remove the reservation first, with state=absent and "
                "type=reservation."
            )
        return DeleteRecord(scope=state.scope, address=target.address, client_id=target.client_id), ()
    if record is not None and record.client_id != target.client_id:
        raise foreign_record(state, target, record, "remove")
    step = RemoveReservation(scope=state.scope, address=target.address, client_id=target.client_id)
    if record is None or record.expires.is_unset:
        return step, ()
    return step, (
        f"The lease of {target.client_id} at {target.address} in scope {state.scope} stays until it expires, since a "
        "machine may be using the address.",
    )


def _missed_pair(item: Absent, states: Sequence[ScopeState]) -> tuple[str, ...]:
    """Where address and client are, if they were named together and are not at the same place."""
    if item.address is None or item.client_id is None:
        return ()
    places = []
    for state in states:
        if any(entry is not None for entry in _named(item, state)):
            return ()  # the client is at that address, only not as the type that was to go
        if (holder := view(state, item.address)) is not None:
            places.append(f"{item.address} belongs to {holder.client_id} ({holder.type.value})")
        own = state.reservation_of(item.client_id) or state.record_of(item.client_id)
        if own is not None:
            places.append(f"{item.client_id} is at {own.address}")
    if not places:
        return ()
    return (f"{item.client_id} is not at {item.address}, so nothing was removed: {'; '.join(places)}.",)
