# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""Decisions about clients that are to be there, in three steps.

``leave`` frees what the client itself has at another address of the scope, ``clear`` frees the address that it is to
have, and ``build`` makes its record and its reservation. Every item of a list leaves before any clears, and every one
clears before any builds: so swaps and chains come out as declared.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address

from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.items import (
    Action,
    Client,
    Conflict,
    Holding,
    ItemPlan,
    OnConflict,
    Present,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.model import (
    DHCP_CLIENTS,
    NEVER,
    ClientId,
    ClientType,
    NamePolicy,
    OptionValues,
    Record,
    Reservation,
    same_name,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.sentences import (
    foreign_record,
    lease_text,
    reservation_text,
    standing,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.state import (
    Create,
    DeleteRecord,
    RemoveReservation,
    Reserve,
    ScopeState,
    SetOptions,
    SetRecord,
    Step,
    same_moment,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.view import lease_view, view


@dataclass(slots=True, kw_only=True)
class Draft:
    """A decision in the making. ``original`` is the scope before any present item,
    ``working`` what the plan will have made of it.

    ``item`` takes over name, description and options of what is removed for it. ``lease`` is what the client had
    elsewhere: a client's own host name counts less than what was said of a reservation.
    """

    item: Present
    original: ScopeState
    working: ScopeState
    frees: list[Step] = field(default_factory=list)
    unread: list[IPv4Address] = field(default_factory=list)
    displaced: list[Client] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    moved_from: IPv4Address | None = None
    lease: Record | None = None
    error: Conflict | None = None

    def free(self, step: Step) -> None:
        """Remove something, in the plan and in the working state."""
        self.frees.append(step)
        self.working.advance(step)

    def unreserve(self, holder: Reservation) -> Record | None:
        """Remove a reservation; returns the record that is left at its address."""
        address = holder.address
        record = self.working.record_at(address)
        other = record.client_id if record is not None and record.client_id != holder.client_id else None
        if address not in self.original.options:
            self.unread.append(address)
        self.free(
            RemoveReservation(scope=self.working.scope, address=address, client_id=holder.client_id, beside=other)
        )
        return self.working.record_at(address)

    def delete(self, record: Record) -> None:
        """Remove a record that no reservation holds."""
        self.free(DeleteRecord(scope=self.working.scope, address=record.address, client_id=record.client_id))

    def inherit(self, record: Record | None, options: OptionValues | None = None, types: int | None = None) -> None:
        """Take over what the user did not give. What was taken over first stays."""
        if record is None and options is None and types is None:
            return
        item = self.item
        self.item = replace(
            item,
            name=item.name if item.name is not None or record is None else record.name or None,
            description=(
                item.description if item.description is not None or record is None else record.description or None
            ),
            options=options if item.options is None else item.options,
            allowed_types=types if item.allowed_types is None else item.allowed_types,
        )

    def plan(self, builds: list[Step], action: Action, pending: tuple[str, ...] = ()) -> ItemPlan:
        """The finished decision."""
        item = self.item
        if self.moved_from is not None:
            action = Action.MOVED
        elif self.displaced:
            action = Action.REPLACED
        before = view(self.original, item.address if self.moved_from is None else self.moved_from)
        return ItemPlan(
            item=item,
            settled=self._pinned(),
            action=action,
            frees=tuple(self.frees),
            builds=tuple(builds),
            before=before,
            after=None if self.frees or builds else before,
            displaced=tuple(self.displaced),
            pending=pending,
            warnings=tuple(self.warnings),
            unread=tuple(self.unread),
        )

    def _pinned(self) -> Present:
        """The item, which from now on may remove whom this plan removes and nobody else."""
        item = self.item
        if item.may_free is not None or item.on_conflict is OnConflict.FAIL:
            return item  # the latter may remove nobody as it is
        freed = {(step.address, step.client_id) for step in self.frees}
        beside = {
            (step.address, step.beside)
            for step in self.frees
            if isinstance(step, RemoveReservation) and step.beside is not None
        }
        return replace(item, may_free=frozenset(freed | beside))


# --- leave ------------------------------------------------------------------------------------------------------------


def leave(draft: Draft) -> None:
    """Free what the client has elsewhere in the scope, as far as ``on_conflict`` allows."""
    item, state = draft.item, draft.working
    own = state.reservation_of(item.client_id)
    if item.type is ClientType.LEASE and own is not None and own.address == item.address:
        raise Conflict(
            f"{item.address} in scope {state.scope} is reserved for {item.client_id}, which type=lease does not undo. "
            "Remove the reservation with state=absent and type=reservation first, or declare type=reservation."
        )
    if own is not None and own.address != item.address:
        _leave_reservation(draft, own)
    record = state.record_of(item.client_id)
    if record is not None and record.address != item.address:
        _leave_lease(draft, record)


def _leave_reservation(draft: Draft, own: Reservation) -> None:
    item, state = draft.item, draft.working
    record = state.record_at(own.address)
    foreign = record is not None and record.client_id != item.client_id
    may = item.type is ClientType.RESERVATION and _may(item, (own.address, item.client_id), OnConflict.REPLACE)
    if not may:
        lease = f" ({standing(record)})" if record is not None and not foreign else ""
        remedy = "Remove that reservation first"
        if item.type is ClientType.RESERVATION:
            remedy += ", or set on_conflict=replace to move the client"
        raise Conflict(
            f"Cannot declare {item.client_id} at {item.address} in scope {state.scope}: the client is already "
            f"reserved at {own.address}{lease}, and a client has one reservation a scope. {remedy}."
        )
    if record is not None and foreign:
        raise foreign_record(state, own, record, "move")
    text = f"Cannot move {item.client_id} from {own.address} to {item.address} in scope {state.scope}"
    _refuse_irreversible(draft, own.address, text)
    draft.inherit(record, draft.original.options.get(own.address), own.allowed_types)
    draft.moved_from = own.address
    left = draft.unreserve(own)
    if left is not None:
        draft.delete(left)


def _leave_lease(draft: Draft, lease: Record) -> None:
    item, state = draft.item, draft.working
    # A lease at an address that is reserved for somebody else cannot be deleted (3.1.4.20).
    held = state.reservation_at(lease.address) is not None
    if _may(item, (lease.address, item.client_id), OnConflict.REPLACE) and not held:
        draft.lease = lease
        draft.moved_from = draft.moved_from or lease.address
        draft.delete(lease)


# --- clear ------------------------------------------------------------------------------------------------------------


def clear(draft: Draft, listed: AbstractSet[ClientId]) -> None:
    """Free the address, as far as ``on_conflict`` allows. ``listed`` clients leave by themselves or not at all."""
    item, state = draft.item, draft.working
    holder, record = state.reservation_at(item.address), state.record_at(item.address)
    if holder is not None and holder.client_id != item.client_id:
        _clear_reservation(draft, holder, listed)
    elif record is not None and record.client_id != item.client_id:
        _clear_lease(draft, record, reserved=holder is not None)


def _clear_reservation(draft: Draft, holder: Reservation, listed: AbstractSet[ClientId]) -> None:
    item, state = draft.item, draft.working
    text = f"Cannot declare {item.client_id} at {item.address} in scope {state.scope}: it is "
    text += reservation_text(state, holder)
    if holder.client_id in listed:
        raise Conflict(
            f"{text}. That client is in the list too, but does not move away: see its own outcome in clients."
        )
    if not _may(item, (item.address, holder.client_id), OnConflict.REPLACE):
        raise Conflict(f"{text}. Remove that reservation first, choose another address, or set on_conflict=replace.")
    _refuse_irreversible(draft, item.address, text)
    record = state.record_at(holder.address)
    shown = view(state, holder.address)
    draft.displaced += [shown] if shown is not None else []
    draft.inherit(
        record if record is not None and record.client_id == holder.client_id else None,
        draft.original.options.get(holder.address),
        holder.allowed_types,
    )
    left = draft.unreserve(holder)
    if left is not None and left.client_id != item.client_id:
        if left.client_id != holder.client_id or not left.expires.is_unset:
            draft.warnings.append(_evicted(draft, left))
        draft.delete(left)


def _clear_lease(draft: Draft, record: Record, *, reserved: bool) -> None:
    item, state = draft.item, draft.working
    if not _may(item, (item.address, record.client_id), OnConflict.EVICT_LEASE):
        if not reserved:
            what = f"reserve {item.address} for" if item.type is ClientType.RESERVATION else f"give {item.address} to"
            raise Conflict(
                f"Cannot {what} {item.client_id} in scope {state.scope}: {lease_text(record)} is at that address. "
                "Remove that lease first, choose another address, or set on_conflict=evict_lease."
            )
        return
    own = state.reservation_at(item.address)
    text = f"Cannot remove {lease_text(record)} at {item.address} in scope {state.scope}"
    if own is not None:
        _refuse_irreversible(draft, item.address, f"{text}, which is reserved for {item.client_id}")
    elif not state.has_in_range(item.address):
        raise Conflict(
            f"{text}: the address is outside every range of the scope, so afterwards the server may give it neither to "
            f"{item.client_id} nor back to the client that has it now. Extend the scope's range first."
        )
    draft.warnings.append(_evicted(draft, record))
    left: Record | None = record
    if own is not None:
        draft.inherit(None, draft.original.options.get(item.address), own.allowed_types)
        left = draft.unreserve(own)
    draft.displaced.append(lease_view(state, record))
    if left is not None:
        draft.delete(left)


def _refuse_irreversible(draft: Draft, address: IPv4Address, text: str) -> None:
    """What was reserved outside every range cannot be reserved again, for anybody (3.2.4.38)."""
    if not draft.working.has_in_range(address):
        raise Conflict(
            f"{text}. {address} is outside every range of the scope: were that reservation removed, the server would "
            "not reserve the address again. Extend the scope's range first."
        )


def _evicted(draft: Draft, record: Record) -> str:
    text = lease_text(record)
    return (
        f"{text[0].upper()}{text[1:]} is removed from {record.address} in scope {draft.working.scope}; that "
        "machine may still be using the address."
    )


def _may(item: Present, holding: Holding, needed: OnConflict) -> bool:
    policy = item.policy(holding)
    return policy is needed or policy is OnConflict.REPLACE


# --- build ------------------------------------------------------------------------------------------------------------


def build(draft: Draft) -> ItemPlan:
    """What makes the record and the reservation, once everything that may be removed is gone."""
    draft.inherit(draft.lease)
    if draft.item.type is ClientType.LEASE:
        return _build_lease(draft)
    return _build_reservation(draft)


def _build_reservation(draft: Draft) -> ItemPlan:
    item, state = draft.item, draft.working
    holder, record = state.reservation_at(item.address), state.record_at(item.address)
    reserved = holder is not None and holder.client_id == item.client_id
    if (holder is not None or record is not None) and not reserved:
        # What clear() let pass is the client's own; anything else there another item of the list has put.
        other = holder or record
        if other is not None and other.client_id != item.client_id:
            raise Conflict(
                f"Cannot declare {item.client_id} at {item.address} in scope {state.scope}: the list gives that "
                f"address to {other.client_id}. Give one of the two another address."
            )
    if record is not None and record.client_id != item.client_id:
        draft.warnings.append(
            f"{item.address} in scope {state.scope} is reserved for {item.client_id}, but {lease_text(record)} is "
            "still there. Nothing was written to it; the reservation takes effect when that lease is gone."
        )
        return draft.plan(_with_options(draft, []), Action.NONE, _given(item))
    elsewhere = state.record_of(item.client_id)
    if record is None and elsewhere is not None:
        draft.warnings.append(
            f"{item.client_id} still has {lease_text(elsewhere, with_client=False)} at {elsewhere.address} in scope "
            f"{state.scope}; it moves to its reservation at {item.address} when it renews."
        )
        builds = _with_options(draft, [] if reserved else [_reserve(item, state)])
        return draft.plan(builds, Action.CREATED if builds else Action.NONE, _given(item))
    if record is None:
        builds = _with_options(draft, _creating(item, state, reserved=reserved))
        if not reserved and not state.has_in_range(item.address):
            draft.warnings.append(
                f"{item.address} is outside every range of scope {state.scope}. Servers from Windows Server 2008 R2 on "
                "refuse to reserve such an address: extend the scope's range, or choose an address inside it."
            )
        return draft.plan(builds, Action.UPDATED if reserved else Action.CREATED)
    steps: list[Step] = [] if reserved else [_reserve(item, state)]
    builds = _with_options(draft, steps + _changing(item, state, record))
    return draft.plan(builds, Action.UPDATED if builds else Action.NONE)


def _with_options(draft: Draft, builds: list[Step]) -> list[Step]:
    """Put the option values back that were on the reservation before."""
    item, state = draft.item, draft.working
    reserves = any(isinstance(step, Reserve) for step in builds)
    if item.options and (reserves or state.options.get(item.address) != item.options):
        builds.append(
            SetOptions(scope=state.scope, address=item.address, client_id=item.client_id, options=item.options)
        )
    return builds


def _reserve(item: Present, state: ScopeState) -> Reserve:
    return Reserve(
        scope=state.scope,
        address=item.address,
        client_id=item.client_id,
        allowed_types=item.allowed_types or DHCP_CLIENTS,
    )


def _creating(item: Present, state: ScopeState, *, reserved: bool) -> list[Step]:
    """The client has no record in the scope, and there is none at the address."""
    create = Create(
        scope=state.scope,
        address=item.address,
        client_id=item.client_id,
        name=item.name or "",
        description=item.description or "",
    )
    if reserved:
        return [create]
    if state.has_in_range(item.address):
        return [create, _reserve(item, state)]
    # Outside every range the reservation is what a server refuses before it stores anything (3.2.4.38), and it makes
    # the record, whose name and description come after.
    steps: list[Step] = [_reserve(item, state)]
    if item.name or item.description:
        steps.append(
            SetRecord(
                scope=state.scope,
                address=item.address,
                client_id=item.client_id,
                name=item.name or None,
                description=item.description or None,
            )
        )
    return steps


def _changing(item: Present, state: ScopeState, record: Record) -> list[Step]:
    """What brings the client's own record to what was declared of it. Only what the user gave is compared."""
    name = item.name if item.name is not None and _name_differs(item.name, record.name, item.name_policy) else None
    description = item.description if item.description not in (None, record.description) else None
    expires = item.expires if item.expires is not None and not same_moment(item.expires, record.expires) else None
    if name is None and description is None and expires is None and record.is_usable:
        return []
    return [
        SetRecord(
            scope=state.scope,
            address=record.address,
            client_id=record.client_id,
            name=name,
            description=description,
            expires=expires,
        )
    ]


def _name_differs(declared: str, stored: str, policy: NamePolicy) -> bool:
    if policy is NamePolicy.ON_CREATE:
        return not stored and declared != ""
    return not same_name(declared, stored)


def _build_lease(draft: Draft) -> ItemPlan:
    item, state = draft.item, draft.working
    record = state.record_at(item.address)
    if record is not None:
        builds = _changing(item, state, record)
        return draft.plan(builds, Action.UPDATED if builds else Action.NONE)
    elsewhere = state.record_of(item.client_id)
    if elsewhere is not None:
        raise Conflict(
            f"Cannot give {item.address} in scope {state.scope} to {item.client_id}: the client has "
            f"{lease_text(elsewhere, with_client=False)} at {elsewhere.address}, and a client has one lease a scope. "
            "Remove that lease first, or set on_conflict=replace."
        )
    create = Create(
        scope=state.scope,
        address=item.address,
        client_id=item.client_id,
        name=item.name or "",
        description=item.description or "",
        expires=item.expires or NEVER,
    )
    return draft.plan([create], Action.CREATED)


def _given(item: Present) -> tuple[str, ...]:
    """Fields that wait for a record to be stored in."""
    return tuple(name for name in ("name", "description") if getattr(item, name) is not None)
