# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scratch scope that the contract suite works in, on a real server or a simulated one.

Whatever is sent goes through ``Guard``: a call that can change something and does not name the scratch scope and a
client of the suite is never sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from ipaddress import IPv4Address, IPv4Network
from itertools import islice
from typing import Any

from ansible_collections.msrpc.dhcp.plugins.module_utils._ansible import options
from ansible_collections.msrpc.dhcp.plugins.module_utils._converge import Outcome, converge
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.model import ClientId, Record, Reservation, Scope
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.state import DeleteRecord, RemoveReservation
from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import DhcpError, Unanswered
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc import calls, option_calls, option_structs
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.connection import Connection, Endpoint, connect
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.interfaces import DHCPSRV, DHCPSRV2, Interface
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.security import Credentials
from ansible_collections.msrpc.dhcp.plugins.module_utils._server import DhcpServer
from ansible_collections.msrpc.dhcp.tests.simulator.store import CALLS
from ansible_collections.msrpc.dhcp.tests.unit.fixtures import parameters

# The clients of the suite: locally administered addresses, which no network card has.
BLOCK = bytes.fromhex("024d532d44")
# How many addresses the suite needs.
ADDRESSES = 10


class Unfit(Exception):
    """The scope cannot serve as scratch scope; nothing was changed."""


class Escape(AssertionError):
    """The suite was about to change something outside the scratch scope; it was not sent."""


class Guard:
    """A connection that sends no change but to clients of the suite in the scratch scope."""

    def __init__(self, connection: Connection, network: IPv4Network) -> None:
        self.connection = connection
        self.network = network
        self.mechanism = connection.mechanism
        self.without_kerberos = connection.without_kerberos
        self.account, self.server = connection.account, connection.server
        self.broken = False

    def call(self, interface: Interface, opnum: int, stub: bytes, *, label: str) -> bytes:
        kind = CALLS[interface, opnum]
        if kind.WRITES and not self._stays_inside(kind.unpack(stub)):
            raise Escape(f"{label} was not sent, since it names something else than scope {self.network}.")
        try:
            return self.connection.call(interface, opnum, stub, label=label)
        finally:
            self.broken = self.connection.broken

    def close(self) -> None:
        self.connection.close()

    def _stays_inside(self, call: calls.Call[Any]) -> bool:
        match call:
            case calls.R_DhcpCreateClientInfoVQ() | calls.R_DhcpSetClientInfoVQ() | calls.R_DhcpSetClientInfo():
                place = IPv4Address(call.ClientInfo.ClientIpAddress)
                return place in self.network and _is_ours(call.ClientInfo.ClientHardwareAddress)
            case calls.R_DhcpDeleteClientInfo():
                prefix = self.network.network_address.packed[::-1] + b"\x01"
                value = call.ClientInfo.Value
                return isinstance(value, bytes) and value.startswith(prefix) and _is_ours(value[len(prefix) :])
            case calls.R_DhcpAddSubnetElementV5(AddElementInfo=element):
                return self._is_scratch(call.SubnetAddress) and _names_ours(element)
            case calls.R_DhcpRemoveSubnetElementV5(RemoveElementInfo=element):
                return self._is_scratch(call.SubnetAddress) and _names_ours(element)
            case option_calls.R_DhcpSetOptionValuesV5():
                where = call.ScopeInfo.ScopeInfo
                if isinstance(where, option_structs.DHCP_RESERVED_SCOPE):
                    return self._is_scratch(where.ReservedIpSubnetAddress)
        return False

    def _is_scratch(self, subnet: int) -> bool:
        return subnet == int(self.network.network_address)


def _is_ours(octets: bytes | None) -> bool:
    return (octets or b"").startswith(BLOCK)


