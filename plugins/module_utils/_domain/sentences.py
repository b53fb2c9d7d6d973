# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""Records and reservations in words, as a conflict has to name them: holder, kind, state and expiry."""

from __future__ import annotations

from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.items import Conflict
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.model import Record, Reservation
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.state import ScopeState


def lease_text(record: Record, *, with_client: bool = True) -> str:
    """A record that no reservation holds."""
    holder = ""
    if with_client:
        holder = f" of {record.client_id}" + (f" ({record.name})" if record.name else "")
    expiry = "without expiry" if record.expires.is_unset else f"expires {record.expires}"
    article = "the lease" if with_client else "a lease"
    return f"{article}{holder} (state {record.state.name.lower()}, {expiry})"


def reservation_text(state: ScopeState, holder: Reservation) -> str:
    """A reservation, with the record at its address."""
    record = state.record_at(holder.address)
    if record is None:
        return f"reserved for {holder.client_id} (no record yet)"
    if record.client_id != holder.client_id:
        return f"reserved for {holder.client_id}, while {lease_text(record)} is there"
    name = f" ({record.name})" if record.name else ""
    return f"reserved for {holder.client_id}{name}, {standing(record)}"


def standing(record: Record) -> str:
    """State and expiry of a reserved client's record."""
    lease = "never leased" if record.expires.is_unset else f"leased until {record.expires}"
    return f"state {record.state.name.lower()}, {lease}"


def foreign_record(state: ScopeState, reservation: Reservation, record: Record, what: str) -> Conflict:
    """A reservation that cannot go, since another client's record lies at its address."""
    return Conflict(
        f"Cannot {what} the reservation of {reservation.client_id} at {reservation.address} in scope {state.scope}: "
        f"{lease_text(record)} lies at that address, and removing the reservation could change or delete it. "
        "Remove that lease first, or wait until it is gone."
    )
