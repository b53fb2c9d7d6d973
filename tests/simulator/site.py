# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A site: the scopes, records, accounts and settings that a simulated server starts with.

A site is written in Python, or in YAML with the keys of this collection's playbooks::

    scopes:
      - scope: 10.0.0.0
        prefix_length: 24
        name: Office
        ranges: [{start: 10.0.0.10, end: 10.0.0.250}]
        exclusions: [{start: 10.0.0.100, end: 10.0.0.109}]
        reservations: [{ip_address: 10.0.0.20, mac_address: "00:1c:25:80:a0:43"}]
        records: [{ip_address: 10.0.0.20, mac_address: "00:1c:25:80:a0:43", name: printer, lease_expires: 0}]
    accounts: [{username: dhcp-admin, password: secret, rights: administrators}]
    settings: {exists_code: 20014}

Addresses are integers inside (10.0.0.1 is 0x0A000001); every function here also takes them as text.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import yaml

NEVER = 0x7FFFFFFFFFFFFFFF  # FILETIME of a lease without an end (MS-DHCPM 2.2.1.2.11)
FILETIME_OF_1970 = 116444736000000000
DAY = 24 * 60 * 60

ADDRESS_STATE_ACTIVE = 1
ADDRESS_STATE_DECLINED = 2
ADDRESS_STATE_DOOM = 3
CLIENT_TYPE_DHCP = 0x01
CLIENT_TYPE_NONE = 0x64

RIGHTS = ("none", "users", "administrators")

# The accounts that exist where a site names none. They are made up, and for tests alone.
DEFAULT_DOMAIN = "EXAMPLE"
ADMINISTRATOR = "dhcp-admin"
READER = "dhcp-reader"
NOBODY = "nobody"
DEFAULT_PASSWORD = "Simulated-1"


def address(value: int | str) -> int:
    """An IPv4 address as the number that the protocol carries."""
    return value if isinstance(value, int) else int(ipaddress.IPv4Address(value))


def dotted(value: int) -> str:
    """An IPv4 address for people."""
    return str(ipaddress.IPv4Address(value))


def client_id(value: bytes | str) -> bytes:
    """A client identifier from octets or from any usual spelling of hexadecimal digits."""
    if isinstance(value, bytes):
        return value
    return bytes.fromhex(value.translate({ord(mark): None for mark in ":-."}))


def filetime(value: int | str | datetime) -> int:
    """A FILETIME from itself, from ``never``, or from a time (ISO 8601 with time zone)."""
    if isinstance(value, int):
        return value
    if value == "never":
        return NEVER
    moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)
    elapsed = moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return FILETIME_OF_1970 + (elapsed.days * DAY + elapsed.seconds) * 10_000_000 + elapsed.microseconds * 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Record:
    """A client's record, DHCPv4Client of 3.1.1.2. ``client_id`` is the bare identifier."""

    address: int
    client_id: bytes
    name: str | None = None
    comment: str | None = None
    expires: int = NEVER
    mask: int = 0xFFFFFF00
    owner_address: int = 0
    owner_netbios_name: str | None = None
    client_type: int = CLIENT_TYPE_DHCP
    state: int = ADDRESS_STATE_ACTIVE
    status: int = 0
    probation_ends: int = 0
    quarantine_capable: int = 0
    # Octets that reads return as they are, where a record is to look odd; searching still goes by the identifier.
    shown_id: bytes | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Reservation:
    """A reserved address, DHCPv4Reservation of 3.1.1.6. ``client_id`` is the bare identifier."""

    address: int
    client_id: bytes
    allowed_client_types: int = CLIENT_TYPE_DHCP
    shown_id: bytes | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Range:
    """Addresses from ``start`` to ``end``, both included."""

    start: int
    end: int

    def __contains__(self, value: int) -> bool:
        return self.start <= value <= self.end


@dataclass(frozen=True, kw_only=True)
class ScopeSite:
    """What a scope begins with. ``lease_seconds`` is the lease time that its clients get."""

    subnet: int
    mask: int
    name: str | None = None
    comment: str | None = None
    enabled: bool = True
    lease_seconds: int = 8 * DAY
    ranges: tuple[Range, ...] = ()
    exclusions: tuple[Range, ...] = ()
    reservations: tuple[Reservation, ...] = ()
    records: tuple[Record, ...] = ()

    def __contains__(self, value: int) -> bool:
        return value & self.mask == self.subnet


