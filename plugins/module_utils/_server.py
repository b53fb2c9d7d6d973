# Copyright: (c) 2026, msrpc.dhcp contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# This code is private to the collection msrpc.dhcp: it may change in any release.

"""The gateway: the one place that knows both the protocol (``_rpc``) and the field (``_domain``).

Reads return domain values, whatever form the server chose; writes are the steps of a plan, each sent once and each
with the read before it that the protocol's lack of conditions demands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import Enum
from ipaddress import IPv4Address, IPv4Network
from types import TracebackType
from typing import Any, NoReturn, Protocol, Self, TypeVar

from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.model import (
    DHCP_CLIENTS,
    UNSET,
    AddressRange,
    AddressState,
    ClientId,
    Expiry,
    Failover,
    FailoverMode,
    FailoverRole,
    FailoverState,
    OptionValues,
    Record,
    Reservation,
    Scope,
    ScopeStatus,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.render import whole_characters
from ansible_collections.msrpc.dhcp.plugins.module_utils._domain.state import (
    Create,
    DeleteRecord,
    RemoveReservation,
    Reserve,
    SetOptions,
    SetRecord,
    Step,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._errors import (
    AccessFault,
    BadReply,
    DecodeError,
    DhcpError,
    NotSupported,
    Overtaken,
    RpcFault,
    Taken,
    TransportError,
    Unanswered,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc import (
    calls,
    failover_calls,
    failover_structs,
    option_calls,
    option_structs,
    status,
    structs,
)
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.calls import Call, ReplyT, StatusReply
from ansible_collections.msrpc.dhcp.plugins.module_utils._rpc.interfaces import DHCPSRV, DHCPSRV2, Interface

# R_DhcpEnumSubnetClientsVQ returns at most 64 KiB a page, whatever is asked for (3.1.4.48).
_PAGE = 65536
# How far a walk goes back when the record that its handle names is gone, and how often it starts again.
_STEPS_BACK = 8
_RESTARTS = 2
# How often a list that is not one reply is read until two readings agree.
_READINGS = 5
# R_DhcpV4GetFreeIPAddress returns at most as many (3.2.4.121).
_MAX_FREE_ADDRESSES = 1024
_INVALID_PARAMETER = 87
# nca_s_op_rng_error: the server has no call of that number (C706 appendix E).
_NO_SUCH_CALL = 0x1C010002
_VERSION_OF_2012 = (6, 2)  # of Windows Server 2012 (3.1.4.29, note 32)
# Calls whose answers cannot be those of the other interface's calls of the same numbers.
_PROOFS = (
    calls.R_DhcpGetSubnetInfo,
    calls.R_DhcpGetClientInfoVQ,
    calls.R_DhcpEnumSubnetClientsVQ,
    calls.R_DhcpEnumSubnetElementsV5,
)
_ANSWERED = frozenset({status.SUCCESS, status.MORE_DATA, status.NO_MORE_ITEMS})
# No list has more pages than this, nor more octets of replies: room for a million records.
_MAX_PAGES = 10_000
_MAX_LIST = 256 * 1024 * 1024
# More scopes than any server has; each of them would be read.
_MAX_SCOPES = 100_000
# What comes after the sentence about a reply that no server should give.
_STRANGE = "Nothing of it was used. Run again; if it stays, report this message together with the server's version."
# By their numbers on the wire.
_ADDRESS_STATES = tuple(AddressState(number) for number in range(structs.ADDRESS_STATE_MASK + 1))


class RpcChannel(Protocol):
    """What the gateway needs of a connection; ``broken`` means that it is never to be used again."""

    broken: bool
    mechanism: str
    without_kerberos: str | None
    account: str  # as messages name it
    server: str

    def call(self, interface: Interface, opnum: int, stub: bytes, *, label: str) -> bytes: ...

    def close(self) -> None: ...


EnumT = TypeVar("EnumT", bound=Enum)


@dataclass(frozen=True, slots=True, kw_only=True)
class _RawRecord:
    """A record and what a change of it has to send back unchanged."""

    record: Record
    owner: int


class _Subnet:
    """What a scope has to do with each of its many records and reservations, worked out once."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope.address
        self.numbers = range(int(scope.network.network_address), int(scope.network.broadcast_address) + 1)

    def client_id(self, octets: bytes | None) -> ClientId:
        return ClientId.from_wire(octets, self._scope)

    def record(self, client: structs.DHCP_CLIENT_INFO_VQ) -> Record:
        """A record in the field's values, given by position: there may be a hundred thousand."""
        return Record(
            IPv4Address(client.ClientIpAddress),
            self.client_id(client.ClientHardwareAddress),
            client.ClientName or "",
            client.ClientComment or "",
            Expiry(client.ClientLeaseExpires) if client.ClientLeaseExpires else UNSET,
            _ADDRESS_STATES[client.AddressState & structs.ADDRESS_STATE_MASK],
        )


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

    Belongs to one thread; ``connect`` is called in that of each sibling as well.
    """

    def __init__(self, connect: Callable[[], RpcChannel]) -> None:
        self._calls = 0
        self._writes = 0
        self._connect = connect
        self._channel: RpcChannel | None = None
        self._siblings: list[DhcpServer] = []
        self._has_calls_of_2012 = True
        self._octets = 0  # of all stubs received
        self._proven: set[Interface] = set()  # on the connection that is open

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def calls(self) -> int:
        """How many calls were sent, over this connection and those of its siblings."""
        return self._calls + sum(sibling.calls for sibling in self._siblings)

    @property
    def writes(self) -> int:
        """How many of the calls were writes."""
        return self._writes + sum(sibling.writes for sibling in self._siblings)

    @property
    def own_writes(self) -> int:
        """The same, over this connection alone."""
        return self._writes

    def sibling(self) -> DhcpServer:
        """The same server over another connection, for another thread. It is closed with this one."""
        sibling = DhcpServer(self._connect)
        self._siblings.append(sibling)
        return sibling

    def open(self) -> None:
        """Connect and log on now, rather than with the first call. Raises ``DhcpError``."""
        self._open()

    def detach(self) -> RpcChannel | None:
        """Hand the open connection over to the caller, who closes it; None if there is none."""
        channel, self._channel = self._channel, None
        return channel

    def close(self) -> None:
        """Close every connection; more than once does no harm."""
        for sibling in self._siblings:
            sibling.close()
        self._drop()

    # --- reading ------------------------------------------------------------------------------------------------------

    def mechanism(self) -> str:
        """How the account was logged on: ``ntlm`` or ``kerberos``."""
        return self._open().mechanism

    def without_kerberos(self) -> str | None:
        """Why it was not Kerberos, where that was allowed."""
        return self._open().without_kerberos

    def version(self) -> tuple[int, int]:
        """Major and minor version (3.1.4.29). Every account that can log on may ask for it."""
        reply = self._send(calls.R_DhcpGetVersion())
        self._demand(reply.Return, "R_DhcpGetVersion")
        if not reply.MajorVersion:
            self._reject("R_DhcpGetVersion returned version 0, which no server has.")
        return reply.MajorVersion, reply.MinorVersion

    def refusal(self) -> str | None:
        """Why this account may not read (3.5.4); None if it may."""
        try:
            self.scope_addresses()
        except (status.AccessDenied, AccessFault) as exc:
            return str(exc)
        return None

    def scope_addresses(self) -> list[IPv4Address]:
        """The subnet addresses of all scopes, ascending (3.1.4.4)."""
        addresses: set[IPv4Address] = set()
        handle = 0
        for _page in self._pages():
            reply = self._send(calls.R_DhcpEnumSubnets(ResumeHandle=handle))
            if len(reply.EnumInfo or ()) > _MAX_SCOPES:
                self._reject(f"R_DhcpEnumSubnets returned {len(reply.EnumInfo or ())} scopes in one reply.")
            if reply.Return == status.NO_MORE_ITEMS:
                return self._sorted(addresses)
            if reply.Return != status.MORE_DATA:
                self._demand(reply.Return, "R_DhcpEnumSubnets")
            new = {IPv4Address(address) for address in reply.EnumInfo or ()} - addresses
            addresses |= new
            handle = reply.ResumeHandle
            if reply.Return == status.SUCCESS:
                return self._sorted(addresses)
            if not new or len(addresses) > _MAX_SCOPES:
                break
        raise self._endless("R_DhcpEnumSubnets")

    def _sorted(self, scopes: set[IPv4Address]) -> list[IPv4Address]:
        """Ascending. That there are none could also be R_DhcpEnumMScopes' answer: see ``_prove``."""
        if not scopes and DHCPSRV not in self._proven:
            self.version()
        return sorted(scopes)

    def scope(self, address: IPv4Address) -> Scope | None:
        """The scope of that subnet address, None if the server has none (3.1.4.3)."""
        if not int(address):
            return None  # whatever the server says: other calls take 0 for all scopes (3.1.4.48)
        reply = self._send(calls.R_DhcpGetSubnetInfo(SubnetAddress=int(address)))
        if reply.Return == status.ScopeNotPresent.code_of_class:
            return None
        self._demand(reply.Return, "R_DhcpGetSubnetInfo")
        info = reply.SubnetInfo
        if info is None or info.SubnetAddress != int(address):
            self._reject(f"R_DhcpGetSubnetInfo did not return scope {address}, which was asked for.")
        try:
            # As a number of bits: a text such as 0.0.0.255 would be taken for the mask turned round.
            network = IPv4Network((info.SubnetAddress, _prefix_length(info.SubnetMask)))
        except ValueError:
            self._reject(f"Scope {address} has a subnet mask that is none: {IPv4Address(info.SubnetMask)}.")
        return Scope(
            network=network,
            name=info.SubnetName or "",
            description=info.SubnetComment or "",
            status=ScopeStatus.of(info.SubnetState),
        )

    def ranges(self, scope: Scope) -> tuple[AddressRange, ...]:
        """The ranges of a scope, of every kind (3.2.4.39)."""
        return _spans(scope, self._elements(scope, structs.ELEMENT_RANGES), structs.DHCP_BOOTP_IP_RANGE)

    def exclusions(self, scope: Scope) -> tuple[AddressRange, ...]:
        """The addresses of a scope's ranges that the server does not hand out (3.2.4.39)."""
        return _spans(scope, self._elements(scope, structs.ELEMENT_EXCLUSIONS), structs.DHCP_IP_RANGE)

    def failover(self, scope: Scope) -> Failover | None:
        """The failover relationship of a scope (3.2.4.97); None where it has none, or the server knows no failover."""
        call = failover_calls.R_DhcpV4FailoverGetScopeRelationship(scopeId=int(scope.address))
        try:
            reply = self._send_newer(call)
        except NotSupported:
            return None
        if reply.Return in status.NO_FAILOVER:
            return None
        self._demand(reply.Return, call.name)
        return None if reply.pRelationship is None else _failover(reply.pRelationship)

    def reservations(self, scope: Scope) -> list[Reservation]:
        """The scope's list of reserved addresses (3.2.4.39). What lies outside of its subnet is not looked at."""
        subnet, found = _Subnet(scope), []
        for entry in self._elements(scope, structs.ELEMENT_RESERVATIONS):
            if isinstance(entry, structs.DHCP_IP_RESERVATION_V4) and entry.ReservedIpAddress in subnet.numbers:
                uid = entry.ReservedForClient
                found.append(
                    Reservation(
                        IPv4Address(entry.ReservedIpAddress),
                        subnet.client_id(None if uid is None else uid.Data),
                        entry.bAllowedClientTypes,
                    )
                )
        return found

    def options(self, scope: Scope, address: IPv4Address) -> OptionValues:
        """The option values of a reservation, of all classes (3.2.4.31)."""
        self._prove(scope)
        reply = self._send(option_calls.R_DhcpGetAllOptionValues(ScopeInfo=_option_scope(scope, address)))
        self._demand(reply.Return, "R_DhcpGetAllOptionValues")
        entries = () if reply.Values is None else reply.Values.Options or ()
        return _option_values(entries)

    def free_addresses(self, scope: Scope) -> Iterator[IPv4Address]:
        """Addresses of the scope without record, outside every exclusion, lowest first (3.2.4.121; 2012 and later).

        Reservations without a record are among them, and maybe addresses that the server is about to free. Raises
        ``NotSupported`` on older servers, before the first address.
        """
        start = 0
        while True:
            call = calls.R_DhcpV4GetFreeIPAddress(
                ScopeId=int(scope.address), startIP=start, numFreeAddr=_MAX_FREE_ADDRESSES
            )
            reply = self._send_newer(call)
            if len(reply.IPAddrList or ()) > _MAX_FREE_ADDRESSES:
                self._reject(f"{call.name} returned {len(reply.IPAddrList or ())} addresses, more than were asked for.")
            found = sorted(IPv4Address(address) for address in {*(reply.IPAddrList or ())} if address >= start)
            yield from (address for address in found if address in scope.network)
            if reply.Return in status.END_OF_FREE_ADDRESSES or (start and reply.Return == _INVALID_PARAMETER):
                return  # the latter: the last page ended where the scope's ranges end
            self._demand(reply.Return, call.name)
            if len(found) < _MAX_FREE_ADDRESSES or found[-1] >= scope.network.broadcast_address:
                return
            start = int(found[-1]) + 1

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
        cursor, subnet = _Cursor(), _Subnet(scope)
        for _page in self._pages():
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
                self._demand(reply.Return, "R_DhcpEnumSubnetClientsVQ")
            for client in reply.ClientInfo or ():
                if client is None or not cursor.takes(client.ClientIpAddress):
                    continue
                if client.ClientIpAddress in subnet.numbers:
                    yield subnet.record(client)
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
        self._demand(reply.Return, "R_DhcpGetClientInfoVQ")
        if reply.ClientInfo is None:
            self._reject("R_DhcpGetClientInfoVQ reported success without a record.")
        return _RawRecord(record=_Subnet(scope).record(reply.ClientInfo), owner=reply.ClientInfo.OwnerHost.IpAddress)

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
            f"The reservations or ranges of scope {scope} changed during each of {_READINGS} readings. Run again when "
            "nobody else is changing that scope."
        )

    def _read_elements(self, scope: Scope, element_type: int) -> tuple[list[structs.Element], int]:
        entries: list[structs.Element] = []
        handle = 0
        for page in self._pages():
            reply = self._send(
                calls.R_DhcpEnumSubnetElementsV5(
                    SubnetAddress=int(scope.address), EnumElementType=element_type, ResumeHandle=handle
                )
            )
            if reply.Return == status.NO_MORE_ITEMS:
                return entries, page
            if reply.Return != status.MORE_DATA:
                self._demand(reply.Return, "R_DhcpEnumSubnetElementsV5")
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

        Raises ``StatusError`` (refused; only a read tells whether it was written nevertheless), ``Taken`` (refused, as
        something is there already), ``Overtaken`` (not sent), ``Unanswered`` (sent, outcome unknown), or another
        ``TransportError`` or ``RpcFault`` from the read before the write (not sent).
        """
        self._prove(step.scope)
        match step:
            case Create():
                self._create(step)
            case Reserve():
                self._reserve(step)
            case SetRecord():
                self._set(step)
            case RemoveReservation():
                self._remove_reservation(step)
            case DeleteRecord():
                self._delete(step)
            case SetOptions():
                self._set_options(step)

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

    def _reserve(self, step: Reserve) -> None:
        """3.2.4.38: the server refuses it where the address or the client is reserved."""
        call = calls.R_DhcpAddSubnetElementV5(SubnetAddress=int(step.scope.address), AddElementInfo=_reservation(step))
        try:
            self._write(call)
        except status.ReservationExists as exc:
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
        reserved = self._is_reserved(step)
        # The record comes last: whoever's it is, the call changes or deletes it.
        raw = self._raw_record_at(step.scope, step.address)
        if not reserved or (raw is not None and raw.record.client_id not in (step.client_id, step.beside)):
            raise _overtaken(step, raw)
        call = calls.R_DhcpRemoveSubnetElementV5(
            SubnetAddress=int(step.scope.address), RemoveElementInfo=_reservation(step)
        )
        try:
            self._write(call)
        except status.DatabaseError as exc:
            # Also the answer after removing a reservation that has no record at its address.
            raise Unanswered(str(exc)) from exc

    def _is_reserved(self, step: RemoveReservation | SetOptions) -> bool:
        return (step.address, step.client_id) in {
            (entry.address, entry.client_id) for entry in self.reservations(step.scope)
        }

    def _delete(self, step: DeleteRecord) -> None:
        """3.1.4.20, by unique id: by address it could hit a client that has come there since."""
        raw = self._raw_record_at(step.scope, step.address)
        if raw is None or raw.record.client_id != step.client_id:
            raise _overtaken(step, raw)
        search = structs.DHCP_SEARCH_INFO(
            SearchType=structs.SEARCH_HARDWARE_ADDRESS, Value=step.client_id.unique_id(step.scope.address)
        )
        self._write(calls.R_DhcpDeleteClientInfo(ClientInfo=search))

    def _set_options(self, step: SetOptions) -> None:
        """3.2.4.21, one call for each pair of classes, by address alone: prove just before whose reservation it is."""
        for entry in step.options.entries:
            if isinstance(entry, option_structs.DHCP_CLASS_OPTION_VALUES) and entry.OptionsArray is not None:
                if not self._is_reserved(step):
                    raise _overtaken(step, self._raw_record_at(step.scope, step.address))
                self._write(
                    option_calls.R_DhcpSetOptionValuesV5(
                        Flags=option_calls.OPTION_IS_VENDOR if entry.IsVendor else option_calls.OPTION_DEFAULT,
                        ClassName=entry.ClassName,
                        VendorName=entry.VendorName,
                        ScopeInfo=_option_scope(step.scope, step.address),
                        OptionValues=entry.OptionsArray,
                    )
                )

    def _write(self, call: Call[StatusReply]) -> None:
        # A connection that cannot be had is no lost answer: the write was not sent then.
        self._open()
        self._writes += 1
        try:
            reply = self._send(call)
        except (TransportError, RpcFault) as exc:
            raise Unanswered(str(exc)) from exc
        self._demand(reply.Return, call.name)

    # --- the connection -----------------------------------------------------------------------------------------------

    def _drop(self) -> None:
        """After an error: nothing more over this connection. The siblings have their own, and are at work."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    def _open(self) -> RpcChannel:
        if self._channel is None:
            self._proven.clear()
            self._channel = self._connect()
        return self._channel

    def _prove(self, scope: Scope) -> None:
        """Have each interface answer a read on this very connection, before more rests on it than what it answered.

        No bind is signed, so somebody on the way may have exchanged the interfaces: then another call is executed, the
        one with the same number. Such an answer cannot be that call's (docs/hostile-networks.md).
        """
        self._open()
        if DHCPSRV not in self._proven and self.scope(scope.address) is None:
            raise Overtaken(f"Scope {scope} is not on the server any more, so nothing was written. Check scope.")
        if DHCPSRV2 not in self._proven:
            self.exclusions(scope)

    def _send(self, call: Call[ReplyT]) -> ReplyT:
        """Send a request and decode its reply. After any error the connection is not used again."""
        channel = self._open()
        self._calls += 1
        try:
            stub = channel.call(call.INTERFACE, call.OPNUM, call.pack(), label=call.name)
            self._octets += len(stub)
            reply = call.Reply.unpack(stub)
        except DecodeError as exc:
            self._drop()
            raise BadReply(f"The reply to {call.name} cannot be read: {exc} {_STRANGE}") from exc
        except DhcpError:
            self._drop()
            raise
        if isinstance(call, _PROOFS) and reply.Return in _ANSWERED:
            self._proven.add(call.INTERFACE)
        return reply

    def _send_newer(self, call: Call[ReplyT]) -> ReplyT:
        """Send a call that Windows Server 2012 brought. An older server's fault costs a new logon: so one is enough.

        Raises ``NotSupported`` on older servers.
        """
        sentence = f"{call.name} needs Windows Server 2012 or newer."
        if not self._has_calls_of_2012:
            raise NotSupported(sentence)
        try:
            return self._send(call)
        except RpcFault as exc:
            # A fault is not authenticated, so the version decides, which is.
            if exc.code != _NO_SUCH_CALL or self.version() >= _VERSION_OF_2012:
                raise
            self._has_calls_of_2012 = False
            raise NotSupported(sentence) from exc

    def _demand(self, code: int, call: str) -> None:
        """Raise ``StatusError`` for a call's status, unless it is success."""
        if code != status.SUCCESS:
            channel = self._open()
            status.raise_for(code, call, account=channel.account, server=channel.server)

    def _pages(self) -> Iterator[int]:
        """The numbers of as many pages as a list may have, from 1 on."""
        end = self._octets + _MAX_LIST
        for page in range(1, _MAX_PAGES + 1):
            yield page
            if self._octets > end:
                return

    def _reject(self, sentence: str) -> NoReturn:
        """A verified reply that answers something else than was asked: nothing from this connection is used."""
        self._drop()
        raise BadReply(f"{sentence} {_STRANGE}")

    def _endless(self, call: str) -> BadReply:
        self._drop()
        return BadReply(
            f"{call} returns page after page and comes to no end. Reconcile the scopes on the server (Reconcile All "
            "Scopes in the DHCP console), and look into its event log."
        )


