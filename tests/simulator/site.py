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
        reservations:
          - ip_address: 10.0.0.20
            mac_address: "00:1c:25:80:a0:43"
            options:
              - {id: 66, type: string, values: [boot.example.com]}
              - {id: 43, type: binary, values: ["0104c0000201"], user_class: Default BOOTP Class}
              - {id: 1, type: dword, values: [1], vendor_class: Microsoft Options}
        records: [{ip_address: 10.0.0.20, mac_address: "00:1c:25:80:a0:43", name: printer, lease_expires: 0}]
    classes: [Thin clients]
    option_definitions: [{id: 150}, {id: 1, vendor_class: Thin clients}]
    failover:
      - name: dhcp1-dhcp2
        mode: load_balance
        server_type: primary
        primary_server: 192.0.2.1
        primary_server_name: dhcp1.example.com
        secondary_server: 192.0.2.2
        secondary_server_name: dhcp2.example.com
        scopes: [10.0.0.0]
    accounts: [{username: dhcp-admin, password: secret, rights: administrators}]
    settings: {exists_code: 20014}

Addresses are integers inside (10.0.0.1 is 0x0A000001); every function here also takes them as text.

An option's ``type`` is a key of ``OPTION_TYPES``; octets are quoted hexadecimal digits, a DWORD_DWORD is one number.
Instead of ``type`` and ``values`` it may have ``elements: [{type: byte, value: 1}, ...]``. ``vendor`` says whether
reads list it as a vendor's option; left out, it is one if it names a vendor class. Classes and options that a site
uses are defined on its server; ``classes`` and ``option_definitions`` define others, beside those of every server.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import yaml

from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc import failover_structs, option_structs
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.option_structs import DHCP_OPTION_DATA_ELEMENT

NEVER = 0x7FFFFFFFFFFFFFFF  # FILETIME of a lease without an end (MS-DHCPM 2.2.1.2.11)
FILETIME_OF_1970 = 116444736000000000
DAY = 24 * 60 * 60

ADDRESS_STATE_ACTIVE = 1
ADDRESS_STATE_DECLINED = 2
ADDRESS_STATE_DOOM = 3
CLIENT_TYPE_DHCP = 0x01
CLIENT_TYPE_NONE = 0x64

OPTION_TYPES = {
    "byte": option_structs.OPTION_BYTE,
    "word": option_structs.OPTION_WORD,
    "dword": option_structs.OPTION_DWORD,
    "dword_dword": option_structs.OPTION_DWORD_DWORD,
    "ip_address": option_structs.OPTION_IP_ADDRESS,
    "string": option_structs.OPTION_STRING,
    "binary": option_structs.OPTION_BINARY,
    "encapsulated": option_structs.OPTION_ENCAPSULATED,
    "ipv6_address": option_structs.OPTION_IPV6_ADDRESS,
}

# DHCP_FAILOVER_MODE, DHCP_FAILOVER_SERVER and FSM_STATE (2.2.1.1.18 to 20) by name.
FAILOVER_MODES = {
    "load_balance": failover_structs.MODE_LOAD_BALANCE,
    "hot_standby": failover_structs.MODE_HOT_STANDBY,
}
FAILOVER_SERVERS = {
    "primary": failover_structs.SERVER_PRIMARY,
    "secondary": failover_structs.SERVER_SECONDARY,
}
FAILOVER_STATES = (
    "no_state",
    "init",
    "startup",
    "normal",
    "communication_int",
    "partner_down",
    "potential_conflict",
    "conflict_done",
    "resolution_int",
    "recover",
    "recover_wait",
    "recover_done",
)

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
class OptionValue:
    """A value of an option, DHCPv4ClassedOptValue of 3.1.1.12, and the classes that it is for; ``None`` is the default.

    ``vendor`` tells whether it is a vendor's option, ``IsVendor`` of reads. Written and read ids are the same number.
    """

    option_id: int
    elements: tuple[DHCP_OPTION_DATA_ELEMENT, ...]
    user_class: str | None = None
    vendor_class: str | None = None
    vendor: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Reservation:
    """A reserved address, DHCPv4Reservation of 3.1.1.6. ``client_id`` is the bare identifier."""

    address: int
    client_id: bytes
    allowed_client_types: int = CLIENT_TYPE_DHCP
    shown_id: bytes | None = None
    options: tuple[OptionValue, ...] = ()


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
class Failover:
    """A failover relationship, DHCPv4FailoverRelationship of 3.1.1.33; the numbers are those of the protocol.

    ``server_type`` says which of the two this server is.
    """

    name: str
    primary_server: int
    secondary_server: int
    primary_server_name: str | None = None
    secondary_server_name: str | None = None
    mode: int = failover_structs.MODE_LOAD_BALANCE
    server_type: int = failover_structs.SERVER_PRIMARY
    state: int = FAILOVER_STATES.index("normal")
    mclt: int = 3600
    safe_period: int = 0
    percentage: int = 50
    shared_secret: str | None = field(default=None, repr=False)
    scopes: tuple[int, ...] = ()


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
    address is reserved for another one. ``*_per_page`` bound a page in addition to the caller's wish. ``generation``:
    a server of 2008 R2 has no dhcpsrv2 opnum above 88 and says so with its version. ``no_range_code``: what opnum 120
    answers where a scope has no range (2 by its rules, 259 by its table), ``end_of_selection_code`` where it finds too
    few. ``no_relationship_code``: what opnum 96 answers for a scope without failover (20115 by its table). ``keytab``:
    the file with the server's keys for Kerberos, which it does not have without it; the realm is ``dns_domain``.

    For measurements: ``latency`` is the seconds that every exchange takes from its last octet in to its first octet
    out, those of bind, logon and endpoint mapper included, on each connection by itself. ``keep_answers``: what was
    encoded for a reading call is sent again for the same call until one that writes; nobody else may change anything.
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
    generation: Literal["current", "2008r2"] = "current"
    no_range_code: int = 2
    end_of_selection_code: int = 20126
    no_relationship_code: int = 20116
    version: tuple[int, int] = (10, 0)
    clients_per_page: int | None = None
    elements_per_page: int | None = None
    subnets_per_page: int | None = None
    max_fragment: int = 5840
    latency: float = 0.0
    keep_answers: bool = False
    keytab: str | None = None
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
    """Everything that a server starts with; one site may start many servers, none of them changes it.

    ``option_definitions`` are pairs of vendor class and option id.
    """

    scopes: tuple[ScopeSite, ...] = ()
    classes: tuple[str, ...] = ()
    option_definitions: tuple[tuple[str | None, int], ...] = ()
    failover: tuple[Failover, ...] = ()
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