def _names_ours(element: Any) -> bool:
    uid = getattr(element.Element, "ReservedForClient", None)
    return uid is not None and _is_ours(uid.Data)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the suite is to work, and with which account."""

    endpoint: Endpoint
    credentials: Credentials
    subnet: IPv4Address


@dataclass(kw_only=True)
class Ground:
    """The scratch scope, empty but for what a test puts into it."""

    place: Place
    scope: Scope
    pool: tuple[IPv4Address, ...]
    outside: IPv4Address | None
    others: dict[IPv4Address, Contents] = field(default_factory=dict)

    @classmethod
    def claim(cls, place: Place) -> Ground:
        """Look at the scope, and take it if it is empty. Raises ``Unfit``."""
        with _gateway(place, IPv4Network((int(place.subnet), 32))) as server:
            scope = server.scope(place.subnet)
            if scope is None:
                raise Unfit(f"The server has no scope {place.subnet}. Nothing was changed.")
            contents = Contents.read(server, scope)
            ranges, exclusions = server.ranges(scope), server.exclusions(scope)
        strangers = contents.strangers()
        if strangers:
            raise Unfit(
                f"Scope {scope} is no scratch scope: it has {len(strangers)} reservations or records that this suite "
                f"could not put back as they were, the first is that of {strangers[0].client_id} at "
                f"{strangers[0].address}. Name an empty scope. Nothing was changed."
            )
        inside = (where for where in scope.network.hosts() if any(where in each for each in ranges))
        pool = tuple(islice((w for w in inside if not any(w in each for each in exclusions)), ADDRESSES))
        if len(pool) < ADDRESSES:
            raise Unfit(
                f"Scope {scope} has {len(pool)} addresses to give, and this suite needs {ADDRESSES}. Nothing was "
                "changed."
            )
        outside = next((w for w in scope.network.hosts() if not any(w in each for each in ranges)), None)
        ground = cls(place=place, scope=scope, pool=pool, outside=outside)
        ground.clean()  # what a run left that was killed
        ground.others = ground.elsewhere()
        return ground

    def ip(self, number: int) -> str:
        """An address of the scope that the server may give."""
        return str(self.pool[number])

    def mac(self, number: int) -> str:
        """A client of the suite."""
        return (BLOCK + bytes([number])).hex(":")

    def client(self, number: int, *, at: int | None = None, **more: Any) -> dict[str, Any]:
        """A client as a task declares it, by default at the address of the same number."""
        where = self.ip(number if at is None else at)
        return {"ip_address": where, "mac_address": self.mac(number), "scope": str(self.scope), **more}

    def server(self) -> DhcpServer:
        """The collection's gateway, guarded."""
        return _gateway(self.place, self.scope.network)

    @contextmanager
    def wire(self) -> Iterator[Wire]:
        """Single calls, guarded, for what the gateway does not show."""
        wire = Wire(lambda: _connect(self.place, self.scope.network))
        try:
            yield wire
        finally:
            wire.close()

    def declare(self, *clients: Mapping[str, Any], check: bool = False, **task: Any) -> Outcome:
        """Run the use case as a task would; one client alone is the single form."""
        single = len(clients) == 1 and not task.get("purge")
        params = parameters(clients, single=single, **{"purge": False, "purge_limit": 10, **task})
        declared = options.declarations(params, now=datetime.now(UTC))
        purge = options.purge(params, declared)
        with self.server() as server:
            return converge(server, declared, single=single, check_mode=check, purge=purge)

    def contents(self) -> Contents:
        """What the scope holds now."""
        with self.server() as server:
            return Contents.read(server, self.scope)

    def elsewhere(self) -> dict[IPv4Address, Contents]:
        """What the other scopes hold, where the account may read it."""
        found = {}
        with self.server() as server:
            for subnet in server.scope_addresses():
                scope = None if subnet == self.scope.address else server.scope(subnet)
                if scope is not None:
                    try:
                        found[subnet] = Contents.read(server, scope)
                    except DhcpError:
                        continue
        return found

    def expect_others_unchanged(self, *, strict: bool) -> None:
        """Assert that no other scope was touched. A real server's clients come and go: its records are not compared."""
        for subnet, contents in self.elsewhere().items():
            assert contents.ours() == []
            before = self.others.get(subnet, contents)
            assert contents.reservations == before.reservations, f"The reservations of scope {subnet} have changed."
            if strict:
                assert contents.records == before.records, f"The records of scope {subnet} have changed."

    def clean(self) -> None:
        """Remove what the suite has put into the scope, and nothing else."""
        with self.server() as server:
            contents = Contents.read(server, self.scope)
            for reservation in contents.reservations:
                if _is_ours(reservation.client_id.octets):
                    step = RemoveReservation(
                        scope=self.scope, address=reservation.address, client_id=reservation.client_id
                    )
                    try:
                        server.apply(step)
                    except Unanswered:  # a reservation without record: the reading below tells
                        continue
            for record in Contents.read(server, self.scope).records:
                if _is_ours(record.client_id.octets):
                    server.apply(DeleteRecord(scope=self.scope, address=record.address, client_id=record.client_id))
            left = Contents.read(server, self.scope).ours()
        assert left == [], f"Left in scope {self.scope}: {left}"


@dataclass(frozen=True, slots=True)
class Contents:
    """What a scope holds."""

    reservations: tuple[Reservation, ...]
    records: tuple[Record, ...]

    @classmethod
    def read(cls, server: DhcpServer, scope: Scope) -> Contents:
        return cls(tuple(server.reservations(scope)), tuple(server.records(scope)))

    def _all(self) -> list[Reservation | Record]:
        return [*self.reservations, *self.records]

    def ours(self) -> list[Reservation | Record]:
        """What is of the suite."""
        return [each for each in self._all() if _is_ours(each.client_id.octets)]

    def strangers(self) -> list[Reservation | Record]:
        """What is not."""
        return [each for each in self._all() if not _is_ours(each.client_id.octets)]

    def record_of(self, mac: str) -> Record | None:
        return next((each for each in self.records if each.client_id == ClientId.parse_mac(mac)), None)

    def reserved_for(self, ip: str) -> str | None:
        """The client that an address is reserved for."""
        return next((str(each.client_id) for each in self.reservations if str(each.address) == ip), None)


class Wire:
    """Single calls over a guarded connection, which is made anew after an error."""

    def __init__(self, connect: Callable[[], Guard]) -> None:
        self._connect = connect
        self._guard: Guard | None = None

    def send(self, call: calls.Call[calls.ReplyT]) -> calls.ReplyT:
        guard = self._guard = self._guard or self._connect()
        try:
            return call.Reply.unpack(guard.call(call.INTERFACE, call.OPNUM, call.pack(), label=call.name))
        except DhcpError:
            self.close()
            raise

    def close(self) -> None:
        if self._guard is not None:
            self._guard.close()
            self._guard = None


def _connect(place: Place, network: IPv4Network) -> Guard:
    return Guard(connect(place.endpoint, place.credentials, (DHCPSRV, DHCPSRV2)), network)


def _gateway(place: Place, network: IPv4Network) -> DhcpServer:
    return DhcpServer(lambda: _connect(place, network))