def _prefix_length(mask: int) -> int:
    """How many bits a subnet mask has. Raises ``ValueError`` for what is no mask."""
    bits = mask.bit_count()
    if mask != 0xFFFFFFFF << (32 - bits) & 0xFFFFFFFF:
        raise ValueError(mask)
    return bits


def _spans(
    scope: Scope,
    elements: Iterable[structs.Element],
    kind: type[structs.DHCP_BOOTP_IP_RANGE | structs.DHCP_IP_RANGE],
) -> tuple[AddressRange, ...]:
    """The elements of a kind as ranges, without what has its ends the wrong way round or outside of the scope."""
    return tuple(
        AddressRange(IPv4Address(entry.StartAddress), IPv4Address(entry.EndAddress))
        for entry in elements
        if isinstance(entry, kind)
        and int(scope.address) <= entry.StartAddress <= entry.EndAddress <= int(scope.network.broadcast_address)
    )


def _failover(found: failover_structs.DHCP_FAILOVER_RELATIONSHIP) -> Failover:
    """The partner is the one of the two that the answering server is not. The shared secret stays behind."""
    primary = found.serverType == failover_structs.SERVER_PRIMARY
    name, address = (
        (found.secondaryServerName, found.secondaryServer)
        if primary
        else (found.primaryServerName, found.primaryServer)
    )
    return Failover(
        name=found.relationshipName or "",
        partner=name or "",
        partner_address=IPv4Address(address),
        role=_member(FailoverRole, found.serverType),
        mode=_member(FailoverMode, found.mode),
        state=_member(FailoverState, found.state),
        percentage=found.percentage,
    )


