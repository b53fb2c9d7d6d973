# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""Reading what a plan needs, and no more: keyed look-ups for few clients of a scope, one walk for many."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from ipaddress import IPv4Address

from ansible_collections.msrpc.dhcp.plugins.module_utils._crew import Crew
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.allocate import Claims, own_address, place, unused
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.desired import Declaration, relevant_scopes
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.items import (
    Absent,
    Conflict,
    Item,
    Present,
    Unplaced,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.model import AddressRange, ClientType, Scope
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.state import ScopeState
from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import DhcpError, NotSupported
from ansible_collections.msrpc.dhcp.plugins.module_utils._server import DhcpServer

# From this many clients of a scope on, one walk of the scope is cheaper than two look-ups for each.
WALK_FROM = 20


def read_scopes(server: DhcpServer, declarations: Sequence[Declaration]) -> dict[IPv4Address, Scope]:
    """The scopes concerned. The list of all is read only where some item does not name its scope."""
    known: list[IPv4Address] = []
    if any(declaration.scope is None for declaration in declarations):
        known = server.scope_addresses()
    found = (server.scope(address) for address in relevant_scopes(declarations, known))
    return {scope.address: scope for scope in found if scope is not None}


class Reader:
    """Reads the state of scopes, afresh each time; only their ranges, which do not change, are kept."""

    def __init__(self, crew: Crew, scopes: dict[IPv4Address, Scope]) -> None:
        self.crew = crew
        self.server = crew.server
        self.scopes = scopes
        self._ranges: dict[IPv4Address, tuple[AddressRange, ...]] = {}

    def read(self, items: Sequence[Item]) -> dict[IPv4Address, ScopeState]:
        """Everything that planning these items needs. Several scopes are walked at once."""
        per_scope: dict[IPv4Address, list[Item]] = {}
        for item in items:
            for address in self.scopes if item.scope is None else (item.scope,):
                per_scope.setdefault(address, []).append(item)
        site = {address: ScopeState(scope=self.scopes[address]) for address in per_scope}
        jobs = [partial(self._read_scope, state=site[address], items=group) for address, group in per_scope.items()]
        if sum(len(group) >= WALK_FROM for group in per_scope.values()) > 1:
            self.crew.run(jobs)
        else:
            for job in jobs:
                job(self.server)
        return site

    def _read_scope(self, server: DhcpServer, *, state: ScopeState, items: Sequence[Item]) -> None:
        for reservation in server.reservations(state.scope):
            state.add_reservation(reservation)
        if len(items) < WALK_FROM:
            for item in items:
                _look_up(server, item, state)
        else:
            _walk(server, items, state)
        if any(_needs_ranges(item, state) for item in items):
            state.ranges = self._ranges_of(state.scope, server)
        for item in items:
            if isinstance(item, Present) and item.options and state.reservation_at(item.address) is not None:
                state.options[item.address] = server.options(state.scope, item.address)

    def _ranges_of(self, scope: Scope, server: DhcpServer) -> tuple[AddressRange, ...]:
        if scope.address not in self._ranges:
            self._ranges[scope.address] = server.ranges(scope)
        return self._ranges[scope.address]

    # --- free addresses -----------------------------------------------------------------------------------------------

    def free_addresses(self, state: ScopeState) -> Iterator[IPv4Address]:
        """Addresses of a scope that nobody has, lowest first, as far as can be seen: only a create tells for certain.

        A server since Windows Server 2012 is asked, whose answer may have addresses that a record still blocks. Before
        that the scope's own lists tell.
        """
        reserved = {reservation.address for reservation in state.reservations}
        try:
            for address in self.server.free_addresses(state.scope):
                if address not in reserved and self.server.record_at(state.scope, address) is None:
                    yield address
        except NotSupported:
            used = reserved | {record.address for record in self.server.records(state.scope)}
            yield from unused(self._ranges_of(state.scope, self.server), self.server.exclusions(state.scope), used)

    def handed_out(self, scope: Scope, addresses: Iterable[IPv4Address]) -> Iterator[IPv4Address]:
        """Those of the addresses that are in a range of the scope and not excluded, lowest first."""
        exclusions: tuple[AddressRange, ...] | None = None
        for address in sorted(addresses):
            exclusions = self.server.exclusions(scope) if exclusions is None else exclusions
            if any(address in span for span in self._ranges_of(scope, self.server)) and not any(
                address in span for span in exclusions
            ):
                yield address


def _look_up(server: DhcpServer, item: Item, state: ScopeState) -> None:
    """By address and by identifier; the latter only where the former did not find the client already."""
    reservation = None if item.client_id is None else state.reservation_of(item.client_id)
    addresses = {item.address, None if reservation is None else reservation.address}
    for address in sorted(address for address in addresses if address is not None):
        record = server.record_at(state.scope, address)
        if record is not None:
            state.add_record(record)
    if item.client_id is not None and state.record_of(item.client_id) is None:
        record = server.record_of(state.scope, item.client_id)
        if record is not None:
            state.add_record(record)


def _walk(server: DhcpServer, items: Sequence[Item], state: ScopeState) -> None:
    """One walk; of its records only those are kept that an item asks for."""
    addresses = {item.address for item in items}
    identifiers = {item.client_id for item in items}
    for client_id in identifiers:
        reservation = None if client_id is None else state.reservation_of(client_id)
        if reservation is not None:
            addresses.add(reservation.address)
    for record in server.records(state.scope):
        if record.address in addresses or record.client_id in identifiers:
            state.add_record(record)


class Allocator:
    """Gives addresses to clients that were declared without one. No address is given twice."""

    def __init__(self, reader: Reader, items: Sequence[Item], site: Mapping[IPv4Address, ScopeState]) -> None:
        self._reader = reader
        self._site = site
        self._named = {item.address for item in items if item.address is not None}
        self._claims = Claims.of(items)
        self._taken = {item.address for item in items if isinstance(item, Present)}
        self._free: dict[IPv4Address, Iterator[IPv4Address]] = {}
        self._freed: Mapping[IPv4Address, Iterable[IPv4Address]] = {}

    def offer(self, freed: Mapping[IPv4Address, Iterable[IPv4Address]]) -> None:
        """Also give out what the list itself frees, by scope: last, since a machine may still be using it."""
        self._freed = freed

    def own_address(self, item: Unplaced, state: ScopeState) -> IPv4Address | None:
        """The address that the client has already, in its scope as just read."""
        return own_address(item, state, self._claims)

    def place(self, item: Unplaced) -> Present:
        """The client at the next free address of its scope. Raises ``Conflict`` where there is none."""
        try:
            placed = place(item, self._free.setdefault(item.scope, self._candidates(item.scope)), self._taken)
        except Conflict:
            raise
        except DhcpError:
            del self._free[item.scope]  # what is left of it would look like a full scope
            raise
        self._taken.add(placed.address)
        return placed

    def _candidates(self, address: IPv4Address) -> Iterator[IPv4Address]:
        state = self._site[address]
        yield from (free for free in self._reader.free_addresses(state) if free not in self._named)
        yield from self._reader.handed_out(state.scope, self._freed.get(address, ()))


def _needs_ranges(item: Item, state: ScopeState) -> bool:
    """Whether the item may have to be reserved, or reserved again; another's reservation may go by the same list."""
    if isinstance(item, Absent):
        return False
    reservation = None if item.address is None else state.reservation_at(item.address)
    record = None if item.address is None else state.record_at(item.address)
    if item.type is ClientType.LEASE:
        return reservation is not None or (record is not None and record.client_id != item.client_id)
    entries = (reservation, record or reservation)
    return any(entry is None or entry.client_id != item.client_id for entry in entries)
