# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small campus to plan on: two scopes, a printer that is ours, and strangers.

`site` builds what was read from a server; `Ledger` is what a server keeps, with its refusals, written from the
specification and not from the code under test.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv4Network

from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.desired import Declaration, resolve
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.items import ItemPlan
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.model import (
    UNSET,
    AddressRange,
    AddressState,
    ClientId,
    ClientType,
    Expiry,
    NamePolicy,
    Record,
    Reservation,
    Scope,
    State,
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

LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)
PAST = Expiry.parse("2020-01-01T00:00:00Z", now=LONG_AGO)
SOON = Expiry.parse("2030-01-31T12:00:00Z", now=LONG_AGO)
LATER = Expiry.parse("2031-06-30T06:30:00Z", now=LONG_AGO)

CAMPUS = Scope(network=IPv4Network("10.0.0.0/29"), name="campus")
LAB = Scope(network=IPv4Network("10.0.0.8/29"), name="lab")
SCOPES = {CAMPUS.address: CAMPUS, LAB.address: LAB}

# Each scope gives out its first four hosts; the other two lie outside its range.
DESK, SHELF, HALL, ROOF, GATE, YARD = CAMPUS.network.hosts()
LAB_DESK, LAB_SHELF, LAB_HALL, LAB_ROOF, LAB_GATE, LAB_YARD = LAB.network.hosts()
RANGES = {
    CAMPUS.address: (AddressRange(DESK, SHELF), AddressRange(HALL, ROOF)),
    LAB.address: (AddressRange(LAB_DESK, LAB_ROOF),),
}

PRINTER = ClientId.parse_mac("00:1c:25:80:a0:43")
STRANGER = ClientId.parse_mac("00:b1:8a:d1:5a:1f")
PHONE = ClientId.parse_hex("ff00000001000100012a2b2c2d001c2580a044")
# Eleven octets, the first five as the prefix of a unique id of the lab.
LOOKALIKE = ClientId(LAB.address.packed[::-1] + b"\x01" + b"abcdef")


def record(
    address: IPv4Address,
    client_id: ClientId = PRINTER,
    *,
    name: str = "",
    description: str = "",
    expires: Expiry = SOON,
    state: AddressState = AddressState.ACTIVE,
) -> Record:
    """A client's record, by default the printer's active lease."""
    return Record(
        address=address, client_id=client_id, name=name, description=description, expires=expires, state=state
    )


def reservation(address: IPv4Address, client_id: ClientId = PRINTER) -> Reservation:
    return Reservation(address=address, client_id=client_id)


def site(*entries: Record | Reservation) -> dict[IPv4Address, ScopeState]:
    """Both scopes with these records and reservations, each in the scope of its address."""
    states = {address: ScopeState(scope=scope, ranges=RANGES[address]) for address, scope in SCOPES.items()}
    for entry in entries:
        state = states[scope_of(entry.address).address]
        if isinstance(entry, Record):
            state.add_record(entry)
        else:
            state.add_reservation(entry)
    return states


def scope_of(address: IPv4Address) -> Scope:
    return next(scope for scope in SCOPES.values() if address in scope.network)


def present(
    address: IPv4Address,
    client_id: ClientId = PRINTER,
    *,
    name: str | None = None,
    description: str | None = None,
    name_policy: NamePolicy = NamePolicy.ALWAYS,
    expires: Expiry | None = None,
    client_type: ClientType = ClientType.RESERVATION,
) -> Declaration:
    return Declaration(
        index=0,
        type=client_type,
        address=address,
        client_id=client_id,
        name=name,
        description=description,
        name_policy=name_policy,
        expires=expires,
    )


def present_lease(
    address: IPv4Address,
    client_id: ClientId = PRINTER,
    *,
    name: str | None = None,
    description: str | None = None,
    expires: Expiry | None = None,
) -> Declaration:
    return present(
        address, client_id, name=name, description=description, expires=expires, client_type=ClientType.LEASE
    )