def _member(kind: type[EnumT], number: int) -> EnumT | None:
    return next((member for member in kind if member.value == number), None)


def _reservation(step: Reserve | RemoveReservation) -> structs.DHCP_SUBNET_ELEMENT_DATA_V5:
    return structs.DHCP_SUBNET_ELEMENT_DATA_V5(
        ElementType=structs.ELEMENT_RESERVATIONS,
        Element=structs.DHCP_IP_RESERVATION_V4(
            ReservedIpAddress=int(step.address),
            ReservedForClient=structs.DHCP_CLIENT_UID(Data=step.client_id.octets),
            bAllowedClientTypes=step.allowed_types if isinstance(step, Reserve) else DHCP_CLIENTS,
        ),
    )


def _overtaken(step: Step, found: _RawRecord | None) -> Overtaken:
    now = "nothing" if found is None else f"a record of {found.record.client_id}"
    return Overtaken(
        f"{step.address} in scope {step.scope} changed while this task ran: right before the write {now} was there, so "
        "nothing was written to it."
    )


def _option_scope(scope: Scope, address: IPv4Address) -> option_structs.DHCP_OPTION_SCOPE_INFO:
    return option_structs.DHCP_OPTION_SCOPE_INFO(
        ScopeType=option_structs.SCOPE_RESERVED,
        ScopeInfo=option_structs.DHCP_RESERVED_SCOPE(
            ReservedIpAddress=int(address), ReservedIpSubnetAddress=int(scope.address)
        ),
    )