@dataclass(frozen=True, kw_only=True)
class Account:
    """An account of the server's domain and its rights: none, DHCP Users, or DHCP Administrators."""

    username: str
    password: str = field(repr=False)
    rights: Literal["none", "users", "administrators"] = "administrators"


@dataclass(kw_only=True)
class Settings:
    """Where servers differ, or where the specification can be read in two ways.

    ``exists_code``: what opnum 44 answers where the address or the client is taken. ``id_form``: what reads return as
    a client's hardware address, ``reservation_id_form`` the same for reservations. ``create_outside_range``: whether
    44 takes an address of the ``subnet`` outside the ranges, or demands one inside a ``range``. ``access_denied``: as
    return value or as RPC fault. ``honour_nap``: store the NAP fields as servers before 2016 did. ``set_vq_names``:
    whether opnum 45 stores name and comment. ``remove_unrecognised``: what opnum 39 does with an address that is not
    reserved for the client that it is given: ``delete`` whatever record is there, or ``refuse`` with 20019 where the
    address is reserved for another one. ``*_per_page`` bound a page in addition to the caller's wish.
    """

    exists_code: int = 20013
    id_form: Literal["unique", "bare"] = "unique"
    reservation_id_form: Literal["unique", "bare"] | None = None
    create_outside_range: Literal["subnet", "range"] = "subnet"
    access_denied: Literal["status", "fault"] = "status"
    honour_nap: bool = False
    set_vq_names: bool = True
    remove_unrecognised: Literal["delete", "refuse"] = "delete"
    empty_elements: Literal["success", "no_more_items"] = "success"
    version: tuple[int, int] = (10, 0)
    clients_per_page: int | None = None
    elements_per_page: int | None = None
    subnets_per_page: int | None = None
    max_fragment: int = 5840
    domain: str = DEFAULT_DOMAIN
    dns_domain: str = "example.com"
    netbios_name: str = "DHCP1"
    owner_address: int = 0x7F000001


def default_accounts() -> tuple[Account, ...]:
    """An administrator, a reader and an account without rights."""
    return (
        Account(username=ADMINISTRATOR, password=DEFAULT_PASSWORD, rights="administrators"),
        Account(username=READER, password=DEFAULT_PASSWORD, rights="users"),
        Account(username=NOBODY, password=DEFAULT_PASSWORD, rights="none"),
    )


@dataclass(frozen=True, kw_only=True)
class Site:
    """Everything that a server starts with; one site may start many servers, none of them changes it."""

    scopes: tuple[ScopeSite, ...] = ()
    accounts: tuple[Account, ...] = field(default_factory=default_accounts)
    settings: Settings = field(default_factory=Settings)


def scope(
    subnet: int | str,
    prefix_length: int = 24,
    *,
    ranges: tuple[tuple[str, str], ...] | None = None,
    exclusions: tuple[tuple[str, str], ...] = (),
    **more: Any,
) -> ScopeSite:
    """A scope in one line of a test. Without ``ranges`` it has one from the tenth to the fifth last address."""
    base = address(subnet)
    size = 1 << (32 - prefix_length)
    spans = (
        (Range(start=base + 10, end=base + size - 6),)
        if ranges is None
        else tuple(Range(start=address(start), end=address(end)) for start, end in ranges)
    )
    excluded = tuple(Range(start=address(start), end=address(end)) for start, end in exclusions)
    mask = 0xFFFFFFFF & ~(size - 1)
    return ScopeSite(subnet=base, mask=mask, ranges=spans, exclusions=excluded, **more)


def record(ip: int | str, identifier: bytes | str, **more: Any) -> Record:
    """A record in one line of a test; ``expires`` as ``filetime`` takes it."""
    more["expires"] = filetime(more.get("expires", NEVER))
    return Record(address=address(ip), client_id=client_id(identifier), **more)


def reservation(ip: int | str, identifier: bytes | str, **more: Any) -> Reservation:
    """A reservation in one line of a test."""
    return Reservation(address=address(ip), client_id=client_id(identifier), **more)


