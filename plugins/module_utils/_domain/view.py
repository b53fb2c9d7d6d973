# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""What users see at an address."""

from __future__ import annotations

from ipaddress import IPv4Address

from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.items import Client
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.model import ClientType, Record
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.state import ScopeState


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
    return None if record is None else lease_view(state, record)


def lease_view(state: ScopeState, record: Record) -> Client:
    """A record by itself, whoever its address is reserved for."""
    return Client(
        scope=state.scope.address,
        address=record.address,
        client_id=record.client_id,
        type=ClientType.LEASE,
        name=record.name,
        description=record.description,
        lease_expires=None if record.expires.is_unset else record.expires,
        address_state=None if record.is_usable else record.state,
    )
