# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""The use cases that read: clients, scopes, and the server itself. Nothing here can write."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any

from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.listing import Question, clients
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.model import Scope
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.render import client_values, scope_values
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.state import ScopeState
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.survey import Survey, count_free
from ansible_collections.msrpc.dhcp.plugins.module_utils._server import DhcpServer

# Product behaviour <32> of MS-DHCPM 3.1.4.29. Versions before 5.5 do not have the calls that this collection needs.
_PRODUCTS = {
    (5, 5): "Windows 2000 Server SP4",
    (5, 6): "Windows Server 2003",
    (5, 7): "Windows Server 2008",
    (6, 1): "Windows Server 2008 R2",
    (6, 2): "Windows Server 2012",
    (6, 3): "Windows Server 2012 R2",
    (10, 0): "Windows Server 2016 or later",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What was found, as users see it. What is not there is not in it; the warnings name scopes that do not exist."""

    found: list[dict[str, Any]]
    warnings: list[str]


def find_clients(server: DhcpServer, question: Question) -> Listing:
    """The clients that a question asks for, by scope and address. Raises ``DhcpError`` where reading fails."""
    scopes, warnings = _scopes(server, question.scopes, question.address)
    found = [
        client_values(client)
        for scope in scopes
        for client in clients(_read(server, scope, question))
        if question.fits(client)
    ]
    return Listing(found=found, warnings=warnings)


def survey_scopes(server: DhcpServer, scopes: tuple[IPv4Address, ...] | None) -> Listing:
    """These scopes, or all. Raises ``DhcpError`` where reading fails."""
    existing, warnings = _scopes(server, scopes, None)
    return Listing(found=[scope_values(_survey(server, scope)) for scope in existing], warnings=warnings)


def describe_server(server: DhcpServer) -> dict[str, Any]:
    """Version, logon and right to read. Raises ``DhcpError`` where the server cannot be reached or logged on to."""
    major, minor = server.version()
    mechanism = server.mechanism()
    refusal = server.refusal()
    return {
        "reachable": True,
        "version": {"major": major, "minor": minor, "product": _PRODUCTS.get((major, minor))},
        "mechanism": mechanism,
        "without_kerberos": server.without_kerberos(),
        "can_read": refusal is None,
        "read_error": refusal,
    }


def _scopes(
    server: DhcpServer, wanted: tuple[IPv4Address, ...] | None, address: IPv4Address | None
) -> tuple[list[Scope], list[str]]:
    """The scopes that can have what is asked for, and a sentence about each that does not exist."""
    asked = _candidates(server, address) if wanted is None else sorted(set(wanted))
    scopes, warnings = [], []
    for subnet in asked:
        scope = server.scope(subnet)
        if scope is not None:
            if address is None or address in scope.network:
                scopes.append(scope)
        elif wanted is not None:
            warnings.append(f"The server has no scope {subnet}. Check scope; dhcp_scope_info lists those that it has.")
    return scopes, warnings


def _candidates(server: DhcpServer, address: IPv4Address | None) -> list[IPv4Address]:
    """All scopes of the server; of an address the one that can have it: subnets do not overlap."""
    known = server.scope_addresses()
    if address is None:
        return known
    below = bisect_right(known, address)
    return known[:below][-1:]


def _read(server: DhcpServer, scope: Scope, question: Question) -> ScopeState:
    """The scope's reservations, and its records: of one client by a look-up, else by one walk."""
    state = ScopeState(scope=scope)
    for reservation in server.reservations(scope):
        state.add_reservation(reservation)
    if question.address is not None:
        record = server.record_at(scope, question.address)
        records = [] if record is None else [record]
    elif question.client_id is not None:
        record = server.record_of(scope, question.client_id)
        records = [] if record is None else [record]
    else:
        records = list(server.records(scope))
    for record in records:
        state.add_record(record)
    return state


def _survey(server: DhcpServer, scope: Scope) -> Survey:
    ranges, exclusions = server.ranges(scope), server.exclusions(scope)
    reserved = [reservation.address for reservation in server.reservations(scope)]
    recorded = [record.address for record in server.records(scope)]
    return Survey(
        scope=scope,
        ranges=ranges,
        exclusions=exclusions,
        records=len(recorded),
        reservations=len(reserved),
        free=count_free(ranges, exclusions, {*reserved, *recorded}),
        failover=server.failover(scope),
    )
