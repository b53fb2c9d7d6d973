# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""What a user declared, and what becomes of it once the server's scopes are known."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address

from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.items import (
    Absent,
    Item,
    OnConflict,
    Present,
    Unplaced,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.model import (
    ClientId,
    ClientType,
    Expiry,
    NamePolicy,
    Scope,
    State,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import InvalidInput

# A subnet of two addresses or one has neither network nor broadcast address (RFC 3021).
_NO_BROADCAST_FROM = 31


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """One client as declared, its values parsed. ``place`` is put before the option's name in messages."""

    index: int
    place: str = ""
    state: State = State.PRESENT
    type: ClientType = ClientType.RESERVATION
    scope: IPv4Address | None = None
    address: IPv4Address | None = None
    client_id: ClientId | None = None
    name: str | None = None
    description: str | None = None
    name_policy: NamePolicy = NamePolicy.ALWAYS
    expires: Expiry | None = None
    on_conflict: OnConflict = OnConflict.FAIL
    is_over: bool = False  # expires is in the past, which only what the server has already may be

    def __post_init__(self) -> None:
        """Refuse what cannot be meant, whatever the server has."""
        if self.state is State.PRESENT:
            if self.client_id is None:
                raise InvalidInput(
                    f"{self.place}mac_address",
                    None,
                    "state=present needs mac_address or client_id, to know the client.",
                )
            if self.address is None and self.scope is None:
                raise InvalidInput(
                    f"{self.place}ip_address",
                    None,
                    "state=present needs ip_address, or scope for a free address of that scope.",
                )
        elif self.client_id is None and self.address is None:
            raise InvalidInput(
                f"{self.place}ip_address", None, "state=absent needs one of ip_address, mac_address and client_id."
            )
        if self.expires is not None and self.type is ClientType.RESERVATION:
            raise InvalidInput(
                f"{self.place}lease_expires",
                str(self.expires),
                "a reservation does not expire. Leave it out, or declare type=lease.",
            )


def relevant_scopes(declarations: Iterable[Declaration], known: Sequence[IPv4Address]) -> list[IPv4Address]:
    """Which of the server's scopes have to be read. ``known`` is ascending: all subnet addresses of the server.

    Subnets do not overlap, so the one that can have an address is the last that begins at or below it.
    """
    wanted: set[IPv4Address] = set()
    for declaration in declarations:
        if declaration.scope is not None:
            wanted.add(declaration.scope)
        elif declaration.address is None:
            return list(known)
        else:
            below = _last_not_above(declaration.address, known)
            if below is not None:
                wanted.add(below)
    return sorted(wanted)


def resolve(declarations: Sequence[Declaration], scopes: Mapping[IPv4Address, Scope]) -> list[Item]:
    """Give each declaration its scope. Raises ``InvalidInput`` for what the scopes show to be wrong."""
    known = sorted(scopes)
    items = [_resolved(declaration, scopes, known) for declaration in declarations]
    _refuse_same_address(items)
    _refuse_same_client(items)
    return items


def _last_not_above(address: IPv4Address, known: Sequence[IPv4Address]) -> IPv4Address | None:
    position = bisect_right(known, address)
    return known[position - 1] if position else None


def _resolved(declaration: Declaration, scopes: Mapping[IPv4Address, Scope], known: Sequence[IPv4Address]) -> Item:
    scope = _scope_of(declaration, scopes, known)
    if declaration.state is State.ABSENT or declaration.client_id is None:
        return Absent(
            index=declaration.index,
            option=declaration.place,
            scope=scope,
            address=declaration.address,
            client_id=declaration.client_id,
            type=declaration.type,
        )
    if scope is None:
        raise LookupError(f"no scope for {declaration.address}")  # _scope_of has refused that
    wanted = Unplaced(
        index=declaration.index,
        option=declaration.place,
        scope=scope,
        client_id=declaration.client_id,
        name=declaration.name,
        description=declaration.description,
        name_policy=declaration.name_policy,
        type=declaration.type,
        expires=declaration.expires,
        on_conflict=declaration.on_conflict,
    )
    return wanted if declaration.address is None else wanted.at(declaration.address)


def _scope_of(
    declaration: Declaration, scopes: Mapping[IPv4Address, Scope], known: Sequence[IPv4Address]
) -> IPv4Address | None:
    place, address, wanted = declaration.place, declaration.address, declaration.scope
    if wanted is not None and wanted not in scopes:
        raise InvalidInput(
            f"{place}scope",
            str(wanted),
            "the server has no such scope. A scope is named by its subnet address, such as '10.0.0.0'.",
        )
    if address is None:
        return wanted
    if wanted is None:
        wanted = _last_not_above(address, known)
    if wanted is None or (declaration.scope is None and address not in scopes[wanted].network):
        raise InvalidInput(
            f"{place}ip_address",
            str(address),
            "the address is in no scope of the server. Check it, or add its scope there first.",
        )
    network = scopes[wanted].network
    if address not in network:
        raise InvalidInput(
            f"{place}ip_address",
            str(address),
            f"the address is outside scope {wanted} ({network}). Correct one of the two, or leave scope out.",
        )
    if network.prefixlen < _NO_BROADCAST_FROM and address in (network.network_address, network.broadcast_address):
        kind = "network" if address == network.network_address else "broadcast"
        raise InvalidInput(
            f"{place}ip_address",
            str(address),
            f"is the {kind} address of scope {wanted} ({network}), which no client can have. Choose another one.",
        )
    return wanted


def _refuse_same_address(items: Sequence[Item]) -> None:
    """The same address twice; but one item may free it and one may take it."""
    seen: dict[tuple[IPv4Address, bool], Item] = {}
    for item in items:
        if item.address is None:
            continue
        first = seen.setdefault((item.address, isinstance(item, Present)), item)
        if first is not item:
            raise InvalidInput(
                f"{item.option}ip_address",
                str(item.address),
                f"is in the list twice: also in {first.option[:-1]}. Leave one of the two out.",
            )


def _refuse_same_client(items: Sequence[Item]) -> None:
    """The same client twice in a scope; one that is absent without scope counts for every scope."""
    seen: dict[ClientId, list[Item]] = {}
    for item in items:
        if item.client_id is None:
            continue
        for first in seen.setdefault(item.client_id, []):
            if item.scope is None or first.scope is None or item.scope == first.scope:
                option = "mac_address" if item.client_id.mac else "client_id"
                raise InvalidInput(
                    f"{item.option}{option}",
                    str(item.client_id),
                    f"is in the list twice for one scope: also in {first.option[:-1]}. Leave one of the two out.",
                )
        seen[item.client_id].append(item)
