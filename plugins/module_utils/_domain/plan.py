# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""Where every decision is made: ``plan(items, site)`` says what has to be written, for whom, and why not.

Pure: what was declared and what was read go in, steps come out. Check mode, the diff and the answer to the user are
made from the same plan, so they cannot disagree.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from ipaddress import IPv4Address
from typing import TypeAlias

from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.model import (
    NEVER,
    AddressState,
    ClientId,
    ClientType,
    Expiry,
    NamePolicy,
    Record,
    Reservation,
    same_name,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.state import (
    Create,
    DeleteRecord,
    RemoveReservation,
    Reserve,
    ScopeState,
    SetRecord,
    Step,
    same_moment,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import DhcpError

Site = Mapping[IPv4Address, ScopeState]


class Conflict(DhcpError):
    """What is declared cannot be had without touching what belongs to somebody else, or is ambiguous."""


class Action(Enum):
    """What happens to a client, or would happen."""

    CREATED = "created"
    UPDATED = "updated"
    REMOVED = "removed"
    NONE = "none"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """A client that is to be there. ``option`` is its place in the input, for messages; None is "not given"."""

    index: int
    option: str = ""
    scope: IPv4Address
    address: IPv4Address
    client_id: ClientId
    name: str | None = None
    description: str | None = None
    name_policy: NamePolicy = NamePolicy.ALWAYS
    type: ClientType = ClientType.RESERVATION
    expires: Expiry | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """A client that is to be gone: named by its address, its identifier, or both together.

    ``scope`` is None only where the identifier alone was given: then every scope of the server is meant.
    """

    index: int
    option: str = ""
    scope: IPv4Address | None
    address: IPv4Address | None
    client_id: ClientId | None
    type: ClientType = ClientType.RESERVATION


Item: TypeAlias = "Present | Absent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A client as users see it. ``name`` and ``description`` are None where there is no record that could have them."""

    scope: IPv4Address | None
    address: IPv4Address | None
    client_id: ClientId | None
    type: ClientType
    name: str | None = None
    description: str | None = None
    lease_expires: Expiry | None = None
    active_until: Expiry | None = None
    address_state: AddressState | None = None  # only where the record is not usable


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemPlan:
    """The decision about one item: either ``error`` or ``steps``, which may be empty."""

    item: Item
    action: Action = Action.NONE
    steps: tuple[Step, ...] = ()
    before: Client | None = None
    after: Client | None = None
    pending: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    error: Conflict | None = None


def plan(items: Sequence[Item], site: Site) -> list[ItemPlan]:
    """Decide about all items, in the order in which their steps have to run: what frees an address comes first.

    ``site`` has every scope that an item concerns, with everything that was found at the items' addresses and for
    their clients. It is not changed.
    """
    working = {address: state.copy() for address, state in site.items()}
    heirs: dict[tuple[IPv4Address | None, IPv4Address | None], Present] = {
        (item.scope, item.address): item for item in items if isinstance(item, Present)
    }
    decided = []
    for item in sorted(items, key=_turn):
        decision = _decide(item, working, heirs.get((item.scope, item.address)))
        for step in decision.steps:
            working[step.scope.address].advance(step)
        decided.append(_with_outcome(decision, working))
    return decided


def undo(sent: Iterable[Step], state: ScopeState) -> Step | None:
    """What takes back a record that this run made, where the reservation that should hold it could not be added.

    None where there is nothing of ours left, or where somebody else has a claim on it by now.
    """
    for step in sent:
        if isinstance(step, Create) and step.expires.is_unset:
            record = state.record_at(step.address)
            if record is None or record.client_id != step.client_id or not record.expires.is_unset:
                return None
            if state.reservation_at(step.address) is not None:
                return None
            return DeleteRecord(scope=step.scope, address=step.address, client_id=step.client_id)
    return None


def view(state: ScopeState, address: IPv4Address) -> Client | None:
    """What users see at an address: its reservation, else its record."""
    reservation, record = state.reservation_at(address), state.record_at(address)
    if reservation is not None:
        own = record if record is not None and record.client_id == reservation.client_id else None
        return Client(
            scope=state.scope.address,
            address=address,
            client_id=reservation.client_id,
            type=ClientType.RESERVATION,
            name=None if own is None else own.name,
            description=None if own is None else own.description,
            active_until=None if own is None or own.expires.is_unset else own.expires,
            address_state=None if own is None or own.is_usable else own.state,
        )
    if record is not None:
        return Client(
            scope=state.scope.address,
            address=address,
            client_id=record.client_id,
            type=ClientType.LEASE,
            name=record.name,
            description=record.description,
            lease_expires=None if record.expires.is_unset else record.expires,
            address_state=None if record.is_usable else record.state,
        )
    return None


def _turn(item: Item) -> tuple[bool, bool, bool, int, bytes]:
    """When an item is decided: by what it says, never by its place in the list.

    Two absent items may mean the same client, one by its address and one by its identifier: the reservation goes before
    the lease that it holds, and what an address names before a client that may be in several scopes.
    """
    address = 0 if item.address is None else int(item.address)
    octets = b"" if item.client_id is None else item.client_id.octets
    return isinstance(item, Present), item.type is ClientType.LEASE, item.address is None, address, octets


def _decide(item: Item, site: Site, heir: Present | None) -> ItemPlan:
    """``heir`` is the item of the same list that declares a client at this item's address."""
    try:
        if isinstance(item, Absent):
            return _absent(item, site, heir)
        if item.type is ClientType.RESERVATION:
            return _present_reservation(item, site[item.scope])
        return _present_lease(item, site[item.scope])
    except Conflict as conflict:
        shown = view(site[item.scope], item.address) if item.scope is not None and item.address is not None else None
        return ItemPlan(item=item, before=shown, error=conflict)


def _with_outcome(decision: ItemPlan, site: Site) -> ItemPlan:
    """Add what users will see, which the working state shows by now."""
    if not decision.steps:
        return replace(decision, after=decision.before)
    step = decision.steps[-1]
    if isinstance(decision.item, Absent):
        return replace(decision, after=None)
    return replace(decision, after=view(site[step.scope.address], step.address))


# --- present ----------------------------------------------------------------------------------------------------------


def _present_reservation(item: Present, state: ScopeState) -> ItemPlan:
    address, client_id = item.address, item.client_id
    reserved = _own_reservation(item, state)
    record = state.record_at(address)
    before = view(state, address)
    if record is not None and record.client_id != client_id:
        if not reserved:
            raise _taken(state, record, f"Cannot reserve {address} for {client_id}")
        return ItemPlan(
            item=item,
            before=before,
            pending=_given(item),
            warnings=(
                f"{address} in scope {state.scope} is reserved for {client_id}, but {_lease_text(record)} is still "
                "there. Nothing was written to it; the reservation takes effect when that lease is gone.",
            ),
        )
    if record is None and (elsewhere := state.record_of(client_id)) is not None:
        return _beside_lease(item, state, elsewhere, reserved=reserved)
    if record is None:
        return ItemPlan(
            item=item,
            action=Action.UPDATED if reserved else Action.CREATED,
            steps=tuple(_creating(item, state, reserved=reserved)),
            before=before,
            warnings=() if reserved else _outside_ranges(item, state),
        )
    steps: list[Step] = [] if reserved else [Reserve(scope=state.scope, address=address, client_id=client_id)]
    steps += _changing(item, state, record)
    return ItemPlan(item=item, action=Action.UPDATED if steps else Action.NONE, steps=tuple(steps), before=before)


def _own_reservation(item: Present, state: ScopeState) -> bool:
    """Whether the address is reserved for this client; a conflict where another reservation is in the way."""
    address, client_id = item.address, item.client_id
    holder, own = state.reservation_at(address), state.reservation_of(client_id)
    if holder is not None and holder.client_id != client_id:
        raise Conflict(
            f"Cannot declare {client_id} at {address} in scope {state.scope}: "
            f"it is {_reservation_text(state, holder)}. Remove that reservation first, or choose another address."
        )
    if own is not None and own.address != address:
        record = state.record_of(client_id)
        standing = f" ({_standing(record)})" if record is not None and record.address == own.address else ""
        raise Conflict(
            f"Cannot declare {client_id} at {address} in scope {state.scope}: the client is already reserved at "
            f"{own.address}{standing}, and a client has one reservation a scope. Remove that reservation first."
        )
    return holder is not None


def _beside_lease(item: Present, state: ScopeState, lease: Record, *, reserved: bool) -> ItemPlan:
    """The client is on the network at another address: reserve, and leave its lease to it (rule 9)."""
    steps = () if reserved else (Reserve(scope=state.scope, address=item.address, client_id=item.client_id),)
    return ItemPlan(
        item=item,
        action=Action.CREATED if steps else Action.NONE,
        steps=steps,
        before=view(state, item.address),
        pending=_given(item),
        warnings=(
            f"{item.client_id} still has {_lease_text(lease, with_client=False)} at {lease.address} in scope "
            f"{state.scope}; it moves to its reservation at {item.address} when it renews.",
        ),
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
    reserve = Reserve(scope=state.scope, address=item.address, client_id=item.client_id)
    if reserved:
        return [create]
    if state.has_in_range(item.address):
        return [create, reserve]
    # Outside every range the reservation is what a server refuses before it stores anything (3.2.4.38), and it makes
    # the record, whose name and description come after.
    steps: list[Step] = [reserve]
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


def _outside_ranges(item: Present, state: ScopeState) -> tuple[str, ...]:
    if state.has_in_range(item.address):
        return ()
    return (
        f"{item.address} is outside every range of scope {state.scope}. Servers from Windows Server 2008 R2 on refuse "
        "to reserve such an address.",
    )


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


def _present_lease(item: Present, state: ScopeState) -> ItemPlan:
    address, client_id = item.address, item.client_id
    if _own_reservation(item, state):
        raise Conflict(
            f"{address} in scope {state.scope} is reserved for {client_id}, which type=lease does not undo. Remove the "
            "reservation with state=absent and type=reservation first, or declare type=reservation."
        )
    record = state.record_at(address)
    if record is not None and record.client_id != client_id:
        raise _taken(state, record, f"Cannot give {address} to {client_id}")
    elsewhere = state.record_of(client_id)
    if record is None and elsewhere is not None:
        raise Conflict(
            f"Cannot give {address} in scope {state.scope} to {client_id}: the client has "
            f"{_lease_text(elsewhere, with_client=False)} at {elsewhere.address}, and a client has one lease a scope. "
            "Remove that lease first."
        )
    before = view(state, address)
    if record is not None:
        steps = _changing(item, state, record)
        return ItemPlan(item=item, action=Action.UPDATED if steps else Action.NONE, steps=tuple(steps), before=before)
    create = Create(
        scope=state.scope,
        address=address,
        client_id=client_id,
        name=item.name or "",
        description=item.description or "",
        expires=item.expires or NEVER,
    )
    return ItemPlan(item=item, action=Action.CREATED, steps=(create,), before=before)


# --- absent -----------------------------------------------------------------------------------------------------------


def _absent(item: Absent, site: Site, heir: Present | None) -> ItemPlan:
    states = list(site.values()) if item.scope is None else [site[item.scope]]
    targets = [(state, target) for state in states if (target := _target(item, state)) is not None]
    if targets and item.scope is None:
        _refuse_ambiguity(item, states)
    if not targets:
        return ItemPlan(item=item, before=None, warnings=_missed_pair(item, states))
    state, target = targets[0]
    if heir is not None and heir.client_id == target.client_id and _keeps(heir, item.type):
        return ItemPlan(item=item)
    step, warnings = _removing(state, target)
    return ItemPlan(
        item=item, action=Action.REMOVED, steps=(step,), before=view(state, target.address), warnings=warnings
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
            f"{item.client_id} is in several scopes: {', '.join(places)}. Say which one is meant with scope."
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
                f"address is {_reservation_text(state, holder)}. Remove the reservation first, with state=absent and "
                "type=reservation."
            )
        return DeleteRecord(scope=state.scope, address=target.address, client_id=target.client_id), ()
    if record is not None and record.client_id != target.client_id:
        raise Conflict(
            f"Cannot remove the reservation of {target.client_id} at {target.address} in scope {state.scope}: "
            f"{_lease_text(record)} lies at that address, and removing the reservation could change or delete it. "
            "Remove that lease first, or wait until it is gone."
        )
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


# --- sentences --------------------------------------------------------------------------------------------------------


def _given(item: Present) -> tuple[str, ...]:
    """Fields that wait for a record to be stored in."""
    return tuple(name for name in ("name", "description") if getattr(item, name) is not None)


def _taken(state: ScopeState, record: Record, what: str) -> Conflict:
    return Conflict(
        f"{what} in scope {state.scope}: {_lease_text(record)} is at that address. "
        "Remove that lease first, or choose another address."
    )


def _lease_text(record: Record, *, with_client: bool = True) -> str:
    """A record in words: holder, state and expiry, as a conflict has to name them."""
    holder = ""
    if with_client:
        holder = f" of {record.client_id}" + (f" ({record.name})" if record.name else "")
    expiry = "without expiry" if record.expires.is_unset else f"expires {record.expires}"
    article = "the lease" if with_client else "a lease"
    return f"{article}{holder} (state {record.state.name.lower()}, {expiry})"


def _reservation_text(state: ScopeState, holder: Reservation) -> str:
    record = state.record_at(holder.address)
    if record is None:
        return f"reserved for {holder.client_id} (no record yet)"
    if record.client_id != holder.client_id:
        return f"reserved for {holder.client_id}, while {_lease_text(record)} is there"
    name = f" ({record.name})" if record.name else ""
    return f"reserved for {holder.client_id}{name}, {_standing(record)}"


def _standing(record: Record) -> str:
    """State and expiry of a reserved client's record."""
    lease = "never leased" if record.expires.is_unset else f"leased until {record.expires}"
    return f"state {record.state.name.lower()}, {lease}"
