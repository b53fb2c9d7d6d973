# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""Which address a client gets that was declared without one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from ipaddress import IPv4Address

from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.items import (
    Absent,
    Conflict,
    Item,
    OnConflict,
    Present,
    Unplaced,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.model import AddressRange, ClientType
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.state import ScopeState


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """The addresses where a list names other clients, or nobody: those of its present clients, and what it empties.

    An absent item that names an address and a client wants nothing of who else is there, nor one of a reservation
    anything of a lease.
    """

    reservations: frozenset[IPv4Address] = frozenset()
    leases: frozenset[IPv4Address] = frozenset()

    @classmethod
    def of(cls, items: Iterable[Item]) -> Claims:
        """What these items claim."""
        claims: dict[ClientType, set[IPv4Address]] = {kind: set() for kind in ClientType}
        for item in items:
            if isinstance(item, Absent) and item.client_id is None and item.address is not None:
                claims[item.type].add(item.address)
            elif isinstance(item, Present):
                for addresses in claims.values():
                    addresses.add(item.address)
        return cls(reservations=frozenset(claims[ClientType.RESERVATION]), leases=frozenset(claims[ClientType.LEASE]))


def own_address(item: Unplaced, state: ScopeState, claims: Claims) -> IPv4Address | None:
    """The address that the client already has in the scope: its reservation first, else its lease.

    Not where the list claims the address and the client may leave it, nor a lease at an address that is reserved for
    somebody else: neither was asked for, so nothing is taken from others for it.
    """
    reservation, record = state.reservation_of(item.client_id), state.record_of(item.client_id)
    if reservation is not None:
        if reservation.address not in claims.reservations or item.on_conflict is not OnConflict.REPLACE:
            return reservation.address
        if record is not None and record.address == reservation.address:
            return None  # it leaves with its reservation
    if record is None or record.address in claims.leases:
        return None
    holder = state.reservation_at(record.address)
    return record.address if holder is None or holder.client_id == item.client_id else None


def place(item: Unplaced, free: Iterator[IPv4Address], taken: AbstractSet[IPv4Address]) -> Present:
    """Give the client the next of the ``free`` addresses of its scope that no other item of the list has ``taken``.

    Raises ``Conflict`` where there is none.
    """
    for address in free:
        if address not in taken:
            return item.at(address, allocated=True)
    raise Conflict(
        f"Cannot give {item.client_id} an address: scope {item.scope} has no free address. Extend its range, remove "
        "clients that are gone, or name an address with ip_address."
    )


def unused(
    ranges: Iterable[AddressRange], exclusions: Iterable[AddressRange], used: AbstractSet[IPv4Address]
) -> Iterator[IPv4Address]:
    """The addresses of the ranges that are neither excluded nor used, lowest first."""
    excluded = sorted(exclusions, key=lambda span: span.start)
    for span in sorted(ranges, key=lambda span: span.start):
        address = span.start
        while address <= span.end:
            hindrance = next((exclusion for exclusion in excluded if address in exclusion), None)
            if hindrance is not None:
                address = hindrance.end
            elif address not in used:
                yield address
            if address == _LAST:
                return
            address += 1


_LAST = IPv4Address(0xFFFFFFFF)
