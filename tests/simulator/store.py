# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The server's database and the rules of every call: MS-DHCPM 3.1.4, 3.2.4 and 3.5, without a word about the network.

``Store.execute`` takes a call and gives its reply; every change is written to ``audit``. Tests play another
administrator through ``Store.scope(...)``: what they do there is no call and is not audited.
"""

from __future__ import annotations

import bisect
import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc import (
    calls,
    failover_calls,
    failover_structs,
    option_calls,
    option_structs,
    structs,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.interfaces import DHCPSRV2, Interface
from ansible_collections.msrpc.dhcp.tests.simulator import options
from ansible_collections.msrpc.dhcp.tests.simulator.site import (
    ADDRESS_STATE_ACTIVE,
    ADDRESS_STATE_DOOM,
    CLIENT_TYPE_NONE,
    FILETIME_OF_1970,
    Failover,
    OptionValue,
    Range,
    Record,
    Reservation,
    ScopeSite,
    Settings,
    Site,
    address,
    dotted,
)

SUCCESS = 0
FILE_NOT_FOUND = 2
ACCESS_DENIED = 5
NOT_SUPPORTED = 50
INVALID_PARAMETER = 87
CALL_NOT_IMPLEMENTED = 120
MORE_DATA = 234
NO_MORE_ITEMS = 259
SUBNET_NOT_PRESENT = 20005
ELEMENT_CANT_REMOVE = 20007
OPTION_NOT_PRESENT = 20010
JET_ERROR = 20013
NOT_RESERVED_CLIENT = 20018
RESERVED_CLIENT = 20019
RESERVEDIP_EXITS = 20022
INVALID_RANGE = 20023
CLASS_NOT_FOUND = 20044

UNKNOWN_TOTAL = 0x7FFFFFFF  # ClientsTotal of every page but the last (product behaviour <42> of 3.1.4.48)
EVERYTHING = 0xFFFFFFFF
SMALLEST_PAGE = 1024
LARGEST_PAGE = 65536
RECORD_SIZE = 104  # what a record takes of a page, without its identifier and strings
ELEMENT_SIZE = 24
RESERVATION_OWNER = 0xFFFFFFFF  # the owner of the record that opnum 37 makes (3.2.4.38)

MOST_FREE_ADDRESSES = 1024  # DHCP_MAX_FREE_ADDRESSES_REQUESTED (2.2.1.1.25)

# Product behaviour <32> of 3.1.4.29.
VERSION_OF_2008R2 = (6, 1)
LAST_OPNUM_OF_2008R2 = 88

RANGES = 0
SECONDARY_HOSTS = 1
RESERVED_IPS = 2
EXCLUDED_RANGES = 3
USED_CLUSTERS = 4
RANGES_DHCP_ONLY = 5
RANGES_DHCP_BOOTP = 6
RANGES_BOOTP_ONLY = 7
RANGE_TYPES = (RANGES, RANGES_DHCP_ONLY, RANGES_DHCP_BOOTP, RANGES_BOOTP_ONLY)
FULL_FORCE = 0

Holding = TypeVar("Holding", Record, Reservation)


def unique_id(subnet: int, identifier: bytes) -> bytes:
    """The client unique id of 2.2.1.2.5.2: subnet address, the octet 1, client identifier."""
    return subnet.to_bytes(4, "little") + b"\x01" + identifier


class Holdings(MutableMapping["int | str", Holding], Generic[Holding]):
    """Records or reservations of a scope by address (number or text), one an address and one a client.

    They are listed in the order of insertion, or of the addresses where ``in_order`` asks for it.
    """

    def __init__(self, lock: threading.RLock, items: Iterable[Holding]) -> None:
        self._lock = lock
        self._by_address: dict[int, Holding] = {}
        self._by_client: dict[bytes, int] = {}
        self._order: list[int] = []
        for item in items:
            self.put(item)

    def __getitem__(self, key: int | str) -> Holding:
        with self._lock:
            return self._by_address[address(key)]

    def __setitem__(self, key: int | str, item: Holding) -> None:
        where = address(key)
        if item.address != where:
            raise ValueError(f"{dotted(item.address)} cannot be stored at {dotted(where)}")
        with self._lock:
            if self._by_client.get(item.client_id, where) != where:
                raise ValueError(f"{item.client_id.hex()} has {dotted(self._by_client[item.client_id])} already")
            old = self._by_address.get(where)
            if old is None:
                bisect.insort(self._order, where)
            else:
                del self._by_client[old.client_id]
            self._by_address[where] = item
            self._by_client[item.client_id] = where

    def __delitem__(self, key: int | str) -> None:
        with self._lock:
            where = address(key)
            item = self._by_address.pop(where)
            del self._by_client[item.client_id]
            del self._order[bisect.bisect_left(self._order, where)]

    def __iter__(self) -> Iterator[int | str]:
        with self._lock:
            return iter(tuple(self._by_address))

    def __len__(self) -> int:
        return len(self._by_address)

    def put(self, item: Holding) -> None:
        """Store an item at its own address."""
        self[item.address] = item

    def at(self, where: int) -> Holding | None:
        """The item at an address, as a call finds it."""
        return self._by_address.get(where)

    def of(self, identifier: bytes) -> Holding | None:
        """The item of a client, as a call finds it."""
        where = self._by_client.get(identifier)
        return None if where is None else self._by_address[where]

    def in_order(self, after: int = -1) -> Iterator[Holding]:
        """The items behind an address, in the order of the addresses."""
        for where in self._order[bisect.bisect_right(self._order, after) :]:
            yield self._by_address[where]


class Scope:
    """A subnet with what is in it; ``records`` and ``reservations`` may be changed at any time."""

    def __init__(self, site: ScopeSite, lock: threading.RLock) -> None:
        self.subnet = site.subnet
        self.mask = site.mask
        self.name = site.name
        self.comment = site.comment
        self.enabled = site.enabled
        self.lease_seconds = site.lease_seconds
        self.ranges: list[Range] = list(site.ranges)
        self.exclusions: list[Range] = list(site.exclusions)
        self.records: Holdings[Record] = Holdings(lock, site.records)
        self.reservations: Holdings[Reservation] = Holdings(lock, site.reservations)

    def __contains__(self, where: int) -> bool:
        return where & self.mask == self.subnet

    def in_a_range(self, where: int) -> bool:
        """Whether one of the scope's ranges holds the address; exclusions do not matter to any rule here."""
        return any(where in span for span in self.ranges)

    def free(self, start: int, end: int) -> Iterator[int]:
        """Addresses without record and exclusion from ``start`` to ``end`` (0: of the ranges), then the doomed ones."""
        for span in self.ranges:
            for where in range(max(span.start, start), min(span.end, end or span.end) + 1):
                if self.records.at(where) is None and not any(where in each for each in self.exclusions):
                    yield where
        for record in self.records.in_order():
            if record.state & structs.ADDRESS_STATE_MASK == ADDRESS_STATE_DOOM:
                yield record.address


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A change that a call made: what was there before and after, ``None`` where nothing was."""

    call: str
    account: str
    scope: str
    address: str
    before: Record | Reservation | Range | None
    after: Record | Reservation | Range | None


@dataclass(frozen=True, kw_only=True)
class ScopeSnapshot:
    """A scope at one moment. Two of them are equal if not one octet differs."""

    records: Mapping[int, Record]
    reservations: Mapping[int, Reservation]
    ranges: tuple[Range, ...]
    exclusions: tuple[Range, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """Who calls: an account's name and rights (3.5.4, 3.5.5)."""

    name: str
    rights: str

    def may(self, call: calls.Call[Any]) -> bool:
        """Reading takes DHCP Users, writing DHCP Administrators, the version nothing (3.1.4.29)."""
        if isinstance(call, calls.R_DhcpGetVersion):
            return True
        return self.rights == "administrators" or (self.rights == "users" and not call.WRITES)


