# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""Which clients a scope holds, and what a question about clients means."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address

from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.items import Client
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.model import ClientId, same_name
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.state import ScopeState
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.view import view


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Which clients are asked for: those that have everything that is not None here."""

    scopes: tuple[IPv4Address, ...] | None = None
    address: IPv4Address | None = None
    client_id: ClientId | None = None
    name: str | None = None

    def fits(self, client: Client) -> bool:
        """Whether the client is asked for. The scope is not looked at: only the scopes asked for are read."""
        return (
            self.address in (None, client.address)
            and self.client_id in (None, client.client_id)
            and (self.name is None or same_name(self.name, client.name or ""))
        )


def clients(state: ScopeState) -> Iterator[Client]:
    """Every client of a scope by address: reservations with their record or without one, and leases.

    Where an address is reserved for one client while another one's record is there, both are clients.
    """
    reserved = {reservation.address for reservation in state.reservations}
    for address in sorted(reserved.union(record.address for record in state.records)):
        seen = view(state, address)
        if seen is not None:
            yield seen
        record = state.record_at(address)
        if record is not None and seen is not None and record.client_id != seen.client_id:
            beside = ScopeState(scope=state.scope)
            beside.add_record(record)
            stranger = view(beside, address)
            if stranger is not None:
                yield stranger
