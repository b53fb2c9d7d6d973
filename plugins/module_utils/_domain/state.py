# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""What a scope holds, as read from the server, and what each step of a plan does to it.

The effects are those of the processing rules that each step names (MS-DHCPM 3.1.4, 3.2.4), so that one item of a
list can be planned against what the items before it will leave behind.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import TypeAlias

from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.model import (
    DHCP_CLIENTS,
    UNSET,
    AddressRange,
    AddressState,
    ClientId,
    Expiry,
    OptionValues,
    Record,
    Reservation,
    Scope,
)

_TICKS_PER_SECOND = 10_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Create:
    """Make the client's record (R_DhcpCreateClientInfoVQ). The server refuses it where address or client is taken."""

    scope: Scope
    address: IPv4Address
    client_id: ClientId
    name: str = ""
    description: str = ""
    expires: Expiry = UNSET


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserve:
    """Add the address to the scope's reservations (R_DhcpAddSubnetElementV5)."""

    scope: Scope
    address: IPv4Address
    client_id: ClientId
    allowed_types: int = DHCP_CLIENTS


@dataclass(frozen=True, slots=True, kw_only=True)
class SetRecord:
    """Change the client's own record (R_DhcpSetClientInfo), which also makes it active. None: left as it is."""

    scope: Scope
    address: IPv4Address
    client_id: ClientId
    name: str | None = None
    description: str | None = None
    expires: Expiry | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveReservation:
    """Take the address from the scope's reservations (R_DhcpRemoveSubnetElementV5).

    ``beside`` is another client whose record is expected at the address, and may change or go with the reservation.
    """

    scope: Scope
    address: IPv4Address
    client_id: ClientId
    beside: ClientId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteRecord:
    """Remove the client's record (R_DhcpDeleteClientInfo)."""

    scope: Scope
    address: IPv4Address
    client_id: ClientId


@dataclass(frozen=True, slots=True, kw_only=True)
class SetOptions:
    """Store option values on the client's reservation (R_DhcpSetOptionValuesV5)."""

    scope: Scope
    address: IPv4Address
    client_id: ClientId
    options: OptionValues


Step: TypeAlias = "Create | Reserve | SetRecord | RemoveReservation | DeleteRecord | SetOptions"