# The one that tests of the rules call as.
ADMINISTRATOR = Caller(name="administrator", rights="administrators")


def _now() -> int:
    return FILETIME_OF_1970 + time.time_ns() // 100


class Store:
    """The database. Every access goes through ``lock``, so that a test's thread and the server's do not meet."""

    def __init__(self, site: Site, *, now: Callable[[], int] = _now) -> None:
        self.lock = threading.RLock()
        self.settings: Settings = replace(site.settings)
        self.scopes: dict[int, Scope] = {each.subnet: Scope(each, self.lock) for each in site.scopes}
        self.failover: list[Failover] = list(site.failover)
        self.classes = set(options.BUILT_IN_CLASSES) | set(site.classes)
        self.option_definitions = set(options.BUILT_IN_DEFINITIONS) | set(site.option_definitions)
        for each in site.scopes:
            for reserved in each.reservations:
                self.define(*reserved.options)
        self.audit: list[Change] = []
        self.counters: Counter[str] = Counter()
        self.writes = 0
        self._now = now
        self._caller = ADMINISTRATOR
        self._call = ""

    def scope(self, subnet: int | str) -> Scope:
        """The scope with this subnet address."""
        return self.scopes[address(subnet)]

    def define(self, *values: OptionValue) -> None:
        """Define the options that these are values of, and their classes, as another administrator would."""
        for each in values:
            self.classes |= {name for name in (each.user_class, each.vendor_class) if name is not None}
            self.option_definitions.add((each.vendor_class, each.option_id))

    def call_type(self, interface: Interface, opnum: int) -> type[calls.Call[Any]] | None:
        """The call with this number, if a server of the generation in the settings has it."""
        old = self.settings.generation == "2008r2"
        if old and interface == DHCPSRV2 and opnum > LAST_OPNUM_OF_2008R2:
            return None
        return CALLS.get((interface, opnum))

    def snapshot(self) -> dict[str, ScopeSnapshot]:
        """Everything that clients can change, to be compared with a later snapshot."""
        with self.lock:
            return {
                dotted(each.subnet): ScopeSnapshot(
                    records={item.address: item for item in each.records.values()},
                    reservations={item.address: item for item in each.reservations.values()},
                    ranges=tuple(each.ranges),
                    exclusions=tuple(each.exclusions),
                )
                for each in self.scopes.values()
            }

    def count(self, call: calls.Call[Any]) -> None:
        """A call was received, whatever becomes of it."""
        with self.lock:
            self.counters[call.name] += 1
            self.writes += call.WRITES

    def reset(self) -> None:
        """Count from zero, with an empty audit."""
        with self.lock:
            self.counters.clear()
            self.audit.clear()
            self.writes = 0

    def execute(self, call: calls.Call[Any], caller: Caller = ADMINISTRATOR) -> calls.Reply:
        """The reply of a call that ``caller`` may make."""
        with self.lock:
            self._caller, self._call = caller, call.name
            reply: calls.Reply = _RULES[type(call)](self, call)
            return reply

    def get_subnet_info(self, call: calls.R_DhcpGetSubnetInfo) -> calls.Reply:
        """R_DhcpGetSubnetInfo, opnum 2 (3.1.4.3)."""
        scope = self.scopes.get(call.SubnetAddress)
        if scope is None:
            return calls.R_DhcpGetSubnetInfo.Reply(SubnetInfo=None, Return=SUBNET_NOT_PRESENT)
        info = structs.DHCP_SUBNET_INFO(
            SubnetAddress=scope.subnet,
            SubnetMask=scope.mask,
            SubnetName=scope.name,
            SubnetComment=scope.comment,
            PrimaryHost=structs.DHCP_HOST_INFO(IpAddress=0x7F000001),
            SubnetState=0 if scope.enabled else 1,
        )
        return calls.R_DhcpGetSubnetInfo.Reply(SubnetInfo=info, Return=SUCCESS)

    def enum_subnets(self, call: calls.R_DhcpEnumSubnets) -> calls.Reply:
        """R_DhcpEnumSubnets, opnum 3 (3.1.4.4): the handle is an index, PreferredMaximum a number of subnets."""
        subnets = tuple(self.scopes)
        start = call.ResumeHandle
        if start >= len(subnets) or call.PreferredMaximum == 0:
            return _no_subnets(NO_MORE_ITEMS)
        size = min(call.PreferredMaximum, self.settings.subnets_per_page or len(subnets))
        page = subnets[start : start + size]
        left = len(subnets) - start - len(page)
        # By the letter a page that is not the last is a success too; a server with a bound of its own says "more".
        status = MORE_DATA if left and self.settings.subnets_per_page else SUCCESS
        return calls.R_DhcpEnumSubnets.Reply(
            ResumeHandle=start + len(page),
            EnumInfo=page,
            ElementsRead=len(page),
            ElementsTotal=left,
            Return=status,
        )

    def get_version(self, call: calls.R_DhcpGetVersion) -> calls.Reply:
        """R_DhcpGetVersion, opnum 28 (3.1.4.29)."""
        del call
        major, minor = self.settings.version
        if self.settings.generation == "2008r2":
            major, minor = min((major, minor), VERSION_OF_2008R2)
        return calls.R_DhcpGetVersion.Reply(MajorVersion=major, MinorVersion=minor, Return=SUCCESS)

    # --- records ------------------------------------------------------------------------------------------------------

    def create(self, call: calls.R_DhcpCreateClientInfoVQ) -> calls.Reply:
        """R_DhcpCreateClientInfoVQ, opnum 44 (3.1.4.45)."""
        info = call.ClientInfo
        scope = self._scope_for_new(info.ClientIpAddress)
        if not info.ClientHardwareAddress or scope is None:
            return calls.R_DhcpCreateClientInfoVQ.Reply(Return=INVALID_PARAMETER)
        if scope.records.at(info.ClientIpAddress) or scope.records.of(info.ClientHardwareAddress):
            return calls.R_DhcpCreateClientInfoVQ.Reply(Return=self.settings.exists_code)
        nap = self.settings.honour_nap
        record = Record(
            address=info.ClientIpAddress,
            client_id=info.ClientHardwareAddress,
            name=info.ClientName,
            comment=info.ClientComment,
            expires=info.ClientLeaseExpires,
            mask=scope.subnet,  # by the letter: ScopeInfo.SubnetAddress, not the mask
            owner_address=_host_address(call.ServerIpAddress) or self.settings.owner_address,
            owner_netbios_name=self.settings.netbios_name,
            client_type=CLIENT_TYPE_NONE,
            state=ADDRESS_STATE_ACTIVE,
            status=info.Status if nap else 0,
            probation_ends=info.ProbationEnds if nap else 0,
            quarantine_capable=info.QuarantineCapable if nap else 0,
        )
        self._store(scope, record)
        return calls.R_DhcpCreateClientInfoVQ.Reply(Return=SUCCESS)

    def _scope_for_new(self, where: int) -> Scope | None:
        for scope in self.scopes.values():
            if where in scope:
                demanded = self.settings.create_outside_range == "range"
                return scope if not demanded or scope.in_a_range(where) else None
        return None

    def set_info(self, call: calls.R_DhcpSetClientInfo) -> calls.Reply:
        """R_DhcpSetClientInfo, opnum 17 (3.1.4.18): NULL leaves name and comment, a reserved expiry stays."""
        return calls.R_DhcpSetClientInfo.Reply(Return=self._set(call.ClientInfo, names=True))

    def set_info_vq(self, call: calls.R_DhcpSetClientInfoVQ) -> calls.Reply:
        """R_DhcpSetClientInfoVQ, opnum 45 (3.1.4.46): its rules name neither strings nor expiry."""
        status = self._set(call.ClientInfo, names=self.settings.set_vq_names)
        return calls.R_DhcpSetClientInfoVQ.Reply(Return=status)

    def _set(self, info: structs.DHCP_CLIENT_INFO | structs.DHCP_CLIENT_INFO_VQ, *, names: bool) -> int:
        if not info.ClientHardwareAddress:
            return INVALID_PARAMETER
        where = info.ClientIpAddress
        scope = self._scope_of_record(where)
        if scope is None:
            return JET_ERROR
        old = scope.records[where]
        holder = scope.records.of(info.ClientHardwareAddress)
        if holder is not None and holder.address != where:
            return JET_ERROR  # a client unique id is the key of one record
        new = replace(
            old,
            client_id=info.ClientHardwareAddress,
            owner_address=info.OwnerHost.IpAddress,
            state=ADDRESS_STATE_ACTIVE,
            shown_id=None,
        )
        if names:
            new = replace(
                new,
                name=old.name if info.ClientName is None else info.ClientName,
                comment=old.comment if info.ClientComment is None else info.ClientComment,
                expires=old.expires if scope.reservations.at(where) else info.ClientLeaseExpires,
            )
        if isinstance(info, structs.DHCP_CLIENT_INFO_VQ) and self.settings.honour_nap:
            new = replace(
                new,
                status=info.Status,
                probation_ends=info.ProbationEnds,
                quarantine_capable=info.QuarantineCapable,
            )
        self._store(scope, new)
        return SUCCESS

    def delete(self, call: calls.R_DhcpDeleteClientInfo) -> calls.Reply:
        """R_DhcpDeleteClientInfo, opnum 19 (3.1.4.20)."""
        found = self._search(call.ClientInfo)
        return calls.R_DhcpDeleteClientInfo.Reply(Return=self._delete(found))

    def _delete(self, found: tuple[Scope, Record] | None) -> int:
        if found is None:
            return JET_ERROR
        scope, record = found
        if scope.reservations.at(record.address):
            return RESERVED_CLIENT
        self._drop(scope, record)
        return SUCCESS

    def get_info(self, call: calls.R_DhcpGetClientInfoVQ) -> calls.Reply:
        """R_DhcpGetClientInfoVQ, opnum 46 (3.1.4.47)."""
        found = self._search(call.SearchInfo)
        if found is None:
            return calls.R_DhcpGetClientInfoVQ.Reply(ClientInfo=None, Return=JET_ERROR)
        return calls.R_DhcpGetClientInfoVQ.Reply(ClientInfo=self._shown(*found), Return=SUCCESS)

    def _search(self, search: structs.DHCP_SEARCH_INFO) -> tuple[Scope, Record] | None:
        """DHCP_SEARCH_INFO (2.2.1.2.18): an address, a unique id, or a name (of several the lowest address)."""
        value = search.Value
        if search.SearchType == structs.SEARCH_ADDRESS and isinstance(value, int):
            scope = self._scope_of_record(value)
            return None if scope is None else (scope, scope.records[value])
        if search.SearchType == structs.SEARCH_HARDWARE_ADDRESS and isinstance(value, bytes):
            return self._search_unique_id(value)
        if isinstance(value, str):
            named = [
                (record.address, scope, record)
                for scope in self.scopes.values()
                for record in scope.records.in_order()
                if record.name is not None and record.name.casefold() == value.casefold()
            ]
            if named:
                _lowest, scope, record = min(named, key=lambda each: each[0])
                return scope, record
        return None

    def _search_unique_id(self, value: bytes) -> tuple[Scope, Record] | None:
        if len(value) <= 5 or value[4] != 1:
            return None
        scope = self.scopes.get(int.from_bytes(value[:4], "little"))
        record = None if scope is None else scope.records.of(value[5:])
        return None if scope is None or record is None else (scope, record)

    def enum_clients(self, call: calls.R_DhcpEnumSubnetClientsVQ) -> calls.Reply:
        """R_DhcpEnumSubnetClientsVQ, opnum 47 (3.1.4.48): the handle is the last address that was read."""
        subnet, resume = call.SubnetAddress, call.ResumeHandle
        if subnet and subnet not in self.scopes:
            return _clients_page((), status=SUCCESS)  # an unknown scope looks like an empty one
        scopes = [self.scopes[subnet]] if subnet else sorted(self.scopes.values(), key=lambda each: each.subnet)
        if resume == 0 and not any(scope.records for scope in scopes):
            anywhere = any(scope.records for scope in self.scopes.values())
            return _clients_page((), status=SUCCESS) if anywhere else _clients_page(None, status=NO_MORE_ITEMS)
        if resume and not any(scope.records.at(resume) for scope in scopes):
            return _clients_page(None, status=JET_ERROR)
        page: list[structs.DHCP_CLIENT_INFO_VQ] = []
        room = min(max(call.PreferredMaximum, SMALLEST_PAGE), LARGEST_PAGE)
        bound = self.settings.clients_per_page
        for scope in scopes:
            for record in scope.records.in_order(after=resume or -1):
                room -= _record_size(record)
                if (room < 0 or len(page) == bound) and page:
                    return _clients_page(tuple(page), status=MORE_DATA, handle=page[-1].ClientIpAddress)
                page.append(self._shown(scope, record))
        if not page:
            return _clients_page(None, status=NO_MORE_ITEMS)
        return _clients_page(tuple(page), status=SUCCESS)

    def _shown(self, scope: Scope, record: Record) -> structs.DHCP_CLIENT_INFO_VQ:
        shown = record.shown_id
        if shown is None:
            bare = self.settings.id_form == "bare"
            shown = record.client_id if bare else unique_id(scope.subnet, record.client_id)
        return structs.DHCP_CLIENT_INFO_VQ(
            ClientIpAddress=record.address,
            SubnetMask=record.mask,
            ClientHardwareAddress=shown,
            ClientName=record.name,
            ClientComment=record.comment,
            ClientLeaseExpires=record.expires,
            OwnerHost=structs.DHCP_HOST_INFO(
                IpAddress=record.owner_address, NetBiosName=record.owner_netbios_name, HostName=None
            ),
            bClientType=record.client_type,
            AddressState=record.state,
            Status=record.status,
            ProbationEnds=record.probation_ends,
            QuarantineCapable=record.quarantine_capable,
        )

    # --- elements -----------------------------------------------------------------------------------------------------

    def add_element(self, call: calls.R_DhcpAddSubnetElementV5) -> calls.Reply:
        """R_DhcpAddSubnetElementV5, opnum 37 (3.2.4.38)."""
        return calls.R_DhcpAddSubnetElementV5.Reply(Return=self._add(call.SubnetAddress, call.AddElementInfo))

    def _add(self, subnet: int, info: structs.DHCP_SUBNET_ELEMENT_DATA_V5) -> int:
        scope = self.scopes.get(subnet)
        if scope is None:
            return SUBNET_NOT_PRESENT
        kind, element = info.ElementType, info.Element
        if kind == SECONDARY_HOSTS:
            return CALL_NOT_IMPLEMENTED
        if isinstance(element, structs.DHCP_IP_RESERVATION_V4) and kind == RESERVED_IPS:
            return self._reserve(scope, element)
        if isinstance(element, structs.DHCP_IP_RANGE) and kind == EXCLUDED_RANGES:
            return self._exclude(scope, Range(start=element.StartAddress, end=element.EndAddress))
        if isinstance(element, structs.DHCP_BOOTP_IP_RANGE) and kind in RANGE_TYPES:
            return self._set_range(scope, Range(start=element.StartAddress, end=element.EndAddress))
        return INVALID_PARAMETER

    def _reserve(self, scope: Scope, element: structs.DHCP_IP_RESERVATION_V4) -> int:
        where = element.ReservedIpAddress
        identifier = None if element.ReservedForClient is None else element.ReservedForClient.Data
        if not identifier:
            return INVALID_PARAMETER
        if not scope.in_a_range(where) and not scope.reservations.at(where):
            return NOT_RESERVED_CLIENT
        if scope.reservations.at(where) or scope.reservations.of(identifier):
            return RESERVEDIP_EXITS
        self._store(
            scope,
            Reservation(address=where, client_id=identifier, allowed_client_types=element.bAllowedClientTypes),
        )
        # A record is made only for a client that has none in the scope, and never over another client's record.
        if scope.records.of(identifier) is None and scope.records.at(where) is None:
            self._store(
                scope,
                Record(
                    address=where,
                    client_id=identifier,
                    expires=0,
                    mask=scope.mask,
                    owner_address=RESERVATION_OWNER,
                    owner_netbios_name=self.settings.netbios_name,
                    client_type=CLIENT_TYPE_NONE,
                    state=ADDRESS_STATE_ACTIVE,
                ),
            )
        return SUCCESS

    def _exclude(self, scope: Scope, span: Range) -> int:
        if span.end < span.start:
            return INVALID_RANGE
        scope.exclusions.append(span)
        self._note(scope, span.start, None, span)
        return SUCCESS

    def _set_range(self, scope: Scope, span: Range) -> int:
        """A scope has one range; a new one has to hold it or to lie in it."""
        if span.end < span.start:
            return INVALID_RANGE
        old = scope.ranges[0] if scope.ranges else None
        inside = old is not None and span.start in old and span.end in old
        around = old is not None and old.start in span and old.end in span
        if old is not None and not inside and not around:
            return INVALID_RANGE
        scope.ranges[:1] = [span]
        self._note(scope, span.start, old, span)
        return SUCCESS

    def enum_elements(self, call: calls.R_DhcpEnumSubnetElementsV5) -> calls.Reply:
        """R_DhcpEnumSubnetElementsV5, opnum 38 (3.2.4.39): the handle is an index, 0xFFFFFFFF is everything."""
        kind, start, maximum = call.EnumElementType, call.ResumeHandle, call.PreferredMaximum
        if kind == SECONDARY_HOSTS:
            return _elements_page(None, status=NOT_SUPPORTED)
        if kind not in (RANGES, RANGES_DHCP_BOOTP, RESERVED_IPS, EXCLUDED_RANGES):
            return _elements_page(None, status=INVALID_PARAMETER)
        scope = self.scopes.get(call.SubnetAddress)
        if scope is None:
            return _elements_page(None, status=SUBNET_NOT_PRESENT)
        items = self._elements(scope, kind)
        if (start and start >= len(items)) or (not items and (self._empty_is_an_end() or not maximum)):
            return _elements_page(None, status=NO_MORE_ITEMS, handle=start)
        if not items:
            return _elements_page(None, status=SUCCESS)
        if maximum == 0:
            ranges = kind in (RANGES, RANGES_DHCP_BOOTP)
            return _elements_page(None, status=NO_MORE_ITEMS if ranges else MORE_DATA, handle=start)
        fitting = len(items) if maximum == EVERYTHING else max(maximum // ELEMENT_SIZE, 1)
        page = items[start : start + min(fitting, self.settings.elements_per_page or fitting)]
        left = len(items) - start - len(page)
        return _elements_page(page, status=MORE_DATA if left else SUCCESS, handle=start + len(page), left=left)

    def _empty_is_an_end(self) -> bool:
        return self.settings.empty_elements == "no_more_items"

    def _elements(self, scope: Scope, kind: int) -> tuple[structs.DHCP_SUBNET_ELEMENT_DATA_V5, ...]:
        if kind == RESERVED_IPS:
            found: list[structs.Element] = [
                self._shown_reservation(scope, each) for each in scope.reservations.values()
            ]
        elif kind == EXCLUDED_RANGES:
            found = [structs.DHCP_IP_RANGE(StartAddress=each.start, EndAddress=each.end) for each in scope.exclusions]
        else:
            found = [structs.DHCP_BOOTP_IP_RANGE(StartAddress=each.start, EndAddress=each.end) for each in scope.ranges]
        return tuple(structs.DHCP_SUBNET_ELEMENT_DATA_V5(ElementType=kind, Element=each) for each in found)

    def _shown_reservation(self, scope: Scope, each: Reservation) -> structs.DHCP_IP_RESERVATION_V4:
        shown = each.shown_id
        if shown is None:
            bare = (self.settings.reservation_id_form or self.settings.id_form) == "bare"
            shown = each.client_id if bare else unique_id(scope.subnet, each.client_id)
        return structs.DHCP_IP_RESERVATION_V4(
            ReservedIpAddress=each.address,
            ReservedForClient=structs.DHCP_CLIENT_UID(Data=shown),
            bAllowedClientTypes=each.allowed_client_types,
        )

    def remove_element(self, call: calls.R_DhcpRemoveSubnetElementV5) -> calls.Reply:
        """R_DhcpRemoveSubnetElementV5, opnum 39 (3.2.4.40)."""
        scope = self.scopes.get(call.SubnetAddress)
        kind, element = call.RemoveElementInfo.ElementType, call.RemoveElementInfo.Element
        if scope is None:
            status = SUBNET_NOT_PRESENT
        elif kind == SECONDARY_HOSTS:
            status = CALL_NOT_IMPLEMENTED
        elif isinstance(element, structs.DHCP_IP_RESERVATION_V4) and kind == RESERVED_IPS:
            status = self._unreserve(scope, element)
        elif isinstance(element, structs.DHCP_IP_RANGE) and kind == EXCLUDED_RANGES:
            status = self._include(scope, Range(start=element.StartAddress, end=element.EndAddress))
        elif isinstance(element, structs.DHCP_BOOTP_IP_RANGE) and kind in RANGE_TYPES:
            span = Range(start=element.StartAddress, end=element.EndAddress)
            status = self._remove_range(scope, span, force=call.ForceFlag == FULL_FORCE)
        else:
            status = INVALID_PARAMETER
        return calls.R_DhcpRemoveSubnetElementV5.Reply(Return=status)

    def _unreserve(self, scope: Scope, element: structs.DHCP_IP_RESERVATION_V4) -> int:
        where = element.ReservedIpAddress
        identifier = None if element.ReservedForClient is None else element.ReservedForClient.Data
        reserved = scope.reservations.at(where)
        record = scope.records.at(where)
        if reserved is None or reserved.client_id != identifier:
            if record is None:
                return JET_ERROR
            if self.settings.remove_unrecognised == "refuse":
                return self._delete((scope, record))
            self._drop(scope, record)  # a lease that nobody meant
            return SUCCESS
        self._drop(scope, reserved)
        if record is None:
            return JET_ERROR  # although the reservation is gone
        if record.expires == 0:
            self._drop(scope, record)
        else:
            self._store(scope, replace(record, expires=self._now() + scope.lease_seconds * 10_000_000))
        return SUCCESS

    def _include(self, scope: Scope, span: Range) -> int:
        if not any(span.start in each for each in scope.exclusions):
            return ELEMENT_CANT_REMOVE
        if span not in scope.exclusions:
            return INVALID_PARAMETER
        scope.exclusions.remove(span)
        self._note(scope, span.start, span, None)
        return SUCCESS

    def _remove_range(self, scope: Scope, span: Range, *, force: bool) -> int:
        if span not in scope.ranges:
            return INVALID_RANGE
        if not force and any(record.address in span for record in scope.records.values()):
            return ELEMENT_CANT_REMOVE
        scope.ranges.remove(span)
        self._note(scope, span.start, span, None)
        return SUCCESS

    # --- option values ------------------------------------------------------------------------------------------------

    def get_option_values(self, call: option_calls.R_DhcpGetAllOptionValues) -> calls.Reply:
        """R_DhcpGetAllOptionValues, opnum 30 (3.2.4.31): only reservations have option values here."""
        place = call.ScopeInfo
        values: tuple[OptionValue, ...] = ()
        status = SUCCESS
        if place.ScopeType == option_structs.SCOPE_DEFAULT:
            status = INVALID_PARAMETER
        elif place.ScopeType in (option_structs.SCOPE_SUBNET, option_structs.SCOPE_MSCOPE):
            status = SUCCESS if place.ScopeInfo in self.scopes else SUBNET_NOT_PRESENT
        elif isinstance(place.ScopeInfo, option_structs.DHCP_RESERVED_SCOPE):
            found = self._reservation_of(place.ScopeInfo)
            if isinstance(found, int):
                status = found
            else:
                values = found[1].options
        shown = options.shown(values) if status == SUCCESS else None
        return option_calls.R_DhcpGetAllOptionValues.Reply(Values=shown, Return=status)

    def set_option_values(self, call: option_calls.R_DhcpSetOptionValuesV5) -> calls.Reply:
        """R_DhcpSetOptionValuesV5, opnum 20 (3.2.4.21).

        Its first sentence has it create values that are not there, its rules for a reservation only modify them: here
        it creates them. A value whose option is not defined ends the call, and those before it are stored.
        """
        status = self._set_option_values(call)
        return option_calls.R_DhcpSetOptionValuesV5.Reply(Return=status)

    def _set_option_values(self, call: option_calls.R_DhcpSetOptionValuesV5) -> int:
        if not call.OptionValues.Values:
            return SUCCESS
        if call.Flags and not call.Flags & option_calls.OPTION_IS_VENDOR:
            return INVALID_PARAMETER
        if any(name is not None and name not in self.classes for name in (call.ClassName, call.VendorName)):
            return CLASS_NOT_FOUND
        place = call.ScopeInfo
        if not isinstance(place.ScopeInfo, option_structs.DHCP_RESERVED_SCOPE):
            return self._refuse_elsewhere(place)
        if not any(place.ScopeInfo.ReservedIpAddress in scope for scope in self.scopes.values()):
            return FILE_NOT_FOUND
        found = self._reservation_of(place.ScopeInfo)
        if isinstance(found, int):
            return found
        values = options.received(call)
        defined = [(each.vendor_class, each.option_id) in self.option_definitions for each in values]
        known = values if all(defined) else values[: defined.index(False)]
        if known:
            scope, reserved = found
            self._store(scope, replace(reserved, options=options.merged(reserved.options, known)))
        return SUCCESS if all(defined) else OPTION_NOT_PRESENT

    def _refuse_elsewhere(self, place: option_structs.DHCP_OPTION_SCOPE_INFO) -> int:
        """What the rules answer where a level has no values yet; definitions cannot be changed here."""
        if place.ScopeType == option_structs.SCOPE_DEFAULT:
            return NOT_SUPPORTED
        if place.ScopeType == option_structs.SCOPE_MSCOPE:
            return FILE_NOT_FOUND
        if place.ScopeType == option_structs.SCOPE_SUBNET and place.ScopeInfo not in self.scopes:
            return SUBNET_NOT_PRESENT
        return CLASS_NOT_FOUND

    def _reservation_of(self, place: option_structs.DHCP_RESERVED_SCOPE) -> tuple[Scope, Reservation] | int:
        """The reservation, or the status that says why there is none."""
        where = place.ReservedIpAddress
        scope = next((scope for scope in self.scopes.values() if where in scope), None)
        reserved = None if scope is None else scope.reservations.at(where)
        if scope is None or reserved is None:
            return NOT_RESERVED_CLIENT
        return (scope, reserved) if place.ReservedIpSubnetAddress == scope.subnet else SUBNET_NOT_PRESENT

    # --- free addresses and failover ----------------------------------------------------------------------------------

    def free_addresses(self, call: calls.R_DhcpV4GetFreeIPAddress) -> calls.Reply:
        """R_DhcpV4GetFreeIPAddress, opnum 120 (3.2.4.121): reservations without a record do not count as taken."""
        scope = self.scopes.get(call.ScopeId)
        if scope is None or _asks_too_much(call):
            return calls.R_DhcpV4GetFreeIPAddress.Reply(IPAddrList=None, Return=INVALID_PARAMETER)
        if not scope.ranges:
            return calls.R_DhcpV4GetFreeIPAddress.Reply(IPAddrList=None, Return=self.settings.no_range_code)
        bounds = [each for each in (call.startIP, call.endIP) if each]
        if any(each not in scope or not scope.in_a_range(each) for each in bounds):
            return calls.R_DhcpV4GetFreeIPAddress.Reply(IPAddrList=None, Return=INVALID_PARAMETER)
        wanted = call.numFreeAddr or 1
        found = tuple(itertools.islice(scope.free(call.startIP, call.endIP), wanted))
        status = SUCCESS if len(found) == wanted else self.settings.end_of_selection_code
        return calls.R_DhcpV4GetFreeIPAddress.Reply(IPAddrList=found, Return=status)

    def get_relationship(self, call: failover_calls.R_DhcpV4FailoverGetScopeRelationship) -> calls.Reply:
        """R_DhcpV4FailoverGetScopeRelationship, opnum 96 (3.2.4.97)."""
        found = next((each for each in self.failover if call.scopeId in each.scopes), None)
        status = SUCCESS if found else self.settings.no_relationship_code
        return failover_calls.R_DhcpV4FailoverGetScopeRelationship.Reply(
            pRelationship=None if found is None else _relationship(found),
            Return=status if call.scopeId else INVALID_PARAMETER,
        )

    # --- bookkeeping --------------------------------------------------------------------------------------------------

    def _scope_of_record(self, where: int) -> Scope | None:
        return next((scope for scope in self.scopes.values() if scope.records.at(where)), None)

    def _store(self, scope: Scope, item: Record | Reservation) -> None:
        before: Record | Reservation | None
        if isinstance(item, Record):
            before = scope.records.at(item.address)
            scope.records.put(item)
        else:
            before = scope.reservations.at(item.address)
            scope.reservations.put(item)
        self._note(scope, item.address, before, item)

    def _drop(self, scope: Scope, item: Record | Reservation) -> None:
        if isinstance(item, Record):
            del scope.records[item.address]
        else:
            del scope.reservations[item.address]
        self._note(scope, item.address, item, None)

    def _note(
        self,
        scope: Scope,
        where: int,
        before: Record | Reservation | Range | None,
        after: Record | Reservation | Range | None,
    ) -> None:
        self.audit.append(
            Change(
                call=self._call,
                account=self._caller.name,
                scope=dotted(scope.subnet),
                address=dotted(where),
                before=before,
                after=after,
            )
        )


def refusal(call: calls.Call[Any], status: int) -> calls.Reply:
    """A reply of the call's own type that carries a status and nothing else."""
    if isinstance(call, calls.R_DhcpGetSubnetInfo):
        return calls.R_DhcpGetSubnetInfo.Reply(SubnetInfo=None, Return=status)
    if isinstance(call, calls.R_DhcpEnumSubnets):
        return _no_subnets(status)
    if isinstance(call, calls.R_DhcpGetVersion):
        return calls.R_DhcpGetVersion.Reply(MajorVersion=0, MinorVersion=0, Return=status)
    if isinstance(call, calls.R_DhcpGetClientInfoVQ):
        return calls.R_DhcpGetClientInfoVQ.Reply(ClientInfo=None, Return=status)
    if isinstance(call, calls.R_DhcpEnumSubnetClientsVQ):
        return _clients_page(None, status=status)
    if isinstance(call, calls.R_DhcpEnumSubnetElementsV5):
        return _elements_page(None, status=status)
    if isinstance(call, calls.R_DhcpV4GetFreeIPAddress):
        return calls.R_DhcpV4GetFreeIPAddress.Reply(IPAddrList=None, Return=status)
    if isinstance(call, option_calls.R_DhcpGetAllOptionValues):
        return option_calls.R_DhcpGetAllOptionValues.Reply(Values=None, Return=status)
    if isinstance(call, failover_calls.R_DhcpV4FailoverGetScopeRelationship):
        return failover_calls.R_DhcpV4FailoverGetScopeRelationship.Reply(pRelationship=None, Return=status)
    return calls.StatusReply(Return=status)


def _no_subnets(status: int) -> calls.Reply:
    return calls.R_DhcpEnumSubnets.Reply(ResumeHandle=0, EnumInfo=None, ElementsRead=0, ElementsTotal=0, Return=status)


def _clients_page(page: tuple[structs.DHCP_CLIENT_INFO_VQ, ...] | None, *, status: int, handle: int = 0) -> calls.Reply:
    count = len(page or ())
    return calls.R_DhcpEnumSubnetClientsVQ.Reply(
        ResumeHandle=handle,
        ClientInfo=page,
        ClientsRead=count,
        ClientsTotal=UNKNOWN_TOTAL if status == MORE_DATA else count,
        Return=status,
    )


def _elements_page(
    page: tuple[structs.DHCP_SUBNET_ELEMENT_DATA_V5, ...] | None, *, status: int, handle: int = 0, left: int = 0
) -> calls.Reply:
    return calls.R_DhcpEnumSubnetElementsV5.Reply(
        ResumeHandle=handle,
        EnumElementInfo=page,
        ElementsRead=len(page or ()),
        ElementsTotal=left,
        Return=status,
    )


def _asks_too_much(call: calls.R_DhcpV4GetFreeIPAddress) -> bool:
    start, end, count = call.startIP, call.endIP, call.numFreeAddr
    return count > MOST_FREE_ADDRESSES or bool(start and end and (start > end or end - start + 1 < count))


def _relationship(failover: Failover) -> failover_structs.DHCP_FAILOVER_RELATIONSHIP:
    return failover_structs.DHCP_FAILOVER_RELATIONSHIP(
        primaryServer=failover.primary_server,
        secondaryServer=failover.secondary_server,
        mode=failover.mode,
        serverType=failover.server_type,
        state=failover.state,
        prevState=failover.state,
        mclt=failover.mclt,
        safePeriod=failover.safe_period,
        relationshipName=failover.name,
        primaryServerName=failover.primary_server_name,
        secondaryServerName=failover.secondary_server_name,
        pScopes=failover.scopes,
        percentage=failover.percentage,
        pSharedSecret=failover.shared_secret,
    )


def _record_size(record: Record) -> int:
    strings = (record.name, record.comment, record.owner_netbios_name)
    return RECORD_SIZE + len(record.client_id) + sum(2 * len(text) + 2 for text in strings if text is not None)


def _host_address(text: str | None) -> int | None:
    try:
        return None if text is None else address(text)
    except ValueError:
        return None


_RULES: dict[type, Callable[[Store, Any], calls.Reply]] = {
    calls.R_DhcpGetSubnetInfo: Store.get_subnet_info,
    calls.R_DhcpEnumSubnets: Store.enum_subnets,
    calls.R_DhcpSetClientInfo: Store.set_info,
    calls.R_DhcpDeleteClientInfo: Store.delete,
    calls.R_DhcpGetVersion: Store.get_version,
    calls.R_DhcpCreateClientInfoVQ: Store.create,
    calls.R_DhcpSetClientInfoVQ: Store.set_info_vq,
    calls.R_DhcpGetClientInfoVQ: Store.get_info,
    calls.R_DhcpEnumSubnetClientsVQ: Store.enum_clients,
    calls.R_DhcpAddSubnetElementV5: Store.add_element,
    calls.R_DhcpEnumSubnetElementsV5: Store.enum_elements,
    calls.R_DhcpRemoveSubnetElementV5: Store.remove_element,
    option_calls.R_DhcpSetOptionValuesV5: Store.set_option_values,
    option_calls.R_DhcpGetAllOptionValues: Store.get_option_values,
    failover_calls.R_DhcpV4FailoverGetScopeRelationship: Store.get_relationship,
    calls.R_DhcpV4GetFreeIPAddress: Store.free_addresses,
}

# The calls that this server has; every other opnum is out of range.
CALLS: dict[tuple[Any, int], type[calls.Call[Any]]] = {
    (each.INTERFACE, each.OPNUM): each for each in _RULES if issubclass(each, calls.Call)
}
