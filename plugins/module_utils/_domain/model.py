# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""Values of the field: addresses, client identifiers, expiries, scopes, records, reservations.

All are normalised and valid from birth, so that comparing them is ``==``. No I/O and no clock. Those that come by the
hundred thousand are named tuples, which take a fifth of the time of other frozen classes to make, hash and compare.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from ipaddress import IPv4Address, IPv4Network
from typing import Any, NamedTuple

from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import InvalidInput

_MAC_FORMS = re.compile(
    r"(?:[0-9a-f]{2}(?::[0-9a-f]{2}){5}|[0-9a-f]{2}(?:-[0-9a-f]{2}){5}|[0-9a-f]{4}(?:\.[0-9a-f]{4}){2}|[0-9a-f]{12})",
    re.IGNORECASE | re.ASCII,
)
_HEX_FORMS = re.compile(
    r"[0-9a-f]+|[0-9a-f]{2}(?::[0-9a-f]{2})+|[0-9a-f]{2}(?:-[0-9a-f]{2})+", re.IGNORECASE | re.ASCII
)
_SEPARATORS = re.compile(r"[:.\-]")
_MAC_LENGTH = 6

# The fifth octet of a client unique id (MS-DHCPM 2.2.1.2.5.2): the hardware type, which is always 1.
_HARDWARE_TYPE = b"\x01"
_PREFIX_LENGTH = 5

# bAllowedClientTypes of a reservation (MS-DHCPM 2.2.1.2.32): clients that speak DHCP.
DHCP_CLIENTS = 1

_FILETIME_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
_TICKS_PER_MICROSECOND = 10
_FILETIME_UNSET = 0
_FILETIME_NEVER = 0x7FFFFFFF_FFFFFFFF


class ClientType(Enum):
    """What a record is to its client: held by a reservation, or a lease alone."""

    RESERVATION = "reservation"
    LEASE = "lease"


class State(Enum):
    PRESENT = "present"
    ABSENT = "absent"


class NamePolicy(Enum):
    """When a name that differs from the declared one is set right."""

    ALWAYS = "always"
    ON_CREATE = "on_create"


class AddressState(Enum):
    """Bits 0 and 1 of a record's AddressState (MS-DHCPM 2.2.1.2.19)."""

    OFFERED = 0
    ACTIVE = 1
    DECLINED = 2
    DOOMED = 3


class ClientId(NamedTuple):
    """A DHCPv4 client-identifier in its bare form (MS-DHCPM 2.2.1.2.5.1): for most clients the 6 octets of the MAC."""

    octets: bytes

    @classmethod
    def parse_mac(cls, text: str, option: str = "mac_address") -> ClientId:
        """A MAC in any of its usual four forms. Raises ``InvalidInput`` that names ``option``."""
        stripped = text.strip()
        if not _MAC_FORMS.fullmatch(stripped):
            raise InvalidInput(
                option,
                text,
                "is no MAC address. Write its 6 octets in hexadecimal, quoted, such as '00:1c:25:80:a0:43', "
                "'00-1C-25-80-A0-43', '001c.2580.a043' or '001c2580a043'.",
            )
        return cls(bytes.fromhex(_SEPARATORS.sub("", stripped)))

    @classmethod
    def parse_hex(cls, text: str, option: str = "client_id") -> ClientId:
        """A client identifier in hexadecimal. Raises ``InvalidInput`` that names ``option``."""
        stripped = text.strip()
        if not stripped:
            raise InvalidInput(
                option, text, "is empty. Write the client identifier in hexadecimal, two digits an octet."
            )
        digits = _SEPARATORS.sub("", stripped)
        if not _HEX_FORMS.fullmatch(stripped):
            raise InvalidInput(
                option, text, "is not hexadecimal. Write the client identifier as hexadecimal digits, two an octet."
            )
        if len(digits) % 2:
            raise InvalidInput(
                option,
                text,
                f"has an odd number of hexadecimal digits ({len(digits)}). Write two for each octet, with "
                "leading zeros.",
            )
        return cls(bytes.fromhex(digits))

    @property
    def hex(self) -> str:
        return self.octets.hex()

    @property
    def mac(self) -> str | None:
        """The MAC as ``aa:bb:cc:dd:ee:ff``; None where the identifier is not 6 octets long."""
        return self.octets.hex(":") if len(self.octets) == _MAC_LENGTH else None

    def __str__(self) -> str:
        return self.mac or self.hex or "(empty)"

    def unique_id(self, scope: IPv4Address) -> bytes:
        """The client unique id (MS-DHCPM 2.2.1.2.5.2): the form that searches need and that most reads return."""
        return scope.packed[::-1] + _HARDWARE_TYPE + self.octets

    @classmethod
    def from_wire(cls, octets: bytes | None, scope: IPv4Address) -> ClientId:
        """The identifier of a record of ``scope``, which servers return with or without the unique id's prefix.

        Only the prefix of that very scope is taken off: an 11 octet identifier may look alike.
        """
        octets = octets or b""
        if octets[:_PREFIX_LENGTH] == scope.packed[::-1] + _HARDWARE_TYPE:
            octets = octets[_PREFIX_LENGTH:]
        return cls(octets)


