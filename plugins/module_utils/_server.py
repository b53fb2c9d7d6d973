# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""The gateway: the one place that knows both the protocol (``_rpc``) and the field (``_domain``).

Reads return domain values, whatever form the server chose; writes are the steps of a plan, each sent once and each
with the read before it that the protocol's lack of conditions demands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from types import TracebackType
from typing import NoReturn, Protocol, Self

from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.model import (
    AddressRange,
    AddressState,
    ClientId,
    Expiry,
    Record,
    Reservation,
    Scope,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.state import (
    Create,
    DeleteRecord,
    RemoveReservation,
    Reserve,
    SetRecord,
    Step,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import (
    BadReply,
    DecodeError,
    DhcpError,
    Overtaken,
    RpcFault,
    Taken,
    TransportError,
    Unanswered,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc import calls, status, structs
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.interfaces import Interface

# R_DhcpEnumSubnetClientsVQ returns at most 64 KiB a page, whatever is asked for (3.1.4.48).
_PAGE = 65536
# How far a walk goes back when the record that its handle names is gone, and how often it starts again.
_STEPS_BACK = 8
_RESTARTS = 2
# How often a list that is not one reply is read until two readings agree.
_READINGS = 5
# No list of ranges, scopes or reservations has more pages than this.
_MAX_PAGES = 10_000


class RpcChannel(Protocol):
    """What the gateway needs of a connection; ``broken`` means that it is never to be used again."""

    broken: bool

    def call(self, interface: Interface, opnum: int, stub: bytes, *, label: str) -> bytes: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _RawRecord:
    """A record and what a change of it has to send back unchanged."""

    record: Record
    owner: int


class _Cursor:
    """Where a walk of a scope's records is. Its handle is the last address read, whose record may vanish meanwhile."""

    def __init__(self) -> None:
        self.handle = 0
        self._walked: list[int] = []
        self._seen: set[int] = set()
        self._handles: set[int] = set()
        self._back = 0
        self._restarts = 0

    def takes(self, address: int) -> bool:
        """Whether the record at this address is a new one; after a step back some come again."""
        if address in self._seen:
            return False
        self._seen.add(address)
        self._walked.append(address)
        self._back = 0
        return True

    def is_stale(self, code: int) -> bool:
        """The handle's record is gone: go on from one read before it, in the end from the start, bounded.

        False for any other status, and where nothing is left to try.
        """
        if code != status.DatabaseError.code_of_class or not self.handle or self._restarts > _RESTARTS:
            return False
        self._handles.clear()
        self._back += 1
        if self._back <= min(_STEPS_BACK, len(self._walked) - 1):
            self.handle = self._walked[-1 - self._back]
        else:
            self.handle, self._back, self._restarts = 0, 0, self._restarts + 1
        return True

    def go_on(self, handle: int) -> bool:
        """Take the next page's handle; false if it was used before, since then the pages never end."""
        if handle in self._handles:
            return False
        self._handles.add(handle)
        self.handle = handle
        return True


class DhcpServer:
    """A DHCP server, spoken to over one connection that is opened when first needed and again after an error.

    ``calls`` and ``writes`` count what was sent. Belongs to one thread.
    """

    def __init__(self, connect: Callable[[], RpcChannel]) -> None:
        self.calls = 0
        self.writes = 0
        self._connect = connect
        self._channel: RpcChannel | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    # --- reading ------------------------------------------------------------------------------------------------------

    def scope_addresses(self) -> list[IPv4Address]:
        """The subnet addresses of all scopes, ascending (3.1.4.4)."""
        addresses: set[IPv4Address] = set()
        handle = 0
        for _page in range(_MAX_PAGES):
            reply = self._send(calls.R_DhcpEnumSubnets(ResumeHandle=handle))
            if reply.Return == status.NO_MORE_ITEMS:
                return sorted(addresses)
            if reply.Return != status.MORE_DATA:
                status.raise_for(reply.Return, "R_DhcpEnumSubnets")
            new = {IPv4Address(address) for address in reply.EnumInfo or ()} - addresses
            addresses |= new
            handle = reply.ResumeHandle
            if reply.Return == status.SUCCESS:
                return sorted(addresses)
            if not new:
                break
        raise self._endless("R_DhcpEnumSubnets")

    def scope(self, address: IPv4Address) -> Scope | None:
        """The scope of that subnet address, None if the server has none (3.1.4.3)."""
        reply = self._send(calls.R_DhcpGetSubnetInfo(SubnetAddress=int(address)))
        if reply.Return == status.ScopeNotPresent.code_of_class:
            return None
        status.raise_for(reply.Return, "R_DhcpGetSubnetInfo")
        info = reply.SubnetInfo
        if info is None or info.SubnetAddress != int(address):
            self._reject(f"R_DhcpGetSubnetInfo did not return scope {address}, which was asked for.")
        try:
            network = IPv4Network((info.SubnetAddress, str(IPv4Address(info.SubnetMask))))
        except ValueError:
            self._reject(f"Scope {address} has a subnet mask that is none: {IPv4Address(info.SubnetMask)}.")
        return Scope(network=network, name=info.SubnetName or "")

    def ranges(self, scope: Scope) -> tuple[AddressRange, ...]:
        """The ranges of a scope, of every kind (3.2.4.39)."""
        return tuple(
            AddressRange(IPv4Address(entry.StartAddress), IPv4Address(entry.EndAddress))
            for entry in self._elements(scope, structs.ELEMENT_RANGES)
            if isinstance(entry, structs.DHCP_BOOTP_IP_RANGE)
        )

    def reservations(self, scope: Scope) -> list[Reservation]:
        """The scope's list of reserved addresses (3.2.4.39)."""
        found = []
        for entry in self._elements(scope, structs.ELEMENT_RESERVATIONS):
            if isinstance(entry, structs.DHCP_IP_RESERVATION_V4):
                uid = entry.ReservedForClient
                client_id = ClientId.from_wire(None if uid is None else uid.Data, scope.address)
                found.append(Reservation(address=IPv4Address(entry.ReservedIpAddress), client_id=client_id))
        return found

    def record_at(self, scope: Scope, address: IPv4Address) -> Record | None:
        """The record at an address of the scope (3.1.4.47)."""
        raw = self._raw_record_at(scope, address)
        return None if raw is None else raw.record

    def record_of(self, scope: Scope, client_id: ClientId) -> Record | None:
        """The client's record in the scope (3.1.4.47): a client has at most one there."""
        raw = self._get(scope, structs.SEARCH_HARDWARE_ADDRESS, client_id.unique_id(scope.address))
        if raw is None:
            return None
        if raw.record.client_id != client_id or raw.record.address not in scope.network:
            self._reject(
                f"R_DhcpGetClientInfoVQ was asked for {client_id} in scope {scope} and returned {raw.record.client_id} "
                f"at {raw.record.address}."
            )
        return raw.record

    def records(self, scope: Scope) -> Iterator[Record]:
        """Every record of the scope, each address once, in the server's order (3.1.4.48).

        The caller has seen that the scope exists: an unknown one would look empty.
        """
        cursor = _Cursor()
        for _page in range(_MAX_PAGES):
            reply = self._send(
                calls.R_DhcpEnumSubnetClientsVQ(
                    SubnetAddress=int(scope.address), ResumeHandle=cursor.handle, PreferredMaximum=_PAGE
                )
            )
            if cursor.is_stale(reply.Return):
                continue
            if reply.Return == status.NO_MORE_ITEMS:
                return
            if reply.Return != status.MORE_DATA:
                status.raise_for(reply.Return, "R_DhcpEnumSubnetClientsVQ")
            for client in reply.ClientInfo or ():
                if client is None or not cursor.takes(client.ClientIpAddress):
                    continue
                if IPv4Address(client.ClientIpAddress) in scope.network:
                    yield _record(client, scope).record
            if reply.Return == status.SUCCESS:
                return
            if not cursor.go_on(reply.ResumeHandle):
                break
        raise self._endless("R_DhcpEnumSubnetClientsVQ")

    def _raw_record_at(self, scope: Scope, address: IPv4Address) -> _RawRecord | None:
        raw = self._get(scope, structs.SEARCH_ADDRESS, int(address))
        if raw is not None and raw.record.address != address:
            self._reject(f"R_DhcpGetClientInfoVQ was asked for {address} and returned {raw.record.address}.")
        return raw

    def _get(self, scope: Scope, search_type: int, value: int | bytes) -> _RawRecord | None:
        search = structs.DHCP_SEARCH_INFO(SearchType=search_type, Value=value)
        reply = self._send(calls.R_DhcpGetClientInfoVQ(SearchInfo=search))
        if reply.Return == status.DatabaseError.code_of_class:
            return None  # also a broken database: then no write succeeds either, and its error says so
        status.raise_for(reply.Return, "R_DhcpGetClientInfoVQ")
        if reply.ClientInfo is None:
            self._reject("R_DhcpGetClientInfoVQ reported success without a record.")
        return _record(reply.ClientInfo, scope)

    def _elements(self, scope: Scope, element_type: int) -> list[structs.Element]:
        """One list of a scope. One reply is a snapshot; a list in pages is read until two readings agree.

        The handle is an index: a removal between two pages would silently skip a row.
        """
        previous: list[structs.Element] | None = None
        for _reading in range(_READINGS):
            entries, pages = self._read_elements(scope, element_type)
            if pages == 1 or entries == previous:
                return entries
            previous = entries
        raise BadReply(
            f"The list of elements of scope {scope} came in pages and changed during each of {_READINGS} readings. "
            "Run again when nobody else is changing reservations."
        )

    def _read_elements(self, scope: Scope, element_type: int) -> tuple[list[structs.Element], int]:
        entries: list[structs.Element] = []
        handle = 0
        for page in range(1, _MAX_PAGES):
            reply = self._send(
                calls.R_DhcpEnumSubnetElementsV5(
                    SubnetAddress=int(scope.address), EnumElementType=element_type, ResumeHandle=handle
                )
            )
            if reply.Return == status.NO_MORE_ITEMS:
                return entries, page
            if reply.Return != status.MORE_DATA:
                status.raise_for(reply.Return, "R_DhcpEnumSubnetElementsV5")
            entries += [item.Element for item in reply.EnumElementInfo or () if item.Element is not None]
            if reply.Return == status.SUCCESS:
                return entries, page
            if reply.ResumeHandle <= handle:
                break
            handle = reply.ResumeHandle
        raise self._endless("R_DhcpEnumSubnetElementsV5")

    # --- writing ------------------------------------------------------------------------------------------------------

    def apply(self, step: Step) -> None:
        """Send one step, once. Returns when the server's verified answer says success.

        Raises ``StatusError`` or ``Taken`` (refused, nothing written), ``Overtaken`` (not sent), ``Unanswered`` (sent,
        outcome unknown), or another ``TransportError`` or ``RpcFault`` from the read before the write (not sent).
        """
        match step:
            case Create():
                self._create(step)
            case Reserve():
                self._write(
                    calls.R_DhcpAddSubnetElementV5(
                        SubnetAddress=int(step.scope.address), AddElementInfo=_reservation(step)
                    )
                )
            case SetRecord():
                self._set(step)
            case RemoveReservation():
                self._remove_reservation(step)
            case DeleteRecord():
                self._delete(step)

    def _create(self, step: Create) -> None:
        """3.1.4.45: the server itself decides who gets the address; it sets type, state, mask and owner."""
        info = structs.DHCP_CLIENT_INFO_VQ(
            ClientIpAddress=int(step.address),
            SubnetMask=int(step.scope.network.netmask),
            ClientHardwareAddress=step.client_id.octets,
            ClientName=step.name or None,
            ClientComment=step.description or None,
            ClientLeaseExpires=step.expires.filetime,
            OwnerHost=structs.DHCP_HOST_INFO(),
            bClientType=structs.CLIENT_TYPE_DHCP,
            AddressState=structs.ADDRESS_STATE_ACTIVE,
            Status=0,
            ProbationEnds=0,
            QuarantineCapable=0,
        )
        try:
            self._write(calls.R_DhcpCreateClientInfoVQ(ClientInfo=info))
        except (status.ClientExists, status.DatabaseError) as exc:
            raise Taken(str(exc)) from exc

    def _set(self, step: SetRecord) -> None:
        """3.1.4.18: works by address without a condition and overwrites id, owner, expiry: read them just before."""
        raw = self._raw_record_at(step.scope, step.address)
        if raw is None or raw.record.client_id != step.client_id:
            raise _overtaken(step, raw)
        expires = raw.record.expires if step.expires is None else step.expires
        info = structs.DHCP_CLIENT_INFO(
            ClientIpAddress=int(step.address),
            SubnetMask=int(step.scope.network.netmask),
            ClientHardwareAddress=step.client_id.octets,
            ClientName=step.name,
            ClientComment=step.description,
            ClientLeaseExpires=expires.filetime,
            OwnerHost=structs.DHCP_HOST_INFO(IpAddress=raw.owner),
        )
        self._write(calls.R_DhcpSetClientInfo(ClientInfo=info))

    def _remove_reservation(self, step: RemoveReservation) -> None:
        """3.2.4.40: on an address that is not reserved it would delete the lease there: prove it just before."""
        raw = self._raw_record_at(step.scope, step.address)
        if raw is not None and raw.record.client_id != step.client_id:
            raise _overtaken(step, raw)
        if Reservation(address=step.address, client_id=step.client_id) not in self.reservations(step.scope):
            raise _overtaken(step, raw)
        call = calls.R_DhcpRemoveSubnetElementV5(
            SubnetAddress=int(step.scope.address), RemoveElementInfo=_reservation(step)
        )
        try:
            self._write(call)
        except status.DatabaseError as exc:
            # Also the answer after removing a reservation that has no record at its address.
            raise Unanswered(str(exc)) from exc

    def _delete(self, step: DeleteRecord) -> None:
        """3.1.4.20, by unique id: by address it could hit a client that has come there since."""
        raw = self._raw_record_at(step.scope, step.address)
        if raw is None or raw.record.client_id != step.client_id:
            raise _overtaken(step, raw)
        search = structs.DHCP_SEARCH_INFO(
            SearchType=structs.SEARCH_HARDWARE_ADDRESS, Value=step.client_id.unique_id(step.scope.address)
        )
        self._write(calls.R_DhcpDeleteClientInfo(ClientInfo=search))

    def _write(self, call: calls.Call[calls.StatusReply]) -> None:
        # A connection that cannot be had is no lost answer: the write was not sent then.
        self._open()
        self.writes += 1
        try:
            reply = self._send(call)
        except (TransportError, RpcFault) as exc:
            raise Unanswered(str(exc)) from exc
        status.raise_for(reply.Return, call.name)

    # --- the connection -----------------------------------------------------------------------------------------------

    def _open(self) -> RpcChannel:
        if self._channel is None:
            self._channel = self._connect()
        return self._channel

    def _send(self, call: calls.Call[calls.ReplyT]) -> calls.ReplyT:
        """Send a request and decode its reply. After any error the connection is not used again."""
        channel = self._open()
        self.calls += 1
        try:
            stub = channel.call(call.INTERFACE, call.OPNUM, call.pack(), label=call.name)
            return call.Reply.unpack(stub)
        except DecodeError as exc:
            self.close()
            raise BadReply(f"The reply to {call.name} cannot be read: {exc}") from exc
        except DhcpError:
            self.close()
            raise

    def _reject(self, sentence: str) -> NoReturn:
        """A verified reply that answers something else than was asked: nothing from this connection is used."""
        self.close()
        raise BadReply(sentence)

    def _endless(self, call: str) -> BadReply:
        self.close()
        return BadReply(f"{call} returns page after page without anything new. Look after the server's database.")


def _record(client: structs.DHCP_CLIENT_INFO_VQ, scope: Scope) -> _RawRecord:
    record = Record(
        address=IPv4Address(client.ClientIpAddress),
        client_id=ClientId.from_wire(client.ClientHardwareAddress, scope.address),
        name=client.ClientName or "",
        description=client.ClientComment or "",
        expires=Expiry(client.ClientLeaseExpires),
        state=AddressState(client.AddressState & structs.ADDRESS_STATE_MASK),
    )
    return _RawRecord(record=record, owner=client.OwnerHost.IpAddress)


def _reservation(step: Reserve | RemoveReservation) -> structs.DHCP_SUBNET_ELEMENT_DATA_V5:
    return structs.DHCP_SUBNET_ELEMENT_DATA_V5(
        ElementType=structs.ELEMENT_RESERVATIONS,
        Element=structs.DHCP_IP_RESERVATION_V4(
            ReservedIpAddress=int(step.address),
            ReservedForClient=structs.DHCP_CLIENT_UID(Data=step.client_id.octets),
            bAllowedClientTypes=structs.CLIENT_TYPE_DHCP,
        ),
    )


def _overtaken(step: Step, found: _RawRecord | None) -> Overtaken:
    now = "nothing" if found is None else f"a record of {found.record.client_id}"
    return Overtaken(
        f"{step.address} in scope {step.scope} changed while this task ran: right before the write {now} was there."
    )