def _option_values(entries: Iterable[option_structs.DHCP_CLASS_OPTION_VALUES]) -> OptionValues:
    """Without empty classes, and in an order that does not depend on the server's."""
    kept = sorted(
        (
            replace(
                entry,
                ClassName=entry.ClassName or None,
                VendorName=entry.VendorName or None,
                OptionsArray=option_structs.DHCP_OPTION_VALUE_ARRAY(
                    Values=tuple(sorted(entry.OptionsArray.Values, key=lambda value: value.OptionID))
                ),
            )
            for entry in entries
            if entry.OptionsArray is not None and entry.OptionsArray.Values
        ),
        key=lambda entry: (entry.ClassName or "", entry.VendorName or "", entry.IsVendor),
    )
    return OptionValues(entries=tuple(kept), shown=tuple(_shown_options(kept)))


def _shown_options(entries: Iterable[option_structs.DHCP_CLASS_OPTION_VALUES]) -> Iterator[dict[str, Any]]:
    for entry in entries:
        for value in (entry.OptionsArray.Values or ()) if entry.OptionsArray is not None else ():
            yield {
                "option_id": value.OptionID,
                "user_class": whole_characters(entry.ClassName),
                "vendor_class": whole_characters(entry.VendorName),
                "vendor": entry.IsVendor,
                "values": [_shown_element(element) for element in value.Value.Elements or ()],
            }


def _shown_element(element: option_structs.DHCP_OPTION_DATA_ELEMENT) -> dict[str, Any]:
    raw = element.Element
    value = whole_characters(raw) if isinstance(raw, str) else raw
    return {"type": element.OptionType, "value": raw.hex() if isinstance(raw, bytes) else value}