def option(option_id: int, kind: str, *values: Any, **more: Any) -> OptionValue:
    """An option's value in one line of a test; ``kind`` is a key of ``OPTION_TYPES``, ``more`` as in YAML."""
    return option_from({"id": option_id, "type": kind, "values": values, **more})


def load(source: Site | Mapping[str, Any] | str | Path) -> Site:
    """A site from a site, from a mapping, or from the file at a path: YAML, or JSON by its name, which is read faster.

    Raises ``ValueError`` for unknown keys.
    """
    if isinstance(source, Site):
        return source
    if isinstance(source, Mapping):
        return _site(source)
    with open(source, encoding="utf-8") as stream:
        return _site(json.load(stream) if str(source).endswith(".json") else yaml.safe_load(stream))


def _site(data: Mapping[str, Any]) -> Site:
    # A file that also lists the clients to declare serves as a site: those are the playbook's business.
    _known("site", data, {"scopes", "classes", "option_definitions", "failover", "accounts", "settings", "clients"})
    accounts = data.get("accounts")
    return Site(
        scopes=tuple(_scope(item) for item in data.get("scopes") or ()),
        classes=tuple(data.get("classes") or ()),
        option_definitions=tuple(_definition(item) for item in data.get("option_definitions") or ()),
        failover=tuple(_failover(item) for item in data.get("failover") or ()),
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
    _known("reservation", data, {"ip_address", "mac_address", "client_id", "allowed_client_types", "options"})
    return Reservation(
        address=address(data["ip_address"]),
        client_id=_identifier(data),
        allowed_client_types=int(data.get("allowed_client_types", CLIENT_TYPE_DHCP)),
        options=tuple(option_from(item) for item in data.get("options") or ()),
    )


def option_from(data: Mapping[str, Any]) -> OptionValue:
    """An option's value from the keys of a YAML or JSON file."""
    _known("option", data, {"id", "type", "values", "elements", "user_class", "vendor_class", "vendor"})
    pairs = [(each["type"], each["value"]) for each in data.get("elements") or ()]
    pairs += [(data["type"], value) for value in data.get("values") or ()]
    vendor_class = data.get("vendor_class")
    return OptionValue(
        option_id=int(data["id"]),
        elements=tuple(_element(kind, value) for kind, value in pairs),
        user_class=data.get("user_class"),
        vendor_class=vendor_class,
        vendor=bool(data.get("vendor", vendor_class is not None)),
    )


def _element(kind: str, value: Any) -> DHCP_OPTION_DATA_ELEMENT:
    if kind not in OPTION_TYPES:
        raise ValueError(f"option type {kind!r} is none of {', '.join(OPTION_TYPES)}")
    if kind == "ip_address":
        value = address(value)
    elif kind in ("binary", "encapsulated") and isinstance(value, str):
        value = bytes.fromhex(value)
    return DHCP_OPTION_DATA_ELEMENT(OptionType=OPTION_TYPES[kind], Element=value)


def _definition(data: Mapping[str, Any]) -> tuple[str | None, int]:
    _known("option definition", data, {"id", "vendor_class"})
    return data.get("vendor_class"), int(data["id"])


def _failover(data: Mapping[str, Any]) -> Failover:
    _known("failover", data, {each.name for each in fields(Failover)})
    values = {
        **data,
        "primary_server": address(data["primary_server"]),
        "secondary_server": address(data["secondary_server"]),
        "mode": FAILOVER_MODES[data.get("mode", "load_balance")],
        "server_type": FAILOVER_SERVERS[data.get("server_type", "primary")],
        "state": FAILOVER_STATES.index(data.get("state", "normal")),
        "scopes": tuple(address(each) for each in data.get("scopes") or ()),
    }
    return Failover(**values)


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