def load(source: Site | Mapping[str, Any] | str | Path) -> Site:
    """A site from a site, from a mapping, or from the YAML file at a path. Raises ``ValueError`` for unknown keys."""
    if isinstance(source, Site):
        return source
    if isinstance(source, Mapping):
        return _site(source)
    with open(source, encoding="utf-8") as stream:
        return _site(yaml.safe_load(stream))


def _site(data: Mapping[str, Any]) -> Site:
    # A file that also lists the clients to declare serves as a site: those are the playbook's business.
    _known("site", data, {"scopes", "accounts", "settings", "clients"})
    accounts = data.get("accounts")
    return Site(
        scopes=tuple(_scope(item) for item in data.get("scopes") or ()),
        accounts=default_accounts() if accounts is None else tuple(_account(item) for item in accounts),
        settings=_settings(data.get("settings") or {}),
    )


def _known(what: str, data: Mapping[str, Any], keys: set[str]) -> None:
    unknown = sorted(set(data) - keys)
    if unknown:
        raise ValueError(f"{what}: unknown keys {', '.join(unknown)}")


def _scope(data: Mapping[str, Any]) -> ScopeSite:
    _known(
        "scope",
        data,
        {"scope", "prefix_length", "name", "description", "state", "lease_seconds", "ranges", "exclusions"}
        | {"reservations", "records"},
    )
    mask = 0xFFFFFFFF & ~((1 << (32 - int(data["prefix_length"]))) - 1)
    subnet = address(data["scope"])
    if subnet & ~mask & 0xFFFFFFFF:
        raise ValueError(f"scope {data['scope']}: no subnet address with {data['prefix_length']} bits")
    return ScopeSite(
        subnet=subnet,
        mask=mask,
        name=data.get("name"),
        comment=data.get("description"),
        enabled=data.get("state", "active") == "active",
        lease_seconds=int(data.get("lease_seconds", 8 * DAY)),
        ranges=tuple(_range(item) for item in data.get("ranges") or ()),
        exclusions=tuple(_range(item) for item in data.get("exclusions") or ()),
        reservations=tuple(reservation_from(item) for item in data.get("reservations") or ()),
        records=tuple(record_from(item, mask=mask) for item in data.get("records") or ()),
    )


def _range(data: Mapping[str, Any]) -> Range:
    _known("range", data, {"start", "end"})
    return Range(start=address(data["start"]), end=address(data["end"]))


def _identifier(data: Mapping[str, Any]) -> bytes:
    return client_id(data["client_id"] if "client_id" in data else data["mac_address"])


def reservation_from(data: Mapping[str, Any]) -> Reservation:
    """A reservation from the keys of a YAML or JSON file."""
    _known("reservation", data, {"ip_address", "mac_address", "client_id", "allowed_client_types"})
    return Reservation(
        address=address(data["ip_address"]),
        client_id=_identifier(data),
        allowed_client_types=int(data.get("allowed_client_types", CLIENT_TYPE_DHCP)),
    )


def record_from(data: Mapping[str, Any], *, mask: int) -> Record:
    """A record from the keys of a YAML or JSON file."""
    _known(
        "record",
        data,
        {"ip_address", "mac_address", "client_id", "name", "description", "lease_expires", "client_type"}
        | {"address_state"},
    )
    return Record(
        address=address(data["ip_address"]),
        client_id=_identifier(data),
        name=data.get("name"),
        comment=data.get("description"),
        expires=filetime(data.get("lease_expires", NEVER)),
        mask=mask,
        client_type=int(data.get("client_type", CLIENT_TYPE_DHCP)),
        state=int(data.get("address_state", ADDRESS_STATE_ACTIVE)),
    )


def _account(data: Mapping[str, Any]) -> Account:
    _known("account", data, {"username", "password", "rights"})
    rights = data.get("rights", "administrators")
    if rights not in RIGHTS:
        raise ValueError(f"account {data['username']}: rights {rights!r} are none of {', '.join(RIGHTS)}")
    return Account(username=data["username"], password=data["password"], rights=rights)


def _settings(data: Mapping[str, Any]) -> Settings:
    _known("settings", data, {each.name for each in fields(Settings)})
    values = dict(data)
    if "version" in values:
        major, minor = values["version"]
        values["version"] = (int(major), int(minor))
    return Settings(**values)
