# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""What goes into a plan and what comes out: declared clients, and the decision about each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Address
from typing import TypeAlias

from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.model import (
    AddressState,
    ClientId,
    ClientType,
    Expiry,
    NamePolicy,
    OptionValues,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.state import Step
from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import DhcpError

Holding: TypeAlias = "tuple[IPv4Address, ClientId]"  # an address, and the client that has it


class Conflict(DhcpError):
    """What is declared cannot be had without touching what belongs to somebody else, or is ambiguous."""


class OnConflict(Enum):
    """What may be removed for a declared client."""

    FAIL = "fail"
    EVICT_LEASE = "evict_lease"
    REPLACE = "replace"


class Action(Enum):
    """What happens to a client, or would happen."""

    CREATED = "created"
    UPDATED = "updated"
    REPLACED = "replaced"
    MOVED = "moved"
    REMOVED = "removed"
    NONE = "none"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """A client that is to be there. ``option`` is its place in the input, for messages; None is "not given".

    ``options`` and ``allowed_types`` are what its reservation takes over from another one. ``may_free`` narrows
    ``on_conflict`` to certain holders, once a first plan has named them: whoever comes later is not removed.
    """

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
    on_conflict: OnConflict = OnConflict.FAIL
    options: OptionValues | None = None
    allowed_types: int | None = None
    may_free: frozenset[Holding] | None = None
    allocated: bool = False

    def policy(self, holding: Holding) -> OnConflict:
        """What may be done about this holder."""
        if self.may_free is None or holding in self.may_free:
            return self.on_conflict
        return OnConflict.FAIL


@dataclass(frozen=True, slots=True, kw_only=True)
class Unplaced:
    """A client that is to be there, at an address that is still to be found."""

    index: int
    option: str = ""
    scope: IPv4Address
    client_id: ClientId
    name: str | None = None
    description: str | None = None
    name_policy: NamePolicy = NamePolicy.ALWAYS
    type: ClientType = ClientType.RESERVATION
    expires: Expiry | None = None
    on_conflict: OnConflict = OnConflict.FAIL

    @property
    def address(self) -> None:
        """None as yet."""
        return None

    @classmethod
    def of(cls, item: Present) -> Unplaced:
        """The same client, without its address."""
        return cls(
            index=item.index,
            option=item.option,
            scope=item.scope,
            client_id=item.client_id,
            name=item.name,
            description=item.description,
            name_policy=item.name_policy,
            type=item.type,
            expires=item.expires,
            on_conflict=item.on_conflict,
        )

    def at(self, address: IPv4Address, *, allocated: bool = False) -> Present:
        """The same client, at an address."""
        return Present(
            index=self.index,
            option=self.option,
            scope=self.scope,
            address=address,
            client_id=self.client_id,
            name=self.name,
            description=self.description,
            name_policy=self.name_policy,
            type=self.type,
            expires=self.expires,
            on_conflict=self.on_conflict,
            allocated=allocated,
        )


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


Item: TypeAlias = "Present | Unplaced | Absent"


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
    """The decision about one item: either ``error`` or steps, which may be none.

    ``frees`` remove what is in the way, for this item or another one of the list: all of them come before all
    ``builds``. ``settled`` is the item with what it takes over, for planning it again. ``unread`` are the reservations
    whose option values have to be read before anything is removed.
    """

    item: Item
    settled: Item
    action: Action = Action.NONE
    frees: tuple[Step, ...] = ()
    builds: tuple[Step, ...] = ()
    before: Client | None = None
    after: Client | None = None
    displaced: tuple[Client, ...] = ()
    pending: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    unread: tuple[IPv4Address, ...] = ()
    error: Conflict | None = None

    @property
    def steps(self) -> tuple[Step, ...]:
        return self.frees + self.builds