class Expiry(NamedTuple):
    """When a lease ends, as the FILETIME that the server keeps (100 ns since 1601, UTC)."""

    filetime: int

    @classmethod
    def parse(cls, text: str, *, now: datetime | None, option: str = "lease_expires") -> Expiry:
        """``never`` or a time in ISO 8601 with its zone, later than ``now`` if given. Raises ``InvalidInput``."""
        stripped = text.strip()
        if stripped.lower() == "never":
            return NEVER
        try:
            moment = datetime.fromisoformat(stripped)
        except ValueError:
            raise InvalidInput(
                option, text, "is neither 'never' nor a time in ISO 8601 such as '2030-01-31T12:00:00Z'."
            ) from None
        if moment.tzinfo is None:
            raise InvalidInput(
                option, text, "has no time zone. Write UTC with a 'Z' at the end: '2030-01-31T12:00:00Z'."
            )
        expiry = cls((moment - _FILETIME_EPOCH) // timedelta(microseconds=1) * _TICKS_PER_MICROSECOND)
        if now is not None and not expiry.is_after(now):
            raise past_expiry(text, option)
        return expiry

    def is_after(self, moment: datetime) -> bool:
        """Whether the lease still runs at that moment."""
        return self.filetime > (moment - _FILETIME_EPOCH) // timedelta(microseconds=1) * _TICKS_PER_MICROSECOND

    @property
    def is_unset(self) -> bool:
        """No expiry at all: what a record has that was made for a reservation and never leased."""
        return self.filetime == _FILETIME_UNSET

    def __str__(self) -> str:
        """ISO 8601 in UTC, to the second; ``never``; or the bare number where no calendar reaches."""
        if self.filetime == _FILETIME_NEVER:
            return "never"
        try:
            moment = _FILETIME_EPOCH + timedelta(microseconds=self.filetime // _TICKS_PER_MICROSECOND)
        except OverflowError:
            return f"filetime {self.filetime}"
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def past_expiry(text: str, option: str) -> InvalidInput:
    """What is wrong with declaring a time that has passed."""
    return InvalidInput(option, text, "is in the past. Give a future time, or 'never'.")


NEVER = Expiry(_FILETIME_NEVER)
UNSET = Expiry(_FILETIME_UNSET)


@dataclass(frozen=True, slots=True)
class AddressRange:
    """A range of a scope, both ends included."""

    start: IPv4Address
    end: IPv4Address

    def __contains__(self, address: IPv4Address) -> bool:
        return self.start <= address <= self.end


class ScopeStatus(Enum):
    """DHCP_SUBNET_STATE (MS-DHCPM 2.2.1.1.2); the numbers are the protocol's."""

    ENABLED = 0
    DISABLED = 1
    ENABLED_SWITCHED = 2
    DISABLED_SWITCHED = 3
    INVALID = 4

    @classmethod
    def of(cls, number: int) -> ScopeStatus:
        """The state of that number; one that the specification does not know is invalid."""
        try:
            return cls(number)
        except ValueError:
            return cls.INVALID


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """A scope of the server: its subnet, what people said about it, and whether it hands out addresses."""

    network: IPv4Network
    name: str = ""
    description: str = ""
    status: ScopeStatus = ScopeStatus.ENABLED

    @property
    def address(self) -> IPv4Address:
        """The subnet address, by which the protocol names a scope."""
        return self.network.network_address

    @property
    def is_enabled(self) -> bool:
        """Whether the server gives addresses of this scope to clients."""
        return self.status in (ScopeStatus.ENABLED, ScopeStatus.ENABLED_SWITCHED)

    def __str__(self) -> str:
        return str(self.address)


class FailoverMode(Enum):
    """DHCP_FAILOVER_MODE (MS-DHCPM 2.2.1.1.18)."""

    LOAD_BALANCE = 0
    HOT_STANDBY = 1


class FailoverRole(Enum):
    """DHCP_FAILOVER_SERVER (MS-DHCPM 2.2.1.1.19)."""

    PRIMARY = 0
    SECONDARY = 1


class FailoverState(Enum):
    """FSM_STATE (MS-DHCPM 2.2.1.1.20)."""

    NO_STATE = 0
    INIT = 1
    STARTUP = 2
    NORMAL = 3
    COMMUNICATION_INTERRUPTED = 4
    PARTNER_DOWN = 5
    POTENTIAL_CONFLICT = 6
    CONFLICT_DONE = 7
    RESOLUTION_INTERRUPTED = 8
    RECOVER = 9
    RECOVER_WAIT = 10
    RECOVER_DONE = 11


@dataclass(frozen=True, slots=True, kw_only=True)
class Failover:
    """The failover relationship of a scope, seen from the server that was asked; ``percentage`` is the primary's share.

    ``mode``, ``role`` and ``state`` are None where the server gave a number that the specification does not know.
    """

    name: str
    partner: str
    partner_address: IPv4Address
    role: FailoverRole | None
    mode: FailoverMode | None
    state: FailoverState | None
    percentage: int


class Record(NamedTuple):
    """A client record of the server's database, whether or not a reservation holds it."""

    address: IPv4Address
    client_id: ClientId
    name: str = ""
    description: str = ""
    expires: Expiry = UNSET
    state: AddressState = AddressState.ACTIVE

    @property
    def is_usable(self) -> bool:
        """False for an address that a client declined, and for a record that the server is about to delete."""
        return self.state in (AddressState.OFFERED, AddressState.ACTIVE)


class Reservation(NamedTuple):
    """An entry of a scope's list of reserved addresses: it alone tells whether a record is reserved."""

    address: IPv4Address
    client_id: ClientId
    allowed_types: int = DHCP_CLIENTS


@dataclass(frozen=True, slots=True)
class OptionValues:
    """The option values of a reservation: entries that the gateway reads and writes and nobody else looks into.

    ``shown`` are the same for people. False if there are none.
    """

    entries: tuple[Hashable, ...] = ()
    shown: tuple[dict[str, Any], ...] = field(default=(), compare=False)

    def __bool__(self) -> bool:
        return bool(self.entries)


def parse_address(text: str, option: str) -> IPv4Address:
    """An IPv4 address as dotted quad. Raises ``InvalidInput`` that names ``option``."""
    try:
        return IPv4Address(text.strip())
    except ValueError:
        raise InvalidInput(option, text, "is no IPv4 address. Write it as four decimal numbers: '10.0.0.42'.") from None


def parse_text(text: str, option: str) -> str:
    """A name or description that the protocol can carry. Raises ``InvalidInput`` that names ``option``."""
    if "\0" in text:
        raise InvalidInput(option, text, "contains a NUL character, which ends a string for the server. Remove it.")
    try:
        text.encode("utf-16-le")
    except UnicodeEncodeError:
        raise InvalidInput(
            option, text, "contains a broken character (half of a surrogate pair of UTF-16). Remove it."
        ) from None
    return text


def same_name(declared: str, stored: str) -> bool:
    """Whether ``stored`` is the declared host name: without case, and a name without a dot may have got a domain."""
    left, right = declared.casefold(), stored.casefold()
    return left == right or ("." not in left and left != "" and right.startswith(f"{left}."))