def absent(
    address: IPv4Address | None = None,
    client_id: ClientId | None = None,
    *,
    scope: Scope | None = None,
    client_type: ClientType = ClientType.RESERVATION,
) -> Declaration:
    return Declaration(
        index=0,
        state=State.ABSENT,
        type=client_type,
        scope=None if scope is None else scope.address,
        address=address,
        client_id=client_id,
    )


def absent_lease(
    address: IPv4Address | None = None, client_id: ClientId | None = None, *, scope: Scope | None = None
) -> Declaration:
    return absent(address, client_id, scope=scope, client_type=ClientType.LEASE)


def listed(declarations: Iterable[Declaration]) -> list[Declaration]:
    """Declarations as items of `clients`, numbered in this order."""
    return [
        replace(declaration, index=index, place=f"clients[{index}].") for index, declaration in enumerate(declarations)
    ]


def plan_all(declarations: Sequence[Declaration], *entries: Record | Reservation) -> list[ItemPlan]:
    """The plans of a list, in the list's order."""
    decided = plan(resolve(listed(declarations), SCOPES), site(*entries))
    return sorted(decided, key=lambda item_plan: item_plan.item.index)


def plan_one(declaration: Declaration, *entries: Record | Reservation) -> ItemPlan:
    (only,) = plan(resolve([declaration], SCOPES), site(*entries))
    return only


def message_of(item_plan: ItemPlan) -> str:
    """The conflict of an item that writes nothing."""
    assert item_plan.error is not None
    assert item_plan.steps == ()
    return str(item_plan.error)


class Refused(Exception):
    """The server would not do this, or the plan had no right to ask for it."""


@dataclass
class Ledger:
    """Records and reservations as a server keeps them, after MS-DHCPM 3.1.4 and 3.2.4."""

    records: dict[IPv4Address, Record] = field(default_factory=dict)
    reservations: dict[IPv4Address, ClientId] = field(default_factory=dict)

    @property
    def entries(self) -> list[Record | Reservation]:
        return [
            *self.records.values(),
            *(reservation(address, client_id) for address, client_id in self.reservations.items()),
        ]

    def lives(self, client_id: ClientId, scope: Scope) -> bool:
        return any(entry.client_id == client_id and entry.address in scope.network for entry in self.records.values())

    def apply(self, step: Step) -> None:
        """Do what ``step`` asks for, or raise ``Refused``."""
        found, holder = self.records.get(step.address), self.reservations.get(step.address)
        if step.address not in step.scope.network:
            raise Refused(step)
        match step:
            case Create():
                if found is not None or self.lives(step.client_id, step.scope) or holder not in (None, step.client_id):
                    raise Refused(step)
                self.records[step.address] = record(
                    step.address,
                    step.client_id,
                    name=step.name,
                    description=step.description,
                    expires=step.expires,
                )
            case Reserve():
                self._reserve(step, holder)
            case SetRecord():
                if found is None or found.client_id != step.client_id:
                    raise Refused(step)
                self.records[step.address] = record(
                    step.address,
                    step.client_id,
                    name=found.name if step.name is None else step.name,
                    description=found.description if step.description is None else step.description,
                    expires=found.expires if step.expires is None or holder is not None else step.expires,
                )
            case RemoveReservation():
                self._unreserve(step, found, holder)
            case DeleteRecord():
                if found is None or found.client_id != step.client_id or holder is not None:
                    raise Refused(step)
                del self.records[step.address]

    def _reserve(self, step: Reserve, holder: ClientId | None) -> None:
        taken = {client for place, client in self.reservations.items() if place in step.scope.network}
        if holder is not None or step.client_id in taken:
            raise Refused(step)
        self.reservations[step.address] = step.client_id
        if step.address not in self.records and not self.lives(step.client_id, step.scope):
            self.records[step.address] = record(step.address, step.client_id, expires=UNSET)

    def _unreserve(self, step: RemoveReservation, found: Record | None, holder: ClientId | None) -> None:
        if holder != step.client_id or (found is not None and found.client_id != step.client_id):
            raise Refused(step)
        del self.reservations[step.address]
        if found is not None and found.expires == UNSET:
            del self.records[step.address]
        # Another record stays. That its lease time begins anew is the server's own choice, which no plan foresees.