@dataclass(slots=True, kw_only=True)
class ScopeState:
    """Records and reservations of one scope: all of them, or those that were looked up.

    ``ranges`` is None as long as nothing had to know them; ``options`` has the reservations whose option values were
    read.
    """

    scope: Scope
    ranges: tuple[AddressRange, ...] | None = None
    options: dict[IPv4Address, OptionValues] = field(default_factory=dict)
    _records: dict[IPv4Address, Record] = field(default_factory=dict)
    _record_addresses: dict[ClientId, IPv4Address] = field(default_factory=dict)
    _reservations: dict[IPv4Address, Reservation] = field(default_factory=dict)
    _reserved_addresses: dict[ClientId, IPv4Address] = field(default_factory=dict)

    def copy(self) -> ScopeState:
        """A state of its own; the values in it are frozen and shared."""
        return ScopeState(
            scope=self.scope,
            ranges=self.ranges,
            options=dict(self.options),
            _records=dict(self._records),
            _record_addresses=dict(self._record_addresses),
            _reservations=dict(self._reservations),
            _reserved_addresses=dict(self._reserved_addresses),
        )

    def part(self, addresses: Iterable[IPv4Address], clients: Iterable[ClientId]) -> ScopeState:
        """What there is at these addresses, and where these clients are, as a state of its own."""
        addresses, clients = list(addresses), list(clients)
        return ScopeState(
            scope=self.scope,
            ranges=self.ranges,
            options={key: self.options[key] for key in addresses if key in self.options},
            _records={key: self._records[key] for key in addresses if key in self._records},
            _record_addresses={key: self._record_addresses[key] for key in clients if key in self._record_addresses},
            _reservations={key: self._reservations[key] for key in addresses if key in self._reservations},
            _reserved_addresses={
                key: self._reserved_addresses[key] for key in clients if key in self._reserved_addresses
            },
        )

    @property
    def records(self) -> Iterable[Record]:
        return self._records.values()

    @property
    def reservations(self) -> Iterable[Reservation]:
        return self._reservations.values()

    def record_at(self, address: IPv4Address) -> Record | None:
        return self._records.get(address)

    def record_of(self, client_id: ClientId) -> Record | None:
        address = self._record_addresses.get(client_id)
        return None if address is None else self._records.get(address)

    def reservation_at(self, address: IPv4Address) -> Reservation | None:
        return self._reservations.get(address)

    def reservation_of(self, client_id: ClientId) -> Reservation | None:
        address = self._reserved_addresses.get(client_id)
        return None if address is None else self._reservations.get(address)

    def has_in_range(self, address: IPv4Address) -> bool:
        """Whether one of the scope's ranges has the address. Only for a state whose ranges were read."""
        if self.ranges is None:
            raise LookupError(f"the ranges of scope {self.scope} were not read")
        return any(address in span for span in self.ranges)

    def add_record(self, record: Record) -> None:
        """Put in a record, in the place of one at the same address."""
        self.remove_record(record.address)
        self._records[record.address] = record
        self._record_addresses[record.client_id] = record.address

    def remove_record(self, address: IPv4Address) -> None:
        record = self._records.pop(address, None)
        if record is not None and self._record_addresses.get(record.client_id) == address:
            del self._record_addresses[record.client_id]

    def add_reservation(self, reservation: Reservation) -> None:
        """Put in a reservation, in the place of one at the same address."""
        self.remove_reservation(reservation.address)
        self._reservations[reservation.address] = reservation
        self._reserved_addresses[reservation.client_id] = reservation.address

    def remove_reservation(self, address: IPv4Address) -> None:
        reservation = self._reservations.pop(address, None)
        if reservation is not None and self._reserved_addresses.get(reservation.client_id) == address:
            del self._reserved_addresses[reservation.client_id]

    def take(self, address: IPv4Address, other: ScopeState) -> None:
        """Hold at an address what another state of the scope holds there."""
        self.remove_record(address)
        self.remove_reservation(address)
        record, reservation = other.record_at(address), other.reservation_at(address)
        if record is not None:
            self.add_record(record)
        if reservation is not None:
            self.add_reservation(reservation)

    def advance(self, step: Step) -> None:
        """Become what the server holds after ``step``."""
        match step:
            case Create():
                self.add_record(_created(step))
            case Reserve():
                self._reserve(step)
            case SetRecord():
                record = self.record_at(step.address)
                if record is not None:
                    self.add_record(_changed(record, step, reserved=self.reservation_at(step.address) is not None))
            case RemoveReservation():
                self._unreserve(step)
            case DeleteRecord():
                self.remove_record(step.address)
            case SetOptions():
                self.options[step.address] = step.options

    def _reserve(self, step: Reserve) -> None:
        """3.2.4.38: a record without name is made only where the client has none in the scope."""
        self.add_reservation(
            Reservation(address=step.address, client_id=step.client_id, allowed_types=step.allowed_types)
        )
        if self.record_at(step.address) is None and self.record_of(step.client_id) is None:
            self.add_record(Record(address=step.address, client_id=step.client_id))

    def _unreserve(self, step: RemoveReservation) -> None:
        """3.2.4.40: a record without expiry goes with its reservation, another one stays as a lease."""
        self.remove_reservation(step.address)
        self.options.pop(step.address, None)
        record = self.record_at(step.address)
        if record is not None and record.expires.is_unset:
            self.remove_record(step.address)

    def shows(self, step: Step) -> bool:
        """Whether the server holds what ``step`` is for, whoever wrote it."""
        record = self.record_at(step.address)
        own = record if record is not None and record.client_id == step.client_id else None
        reservation = self.reservation_at(step.address)
        reserved = reservation is not None and reservation.client_id == step.client_id
        match step:
            case Create():
                return own is not None
            case Reserve():
                return reserved
            case SetRecord():
                return own is not None and not differences(own, step)
            case RemoveReservation():
                return not reserved
            case DeleteRecord():
                return own is None
            case SetOptions():
                return reserved and self.options.get(step.address) == step.options

    def may_come_from(self, step: Step) -> bool:
        """Whether what ``step`` is for is there, and in every record as the step would have made it."""
        record = self.record_at(step.address)
        if not isinstance(step, Create) or record is None:
            return self.shows(step)
        same = record.name.casefold() == step.name.casefold() and record.description == step.description
        return self.shows(step) and same and same_moment(record.expires, step.expires)


def differences(record: Record, step: SetRecord) -> bool:
    """Whether ``step`` would still change something in ``record``."""
    return (
        (step.name is not None and step.name != record.name)
        or (step.description is not None and step.description != record.description)
        or (step.expires is not None and not same_moment(step.expires, record.expires))
        or not record.is_usable
    )


def same_moment(left: Expiry, right: Expiry) -> bool:
    """Equal to the second: a server may keep less than 100 ns."""
    return left == right or abs(left.filetime - right.filetime) < _TICKS_PER_SECOND


def _created(step: Create) -> Record:
    return Record(
        address=step.address,
        client_id=step.client_id,
        name=step.name,
        description=step.description,
        expires=step.expires,
    )


def _changed(record: Record, step: SetRecord, *, reserved: bool) -> Record:
    """3.1.4.18: what is NULL stays, the state becomes active, the expiry of a reserved address is kept."""
    return record._replace(
        name=record.name if step.name is None else step.name,
        description=record.description if step.description is None else step.description,
        expires=record.expires if step.expires is None or reserved else step.expires,
        state=AddressState.ACTIVE,
    )
